// Who is at the screen: the first set-up, logging in, logging out.

import * as api from "./api.js";
import { openAccount } from "./account.js";
import { $, el, setText, visible } from "./dom.js";
import { attempt, openDialog } from "./dialogs.js";

let isOpen = false;

/** Waits until there is somebody who may at least look. */
export async function enter() {
  const access = await api.get("api/access").catch((error) => (error.status === 404 ? null : Promise.reject(error)));
  if (!access) return;
  showWho(access);
  if (access.needs_set_up && access.role === "none") return form(setUp);
  if (access.role === "none") return form(logIn);
}

export function startAccess() {
  document.addEventListener("weir-login-needed", () => form(logIn, true));
  $("who").addEventListener("click", () => attempt(async () => {
    const access = await api.get("api/access");
    if (access.is_logged_in) openAccount(access, leave);
    else await form(access.needs_set_up ? setUp : logIn, true);
  }));
}

function showWho(access) {
  // Where everybody on this machine may do everything there is nothing to log in for.
  $("who").hidden = !access.is_logged_in && !access.needs_set_up && access.role === "admin";
  setText($("who"), access.is_logged_in ? visible(access.name) : access.needs_set_up ? "Set up" : "Log in");
}

const leave = () => attempt(async () => {
  await api.post("api/access/logout");
  location.reload();
});

const name = () => el("input", { type: "text", name: "name", autocomplete: "username", required: true, maxLength: 100 });
const password = (kind) => el("input", { type: "password", name: "password", autocomplete: kind, required: true, maxLength: 1000 });

const logIn = () => {
  const fields = { name: name(), password: password("current-password") };
  return {
    title: "Log in", action: "Log in", path: "api/access/login", fields,
    content: [el("label", { class: "field" }, "Name", fields.name), el("label", { class: "field" }, "Password", fields.password)],
  };
};

const setUp = () => {
  const fields = {
    token: el("input", { type: "text", name: "token", autocomplete: "off", required: true, maxLength: 200, spellcheck: false }),
    name: name(), password: password("new-password"),
  };
  return {
    title: "Set up Weir", action: "Create the first user", path: "api/access/setup", fields,
    content: [
      el("p", {}, "Nobody can log in yet. Weir wrote a set-up token to its log when it started: whoever can read the log may make the first user."),
      el("label", { class: "field" }, "Set-up token", fields.token),
      el("label", { class: "field" }, "Name", fields.name), el("label", { class: "field" }, "Password, at least 8 characters", fields.password),
    ],
  };
};

/** Says why not. After too many failures it counts down until the next attempt has a chance. */
function waitAndShow(problem, yes, error) {
  const ends = Date.now() + 1000 * error.retrySeconds;
  const tick = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    setText(problem, left > 0 ? `Too many failed attempts. The next one can be made in ${left} s.` : error.message);
    yes.disabled = left > 0;
    if (left > 0) setTimeout(tick, 250);
    else if (error.retrySeconds > 0) problem.hidden = true;
  };
  tick();
}

/** Shows a form until it succeeds; one that `mayClose` can be left. The page then begins anew, as who has entered. */
function form(make, mayClose = false) {
  if (isOpen) return new Promise(() => {});
  isOpen = true;
  const { title, action, path, fields, content } = make();
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const yes = el("button", { type: "submit", class: "primary" }, action);
  const sheet = el("form", { class: "sheet" }, content, problem, yes);
  return new Promise((resolve) => {
    const dialog = openDialog(title, sheet, {
      kind: mayClose ? "ask" : "ask must",
      onClose: () => {
        isOpen = false;
        if (mayClose) resolve();
        else resolve(form(make));
      },
    });
    sheet.addEventListener("submit", async (event) => {
      event.preventDefault();
      yes.disabled = true;
      problem.hidden = true;
      try {
        await api.post(path, Object.fromEntries(Object.entries(fields).map(([key, input]) => [key, input.value])), true);
        location.reload();
      } catch (error) {
        problem.hidden = false;
        fields.password.select();
        waitAndShow(problem, yes, error);
      }
    });
    Object.values(fields)[0].focus();
  });
}
