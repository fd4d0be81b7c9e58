// Which torrents are selected, and how mouse and keyboard select them.

import { $ } from "./dom.js";
import { column } from "./store.js";

export class Selection extends EventTarget {
  ids = new Set();
  /** Where a range begins. */
  anchor = -1;

  has(id) {
    return this.ids.has(id);
  }

  get size() {
    return this.ids.size;
  }

  only(ids) {
    this.ids = new Set(ids);
    this.#tell();
  }

  toggle(id) {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.#tell();
  }

  clear() {
    if (this.ids.size === 0) return;
    this.ids.clear();
    this.#tell();
  }

  /** Lets go of what is not there any more. */
  keep(rows) {
    const before = this.ids.size;
    for (const id of this.ids) if (!rows.has(id)) this.ids.delete(id);
    if (this.ids.size !== before) this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Wires the grid: clicks with Shift and Ctrl, arrows, Enter, Space, Escape, Ctrl-A, Delete. */
export function startSelecting(list, selection, { open, remove }) {
  const grid = $("grid");
  const idAt = (place) => list.view[place]?.[column.id];
  const range = (from, to) => list.view.slice(Math.min(from, to), Math.max(from, to) + 1).map((row) => row[column.id]);

  function choose(place, event) {
    const id = idAt(place);
    if (id === undefined) return;
    if (event.shiftKey && selection.anchor >= 0) selection.only(range(selection.anchor, place));
    else if (event.ctrlKey || event.metaKey || event.target?.type === "checkbox" || event.target?.classList?.contains("tick")) {
      selection.anchor = place;
      selection.toggle(id);
    } else {
      selection.anchor = place;
      selection.only([id]);
    }
    list.activate(place);
  }

  grid.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  $("grid-body").addEventListener("click", (event) => {
    const place = list.placeAt(event.target);
    if (place < 0) return;
    grid.focus({ preventScroll: true });
    choose(place, event);
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.target.closest(".tick");
    // On a phone a tap opens; with a mouse a double click does.
    if (isPlain && matchMedia("(max-width: 700px)").matches) open(idAt(place));
  });
  $("grid-body").addEventListener("dblclick", (event) => {
    const id = idAt(list.placeAt(event.target));
    if (id !== undefined && !event.target.closest(".tick")) open(id);
  });
  list.addEventListener("all", (event) => {
    if (event.detail) selection.only(list.view.map((row) => row[column.id]));
    else selection.clear();
  });

  const steps = {
    ArrowDown: () => list.active + 1, ArrowUp: () => Math.max(0, list.active - 1),
    PageDown: () => list.active + list.rowsInSight, PageUp: () => Math.max(0, list.active - list.rowsInSight),
    Home: () => 0, End: () => list.view.length - 1,
  };
  grid.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      const place = Math.min(step(), list.view.length - 1);
      if (event.shiftKey && selection.anchor < 0) selection.anchor = Math.max(0, list.active);
      if (event.ctrlKey || event.metaKey) list.activate(place);
      else choose(place, event);
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      event.preventDefault();
      selection.only(list.view.map((row) => row[column.id]));
    } else if (event.key === "Enter" && list.active >= 0) {
      event.preventDefault();
      open(idAt(list.active));
    } else if (event.key === " " && list.active >= 0) {
      event.preventDefault();
      selection.anchor = list.active;
      selection.toggle(idAt(list.active));
    } else if (event.key === "Escape") {
      selection.clear();
    } else if (event.key === "Delete" && selection.size > 0) {
      event.preventDefault();
      remove();
    }
  });
}
