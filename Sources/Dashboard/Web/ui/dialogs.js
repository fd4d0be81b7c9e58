// Dialogs that ask, and short messages that say what became of it.

import { $, button, el, icon } from "./dom.js";

const toastMilliseconds = 8000;

/** A modal dialog with a title, content and buttons; answers the dialog. Closed by Escape, and gone then. */
export function openDialog(title, content, { buttons = [], kind = "", onClose } = {}) {
  const heading = el("h2", { id: `dialog-${crypto.randomUUID?.() ?? Math.random()}` }, title);
  const dialog = el("dialog", { class: kind, "aria-labelledby": heading.id },
    el("header", { class: "bar" }, heading, el("span", { class: "stretch" }),
      button("", () => dialog.close(), { kind: "quiet", picture: "close", "aria-label": "Close", title: "Close (Esc)" })),
    el("div", { class: "content" }, content),
    buttons.length > 0 && el("footer", {}, buttons));
  dialog.addEventListener("close", () => {
    onClose?.();
    dialog.remove();
  });
  // A click on what lies behind closes it.
  dialog.addEventListener("pointerdown", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks before something is done; `run` may fail, and the dialog then says why and stays. */
export function confirm(title, content, { action, isDangerous = false, run }) {
  return new Promise((resolve) => {
    const problem = el("p", { class: "problem", role: "alert", hidden: true });
    const yes = button(action, async () => {
      yes.disabled = true;
      try {
        await run();
        dialog.close("done");
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
        yes.disabled = false;
      }
    }, { kind: isDangerous ? "danger" : "primary" });
    const no = button("Cancel", () => dialog.close());
    const dialog = openDialog(title, [content, problem], {
      buttons: [no, yes], kind: "ask", onClose: () => resolve(dialog.returnValue === "done"),
    });
    (isDangerous ? no : yes).focus();
  });
}

/** `undo` takes back what was done; it is offered for as long as the message stands. */
export function toast(text, isProblem = false, undo = null) {
  const message = el("p", { class: isProblem ? "problem" : "" }, icon(isProblem ? "warn" : "check"), text, undo && button("Undo", () => {
    message.remove();
    attempt(undo);
  }, { kind: "quiet small", picture: "undo" }));
  // When the dialog that it comes from has closed; above one that stays, where alone something can be pressed.
  setTimeout(() => {
    toastPlace().append(message);
    setTimeout(() => message.remove(), toastMilliseconds);
  });
}

function toastPlace() {
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  if (!dialog) return $("toasts");
  let place = dialog.querySelector(":scope > .toasts");
  if (!place) {
    place = el("div", { class: "toasts", role: "status" });
    dialog.append(place);
  }
  return place;
}

/** Runs something, and says what went wrong. */
export async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    toast(error.message, true);
    return undefined;
  }
}
