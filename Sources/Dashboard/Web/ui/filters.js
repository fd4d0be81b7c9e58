// What the list shows: words, and one choice of each kind.

import { $, button, el, fill, visible } from "./dom.js";
import { count, stateWord, words } from "./format.js";
import { column } from "./store.js";

const none = "\u0000none";

const kinds = [
  { name: "state", title: "State", shown: stateWord },
  { name: "tracker", title: "Tracker", shown: (value) => value || "no tracker" },
  { name: "category", title: "Category", shown: (value) => value || "no category" },
  { name: "tags", title: "Tag", shown: (value) => value },
  { name: "cap", title: "Cap", shown: (value) => value ?? "no cap" },
  { name: "instance", title: "Where", shown: (value) => value ?? "Weir’s engine" },
  { name: "reason", title: "Limit", shown: (value) => (value === null ? "of Weir’s engine" : words(value)) },
  { name: "trouble", title: "Reason", shown: (value) => (value === null ? "not stuck" : words(value)) },
];

const maximumChoices = 300;

export class Filters extends EventTarget {
  words = [];
  #store;
  #chosen = new Map();
  #selects = new Map();
  #isDue = false;

  constructor(store) {
    super();
    this.#store = store;
    $("search").addEventListener("input", () => {
      this.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
      this.#tell();
    });
    for (const kind of kinds) {
      const select = el("select", { "aria-label": kind.title });
      select.addEventListener("change", () => this.#choose(kind, select.value));
      // Counted when somebody looks: not with every change of every torrent.
      for (const event of ["pointerdown", "focus"]) select.addEventListener(event, () => this.#fillSelect(kind, select));
      this.#selects.set(kind.name, select);
      this.#fillSelect(kind, select);
    }
    this.clearButton = button("Clear", () => this.clear(), { kind: "quiet small", picture: "close" });
    this.clearButton.hidden = true;
    fill($("filters"), [...this.#selects.values()], this.clearButton);
  }

  /** Null when every row passes. */
  get test() {
    const tests = [...this.#chosen].map(([name, value]) => {
      const place = column[name];
      return name === "tags" ? (row) => row[place].includes(value) : (row) => row[place] === value;
    });
    return tests.length === 0 ? null : (row) => tests.every((test) => test(row));
  }

  get isEmpty() {
    return this.words.length === 0 && this.#chosen.size === 0;
  }

  choose(name, value) {
    this.clear(false);
    this.#chosen.set(name, value);
    const kind = kinds.find((kind) => kind.name === name);
    this.#fillSelect(kind, this.#selects.get(name));
    this.#tell();
  }

  clear(tells = true) {
    this.words = [];
    $("search").value = "";
    this.#chosen.clear();
    for (const kind of kinds) this.#fillSelect(kind, this.#selects.get(kind.name));
    if (tells) this.#tell();
  }

  #choose(kind, text) {
    if (text === "") this.#chosen.delete(kind.name);
    else this.#chosen.set(kind.name, text === none ? null : text.slice(1));
    this.#fillSelect(kind, this.#selects.get(kind.name));
    this.#tell();
  }

  #tell() {
    this.clearButton.hidden = this.isEmpty;
    this.dispatchEvent(new Event("change"));
  }

  #fillSelect(kind, select) {
    const chosen = this.#chosen.get(kind.name);
    const isChosen = this.#chosen.has(kind.name);
    const counts = column[kind.name] === undefined ? [] : this.#store.counts(kind.name);
    if (isChosen && !counts.some(([value]) => value === chosen)) counts.push([chosen, 0]);
    const options = [el("option", { value: "" }, kind.title)];
    for (const [value, number] of counts.slice(0, maximumChoices)) {
      options.push(el("option", { value: value === null ? none : `=${value}`, selected: isChosen && value === chosen }, `${visible(kind.shown(value))} (${count(number)})`));
    }
    select.replaceChildren(...options);
    select.classList.toggle("chosen", isChosen);
  }
}
