// What is changed on one torrent's page: names, files, trackers. What is cheap to take back can be taken back.

import * as api from "./api.js";
import { el, visible } from "./dom.js";
import { attempt, confirm, toast } from "./dialogs.js";

const edit = (id, change) => api.post("api/ui/torrent/edit", { id, ...change });

/** Asks for a text and does something with it; answers the text, or nothing. */
async function ask(title, label, present, run, note) {
  const input = el("input", { type: "text", maxLength: 2000, value: present, spellcheck: false });
  let value;
  const isDone = await confirm(title, [el("label", { class: "field" }, label, input), note && el("p", { class: "muted" }, note)], {
    action: title, run: async () => {
      value = input.value.trim();
      await run(value);
    },
  });
  return isDone ? value : undefined;
}

export async function askName(id, present) {
  const name = await ask("Rename", "What it is called here; its files keep their names", present, (value) => edit(id, { edit: "name", name: value }));
  if (name !== undefined) toast("Renamed.", false, () => edit(id, { edit: "name", name: present }));
}

export async function renameFile(id, file) {
  const to = await ask("Rename file", "Below the torrent’s folder, with / between folders", file.path, (value) => edit(id, { edit: "path", from: file.path, to: value }));
  if (to !== undefined) toast("Renamed.", false, () => edit(id, { edit: "path", from: to, to: file.path }));
}

/** Several files may have had several priorities, which are all put back. */
export function setPriority(id, files, priority) {
  return attempt(async () => {
    await edit(id, { edit: "priority", files: files.map((file) => file.number), priority });
    const before = Map.groupBy(files, (file) => file.priority);
    toast(files.length === 1 ? "Priority set." : `Priority of ${files.length} files set.`, false, async () => {
      for (const [old, group] of before) await edit(id, { edit: "priority", files: group.map((file) => file.number), priority: old });
    });
  });
}

export async function addTrackers(id) {
  const field = el("textarea", { rows: 3, spellcheck: false, maxLength: 100000, placeholder: "One address a line: http, https or udp" });
  const isDone = await confirm("Add trackers", el("label", { class: "field" }, "Addresses", field), {
    action: "Add", run: async () => {
      const urls = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
      await edit(id, { edit: "add_trackers", urls });
    },
  });
  if (isDone) toast("Trackers added.");
}

export async function editTracker(id, tracker, place) {
  const by = await ask("Replace tracker", `Instead of ${visible(tracker.url)}`, "", (value) =>
    edit(id, { edit: "replace_tracker", place, url: tracker.url, by: value }), "The whole address, with its key: Weir shows no keys, and so cannot put the old one here.");
  if (by !== undefined) toast("Tracker replaced.");
}

export async function removeTracker(id, tracker, place) {
  const isDone = await confirm("Remove tracker", el("p", {}, `The torrent is announced no more to ${visible(tracker.url)}. To add it again, its whole address is needed.`), {
    action: "Remove", isDangerous: true, run: () => edit(id, { edit: "remove_tracker", place, url: tracker.url }),
  });
  if (isDone) toast("Tracker removed.");
}
