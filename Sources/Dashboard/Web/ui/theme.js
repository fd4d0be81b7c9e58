// Light, dark, or as the system.

import { $ } from "./dom.js";
import { keep, kept } from "./keep.js";

const choices = ["system", "light", "dark"];

function use(choice) {
  document.documentElement.dataset.theme = choice;
  $("theme").querySelector("span").textContent = `Colours: ${choice === "system" ? "as the system" : choice}`;
}

export function startTheme() {
  let choice = kept("colours", "system");
  if (!choices.includes(choice)) choice = "system";
  use(choice);
  $("theme").addEventListener("click", () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length];
    use(choice);
    keep("colours", choice);
    document.dispatchEvent(new CustomEvent("weir-theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("weir-theme")));
}
