// Light, dark, or as the system.

import { $ } from "./dom.js";

const key = "weir-colours";
const choices = ["system", "light", "dark"];

function stored() {
  try {
    return localStorage.getItem(key) ?? "system";
  } catch {
    return "system";
  }
}

function use(choice) {
  document.documentElement.dataset.theme = choice;
  $("theme").querySelector("span").textContent = `Colours: ${choice === "system" ? "as the system" : choice}`;
}

export function startTheme() {
  let choice = choices.includes(stored()) ? stored() : "system";
  use(choice);
  $("theme").addEventListener("click", () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length];
    use(choice);
    try {
      localStorage.setItem(key, choice);
    } catch {
      // Without storage it lasts as long as the page.
    }
    document.dispatchEvent(new CustomEvent("weir-theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("weir-theme")));
}
