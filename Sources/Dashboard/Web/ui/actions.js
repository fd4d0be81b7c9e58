// What can be done to the selected torrents: first counted and shown, then done.

import * as api from "./api.js";
import { $, button, el, fill, visible } from "./dom.js";
import { attempt, confirm, toast } from "./dialogs.js";
import { bytes, count, parseLimit, plural } from "./format.js";

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
    fill($("selection"),
      this.#number,
      simple.map((item) => button(item.title, () => this.run(item), { picture: item.picture })),
      button("Category", () => this.#askCategory()),
      button("Tags", () => this.#askTags()),
      button("Limit", () => this.#askLimit()),
      button("Ratio", () => this.#askRatio()),
      button("Remove", () => this.remove(), { kind: "quiet danger-text", picture: "trash" }),
      el("span", { class: "stretch" }),
      button("", () => selection.clear(), { picture: "close", "aria-label": "Select nothing", title: "Select nothing (Esc)" }));
  }

  #number;

  #show() {
    const size = this.#selection.size;
    $("selection").hidden = size === 0;
    this.#number.textContent = `${count(size)} selected`;
  }

  get #ids() {
    return [...this.#selection.ids];
  }

  /** One torrent is done at once where that is undone by a click; many are shown first. */
  async run({ action, title }, more = {}, ids = this.#ids) {
    const body = { action, ids, ...more };
    if (ids.length === 1 && action !== "remove") {
      const report = await attempt(() => api.post("api/ui/torrents/apply", body));
      if (report) toast(report.done > 0 ? `${title}: done.` : `${title}: nothing to change.`);
      return report !== undefined;
    }
    const preview = await attempt(() => api.post("api/ui/torrents/preview", body));
    if (!preview) return false;
    return this.#confirmPreview(title, preview, body);
  }

  #confirmPreview(title, preview, body) {
    const isDangerous = body.action === "remove";
    if (preview.changes === 0) {
      toast(`${title}: ${plural(preview.matched, "torrent is", "torrents are")} so already.`);
      return false;
    }
    return confirm(`${title} ${plural(preview.changes, "torrent")}`, previewContent(preview), {
      action: `${title} ${count(preview.changes)}`, isDangerous,
      run: async () => {
        const report = await api.post("api/ui/torrents/apply", { ...body, confirm: true });
        toast(`${title}: ${plural(report.done, "torrent")}.`);
        if (isDangerous) this.#selection.clear();
      },
    });
  }

  async remove(ids = this.#ids) {
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

  async #askLimit() {
    const input = el("input", { type: "text", maxLength: 30, placeholder: "500 KiB, 2.5 MiB, unlimited" });
    const limit = await this.#ask("Upload limit", "Of each torrent, a second", input, (text) => {
      const value = parseLimit(text);
      if (value === null) throw new Error("Write a number with a unit, such as 500 KiB, or “unlimited”.");
      return value;
    });
    if (limit !== undefined) await this.run({ action: "up_limit", title: "Limit" }, { limit });
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
