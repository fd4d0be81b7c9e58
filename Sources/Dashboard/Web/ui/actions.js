// What can be done to the selected torrents: first counted and shown, then done.

import * as api from "./api.js";
import { $, button, el, fill, visible } from "./dom.js";
import { attempt, confirm, toast } from "./dialogs.js";
import { bytes, count, parseLimit, plural } from "./format.js";
import { column, isOwn } from "./store.js";

const simple = [
  { action: "start", title: "Start", picture: "play" },
  { action: "stop", title: "Stop", picture: "stop" },
  { action: "recheck", title: "Recheck", picture: "check" },
  { action: "announce", title: "Announce", picture: "refresh" },
];

export class Actions {
  #selection;
  #store;

  constructor(selection, store) {
    this.#selection = selection;
    this.#store = store;
    selection.addEventListener("change", () => this.#show());
    this.#number = el("strong", { class: "number" });
    this.#note = el("span", { class: "muted" });
    this.#buttons = [
      ...simple.map((item) => button(item.title, () => this.run(item), { picture: item.picture })),
      button("Category", () => this.#askCategory()),
      button("Tags", () => this.#askTags()),
      button("Limits", () => this.askLimits()),
      button("Ratio", () => this.#askRatio()),
      button("Move", () => this.askFolder()),
      button("Remove", () => this.remove(), { kind: "quiet danger-text", picture: "trash" }),
    ];
    fill($("selection"), this.#number, this.#note, this.#buttons,
      el("span", { class: "stretch" }),
      button("", () => selection.clear(), { picture: "close", "aria-label": "Select nothing", title: "Select nothing (Esc)" }));
  }

  #number;
  #note;
  #buttons;

  /** What Weir can do to its own torrents has no meaning for those that it only governs. */
  #show() {
    const size = this.#selection.size;
    const own = this.#ids.length;
    $("selection").hidden = size === 0;
    this.#number.textContent = `${count(size)} selected`;
    for (const one of this.#buttons) one.hidden = own === 0;
    this.#note.hidden = own === size;
    this.#note.textContent = own === 0 ? "in a qBittorrent, which alone starts, stops and removes them" : `of them ${count(own)} Weir’s own, which these change:`;
  }

  /** Of the selected torrents, those of Weir's own engine. */
  get #ids() {
    return [...this.#selection.ids].filter((id) => isOwn(this.#store.rows.get(id) ?? []));
  }

  /** What takes a start or stop back: the opposite, for those that it changes. */
  #opposite(action, ids) {
    const isStopped = (id) => this.#store.rows.get(id)?.[column.state] === "stopped";
    if (action === "stop") return { action: "start", ids: ids.filter((id) => !isStopped(id)) };
    if (action === "start") return { action: "stop", ids: ids.filter(isStopped) };
    return null;
  }

  #undo(opposite) {
    if (!opposite || opposite.ids.length === 0) return null;
    return async () => {
      await api.post("api/ui/torrents/apply", { ...opposite, confirm: true });
      toast("Taken back.");
    };
  }

  /** One torrent is done at once where that is undone by a click; many are shown first. */
  async run({ action, title }, more = {}, ids = this.#ids) {
    const body = { action, ids, ...more };
    const undo = this.#undo(this.#opposite(action, ids));
    if (ids.length === 1 && action !== "remove") {
      const report = await attempt(() => api.post("api/ui/torrents/apply", body));
      if (report) toast(report.done > 0 ? `${title}: done.` : `${title}: nothing to change.`, false, undo);
      return report !== undefined;
    }
    const preview = await attempt(() => api.post("api/ui/torrents/preview", body));
    if (!preview) return false;
    return this.#confirmPreview(title, preview, body, undo);
  }

  #confirmPreview(title, preview, body, undo) {
    const isDangerous = body.action === "remove";
    if (preview.changes === 0) {
      toast(`${title}: ${plural(preview.matched, "torrent is", "torrents are")} so already.`);
      return false;
    }
    return confirm(`${title} ${plural(preview.changes, "torrent")}`, previewContent(preview), {
      action: `${title} ${count(preview.changes)}`, isDangerous,
      run: async () => {
        const report = await api.post("api/ui/torrents/apply", { ...body, confirm: true });
        toast(`${title}: ${plural(report.done, "torrent")}.`, false, undo);
        if (isDangerous) this.#selection.clear();
      },
    });
  }

  async remove(ids = this.#ids) {
    if (ids.length === 0) return toast("Torrents of a qBittorrent are removed there.", true);
    const withFiles = el("input", { type: "checkbox" });
    const preview = await attempt(() => api.post("api/ui/torrents/preview", { action: "remove", ids }));
    if (!preview) return false;
    const warning = el("p", { class: "warning" }, preview.warnings[0]);
    withFiles.addEventListener("change", () => {
      warning.textContent = withFiles.checked ? `${bytes(preview.bytes)} are deleted from disk. This cannot be undone.` : preview.warnings[0];
    });
    return confirm(`Remove ${plural(preview.matched, "torrent")}`, [
      nameList(preview),
      preview.warnings.slice(1).map((text) => el("p", {}, text)),
      el("label", { class: "check" }, withFiles, ` Delete the files too (${bytes(preview.bytes)})`), warning,
    ], {
      action: `Remove ${count(preview.matched)}`, isDangerous: true,
      run: async () => {
        const report = await api.post("api/ui/torrents/apply", { action: "remove", ids, with_files: withFiles.checked, confirm: true });
        toast(`Removed ${plural(report.done, "torrent")}.`);
        this.#selection.clear();
      },
    });
  }

  async #ask(title, label, input, read) {
    let value;
    const isGiven = await confirm(title, el("label", { class: "field" }, label, input), {
      action: "Next",
      run: async () => {
        value = read(input.value);
      },
    });
    return isGiven ? value : undefined;
  }

  async #askCategory() {
    const choices = el("datalist", { id: "categories" }, this.#store.categories.map((category) => el("option", { value: category.name })));
    const input = el("input", { type: "text", maxLength: 200, placeholder: "Empty for none" });
    input.setAttribute("list", "categories");
    const name = await this.#ask("Category", ["Name", choices], input, (text) => text.trim());
    if (name !== undefined) await this.run({ action: "category", title: "Set the category of" }, { category: name });
  }

  async #askTags() {
    const input = el("input", { type: "text", maxLength: 400, placeholder: "films, -old" });
    const tags = await this.#ask("Tags", "Separated by commas; with a minus to take one away", input, (text) => {
      const names = text.split(",").map((name) => name.trim()).filter(Boolean);
      if (names.length === 0) throw new Error("Name at least one tag.");
      return names;
    });
    if (!tags) return;
    const added = tags.filter((name) => !name.startsWith("-"));
    const removed = tags.filter((name) => name.startsWith("-")).map((name) => name.slice(1));
    const isGoingOn = added.length === 0 || (await this.run({ action: "add_tags", title: "Tag" }, { tags: added }));
    if (isGoingOn && removed.length > 0) await this.run({ action: "remove_tags", title: "Untag" }, { tags: removed });
  }

  /** Either may be left empty, and is then left as it is. */
  async askLimits(ids = this.#ids) {
    const field = () => el("input", { type: "text", maxLength: 30, placeholder: "500 KiB, 2.5 MiB, unlimited; empty: as it is" });
    const [up, down] = [field(), field()];
    const read = (input) => {
      if (input.value.trim() === "") return undefined;
      const value = parseLimit(input.value);
      if (value === null) throw new Error("Write a number with a unit, such as 500 KiB, or “unlimited”.");
      return value;
    };
    let limits;
    const isGiven = await confirm("Limits of each torrent", [
      el("label", { class: "field" }, "Upload, a second", up), el("label", { class: "field" }, "Download, a second", down),
      el("p", { class: "muted" }, "Below the cap of the tracker, which holds for all its torrents together."),
    ], { action: "Next", run: async () => { limits = [read(up), read(down)]; } });
    if (!isGiven) return;
    if (limits[0] !== undefined && !(await this.run({ action: "up_limit", title: "Limit the upload of" }, { limit: limits[0] }, ids))) return;
    if (limits[1] !== undefined) await this.run({ action: "down_limit", title: "Limit the download of" }, { limit: limits[1] }, ids);
  }

  async askFolder(ids = this.#ids, present = "") {
    const input = el("input", { type: "text", maxLength: 1000, value: present, placeholder: this.#store.directory });
    const directory = await this.#ask("Move", "To this folder, with the files", input, (text) => {
      if (!text.trim().startsWith("/")) throw new Error("Write the folder’s whole path, from /.");
      return text.trim();
    });
    if (directory !== undefined) await this.run({ action: "move", title: "Move" }, { directory }, ids);
  }

  async #askRatio() {
    const input = el("input", { type: "text", inputMode: "decimal", maxLength: 12, placeholder: "2.0, none, or empty: as for all" });
    const ratio = await this.#ask("Share ratio", "Stop each torrent when it has given so much", input, (text) => {
      const typed = text.trim().replace(",", ".").toLowerCase();
      if (typed === "") return {};
      if (typed === "none") return { ratio: null };
      const value = Number(typed);
      if (!(value >= 0)) throw new Error("Write a number such as 2.0, “none”, or nothing.");
      return { ratio: value };
    });
    if (ratio) await this.run({ action: "share_limits", title: "Set the ratio of" }, ratio);
  }
}

function previewContent(preview) {
  return [
    el("p", {}, `${plural(preview.changes, "torrent changes", "torrents change")}`, preview.unchanged > 0 && `, ${count(preview.unchanged)} stay as they are`, "."),
    nameList(preview),
    preview.warnings.map((text) => el("p", { class: "warning" }, text)),
  ];
}

function nameList(preview) {
  const rest = preview.changes - preview.names.length;
  return el("ul", { class: "names" }, preview.names.map((name) => el("li", {}, visible(name))), rest > 0 && el("li", { class: "muted" }, `and ${count(rest)} more`));
}
