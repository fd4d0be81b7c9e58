// Adding torrents: files that are chosen or dropped, magnet links, addresses.

import * as api from "./api.js";
import { $, button, el, fill, visible } from "./dom.js";
import { openDialog, toast } from "./dialogs.js";
import { plural } from "./format.js";

export function startAdding(store) {
  $("add").addEventListener("click", () => openAdd(store));
  let depth = 0;
  const isFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  window.addEventListener("dragenter", (event) => {
    if (!isFiles(event)) return;
    depth += 1;
    $("drop").hidden = false;
  });
  window.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    $("drop").hidden = depth === 0;
  });
  window.addEventListener("dragover", (event) => isFiles(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    depth = 0;
    $("drop").hidden = true;
    openAdd(store, [...event.dataTransfer.files]);
  });
}

export function openAdd(store, dropped = []) {
  const files = [...dropped];
  const links = el("textarea", { rows: 3, spellcheck: false, placeholder: "magnet:?xt=urn:btih:…\nOne link a line; addresses of .torrent files work too" });
  const category = el("input", { type: "text", maxLength: 200 });
  category.setAttribute("list", "add-categories");
  const tags = el("input", { type: "text", maxLength: 400, placeholder: "films, new" });
  const directory = el("input", { type: "text", maxLength: 1000, placeholder: store.directory || "as set for all" });
  const isStopped = el("input", { type: "checkbox" });
  const chooser = el("input", { type: "file", accept: ".torrent,application/x-bittorrent", multiple: true });
  const chosen = el("ul", { class: "names" });
  const problems = el("ul", { class: "problem", role: "alert" });

  const showFiles = () => fill(chosen, files.map((file, place) => el("li", {}, visible(file.name),
    button("", () => { files.splice(place, 1); showFiles(); }, { kind: "quiet small", picture: "close", "aria-label": "Leave this file out" }))));
  chooser.addEventListener("change", () => {
    files.push(...chooser.files);
    chooser.value = "";
    showFiles();
  });
  showFiles();

  const yes = button("Add", async () => {
    yes.disabled = true;
    fill(problems);
    const options = {
      category: category.value.trim(), directory: directory.value.trim(), stopped: isStopped.checked,
      tags: tags.value.split(",").map((tag) => tag.trim()).filter(Boolean),
    };
    const count = await addAll(files, links, options, problems);
    if (count > 0) toast(`Added ${plural(count, "torrent")}.`);
    showFiles();
    yes.disabled = false;
    if (files.length === 0 && links.value.trim() === "" && count > 0) dialog.close();
  }, { kind: "primary" });

  const dialog = openDialog("Add torrents", [
    el("label", { class: "field" }, "Links", links),
    el("label", { class: "field" }, "Files", chooser), chosen,
    el("div", { class: "columns" },
      el("label", { class: "field" }, "Category", category, el("datalist", { id: "add-categories" }, store.categories.map((item) => el("option", { value: item.name })))),
      el("label", { class: "field" }, "Tags", tags)),
    el("label", { class: "field" }, "Folder", directory),
    el("label", { class: "check" }, isStopped, " Add stopped"), problems,
  ], { buttons: [button("Cancel", () => dialog.close()), yes], kind: "ask" });
  links.focus();
}

/** Adds one after another; what could not be added stays in its field. */
async function addAll(files, links, options, problems) {
  let count = 0;
  const query = new URLSearchParams({ category: options.category, directory: options.directory, stopped: String(options.stopped) });
  for (const tag of options.tags) query.append("tag", tag);
  const failed = (name, error) => problems.append(el("li", {}, `${visible(name)}: ${error.message}`));
  for (const file of [...files]) {
    try {
      await api.upload(file, query);
      files.splice(files.indexOf(file), 1);
      count += 1;
    } catch (error) {
      failed(file.name, error);
    }
  }
  const left = [];
  for (const link of links.value.split("\n").map((line) => line.trim()).filter(Boolean)) {
    try {
      const { category, tags, stopped } = options;
      await api.post("api/ui/torrents/add", { link, category, tags, stopped, ...(options.directory ? { directory: options.directory } : {}) });
      count += 1;
    } catch (error) {
      failed(link.slice(0, 60), error);
      left.push(link);
    }
  }
  links.value = left.join("\n");
  if (count === 0 && problems.childElementCount === 0) problems.append(el("li", {}, "Give a link or choose a file."));
  return count;
}
