// Which columns the list shows, and in which order: kept in this browser.

import { columns } from "./columns.js";
import { $, button, el, fill } from "./dom.js";
import { openDialog } from "./dialogs.js";

export function startChoosing(list) {
  $("columns").addEventListener("click", () => open(list));
}

function open(list) {
  const shown = list.shown.map((item) => item.key);
  // Those that are shown in their order, then the others.
  let order = [...shown, ...columns.map((item) => item.key).filter((key) => !shown.includes(key))];
  const isShown = new Set(shown);
  const body = el("ul", { class: "chooser" });
  const use = () => list.choose(order.filter((key) => isShown.has(key)));

  function move(key, step) {
    const from = order.indexOf(key);
    const to = from + step;
    if (to < 1 || to >= order.length) return;
    order.splice(from, 1);
    order.splice(to, 0, key);
    use();
    show();
    body.querySelector(`[data-key="${key}"] [data-step="${step}"]`)?.focus();
  }

  function show() {
    fill(body, order.map((key) => {
      const box = el("input", { type: "checkbox", checked: isShown.has(key), disabled: key === "name" });
      box.addEventListener("change", () => {
        if (box.checked) isShown.add(key);
        else isShown.delete(key);
        use();
      });
      const mover = (label, picture, step) => button("", () => move(key, step), { kind: "quiet small", picture, "aria-label": label, "data-step": String(step) });
      return el("li", { "data-key": key }, el("label", { class: "check" }, box, columns.find((item) => item.key === key).title), el("span", { class: "stretch" }),
        key !== "name" && [mover("Further to the left", "up", -1), mover("Further to the right", "down", 1)]);
    }));
  }

  show();
  const dialog = openDialog("Columns", [el("p", { class: "muted" }, "The first of them stand furthest to the left. On a phone the list has its own form."), body], {
    kind: "ask", buttons: [button("As there is room", () => {
      list.choose(null);
      dialog.close();
    }), button("Done", () => dialog.close(), { kind: "primary" })],
  });
}
