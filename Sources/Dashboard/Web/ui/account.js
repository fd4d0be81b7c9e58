// Who may come in: one's own password, those who are logged in, and the keys of programs.

import * as api from "./api.js";
import { button, el, fill, visible } from "./dom.js";
import { attempt, confirm, openDialog, toast } from "./dialogs.js";
import { date, duration } from "./format.js";

const roles = {
  read: "read: see everything", control: "control: also change torrents, limits and caps",
  hook: "hook: only knock at the webhook", admin: "admin: also give keys and passwords",
};

export function openAccount(access, leave) {
  const keys = el("div", {});
  const sessions = el("div", {});
  const dialog = openDialog("Your account", [
    el("p", {}, access.is_logged_in ? `Logged in as ${visible(access.name)} (${access.role}).` : "Nobody has to log in on this machine yet."),
    el("section", {}, el("h3", {}, "Keys of programs"), el("p", { class: "muted" }, "For Sonarr, scripts and others: as the header X-API-Key, or as the password where a program asks for one."), keys),
    access.is_logged_in && el("section", {}, el("h3", {}, "Who is logged in"), sessions),
  ], {
    kind: "wide account",
    buttons: [
      access.is_logged_in && button("Change password", () => changePassword(access.name)), el("span", { class: "stretch" }),
      button("Close", () => dialog.close()), access.is_logged_in && button("Log out", leave, { kind: "primary" }),
    ].filter(Boolean),
  });
  const show = () => attempt(async () => {
    fill(keys, keyTable((await api.get("api/access/keys")).keys, show));
    if (access.is_logged_in) fill(sessions, sessionTable((await api.get("api/access/sessions")).sessions, show));
  });
  show();
}

function keyTable(keys, show) {
  const name = el("input", { type: "text", name: "key", maxLength: 64, placeholder: "sonarr", "aria-label": "Name of the new key" });
  const role = el("select", { "aria-label": "What it may do" }, Object.entries(roles).map(([value, text]) => el("option", { value }, text)));
  const make = el("form", { class: "make" }, name, role, el("button", { type: "submit" }, "Make a key"));
  make.addEventListener("submit", async (event) => {
    event.preventDefault();
    const made = await attempt(() => api.post("api/access/keys/create", { name: name.value.trim(), role: role.value }));
    if (!made) return;
    showSecret(made);
    show();
  });
  return [
    keys.length > 0 && el("table", {}, el("tbody", {}, keys.map((key) => el("tr", {},
      el("td", {}, visible(key.name)), el("td", {}, key.role), el("td", { class: "muted" }, `since ${date(key.created_at)}`),
      el("td", { class: "number" }, button("Revoke", () => revoke(key, show), { kind: "quiet small danger-text" })))))),
    make,
  ];
}

/** Shown this once: only its digest is kept. */
function showSecret({ name, key }) {
  const field = el("input", { type: "text", readOnly: true, value: key, class: "secret", "aria-label": "The new key" });
  const dialog = openDialog(`The key “${visible(name)}”`, [
    el("p", {}, "Copy it now: it is not kept, and cannot be shown again."), field,
  ], {
    kind: "ask", buttons: [
      button("Copy", () => attempt(async () => {
        field.select();
        await navigator.clipboard.writeText(key);
        toast("Copied.");
      })), button("I have it", () => dialog.close(), { kind: "primary" })],
  });
  field.select();
}

async function revoke(key, show) {
  const isDone = await confirm("Revoke key", el("p", {}, `The program with the key “${visible(key.name)}” is let in no more, from this moment on.`), {
    action: "Revoke", isDangerous: true, run: () => api.post("api/access/keys/revoke", { name: key.name }),
  });
  if (isDone) show();
}

function sessionTable(sessions, show) {
  return el("table", {}, el("tbody", {}, sessions.map((session) => el("tr", {},
    el("td", {}, visible(session.user), session.is_own && el("b", {}, " · this one")), el("td", {}, visible(session.address)),
    el("td", { class: "muted" }, `for ${duration(session.age)}, last seen ${duration(session.idle)} ago`),
    el("td", { class: "number" }, !session.is_own && button("Log out", () => attempt(async () => {
      await api.post("api/access/sessions/end", { id: session.id });
      show();
    }), { kind: "quiet small" }))))));
}

function changePassword(name) {
  const field = (label, kind) => {
    const input = el("input", { type: "password", autocomplete: kind, maxLength: 1000 });
    return [input, el("label", { class: "field" }, label, input)];
  };
  const [current, currentField] = field("Present password", "current-password");
  const [first, firstField] = field("New password, at least 8 characters", "new-password");
  const [second, secondField] = field("The same once more", "new-password");
  return confirm("Change password", [currentField, firstField, secondField, el("p", { class: "muted" }, "All other sessions of yours end.")], {
    action: "Change it", run: async () => {
      if (first.value !== second.value) throw new Error("The two new passwords are not the same.");
      await api.post("api/access/password/change", { name, current: current.value, password: first.value }, true);
      toast("The password is changed.");
    },
  });
}
