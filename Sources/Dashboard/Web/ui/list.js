// Tens of thousands of torrents in a few dozen elements: only the rows in sight exist, and they are used again.

import { shownColumns, summary } from "./columns.js";
import { $, el, framed, setText } from "./dom.js";
import { keep, kept } from "./keep.js";
import { column } from "./store.js";

const rowHeights = { wide: 30, narrow: 54 };
const rowsBeyondSight = 6;

export class List extends EventTarget {
  /** The torrents that are shown, in order. */
  view = [];
  /** Place of the row with the keyboard's focus in the view; -1 while there is none. */
  active = -1;
  #grid = $("grid");
  #body = $("grid-body");
  #pool = [];
  #heads = new Map();
  #columns = [];
  #chosen = kept("columns", null);
  #order = null;
  #selection;
  #isNarrow = matchMedia("(max-width: 700px)");
  #render = framed(() => this.render());

  constructor(selection) {
    super();
    this.#selection = selection;
    this.allBox = el("input", { type: "checkbox", "aria-label": "Select all that are shown", tabIndex: -1 });
    this.allBox.addEventListener("change", () => this.dispatchEvent(new CustomEvent("all", { detail: this.allBox.checked })));
    this.#arrange();
    this.#grid.addEventListener("scroll", this.#render, { passive: true });
    new ResizeObserver(() => this.#arrange()).observe(this.#grid);
    this.#isNarrow.addEventListener("change", () => this.#arrange());
    selection.addEventListener("change", this.#render);
  }

  get rowHeight() {
    return this.#isNarrow.matches ? rowHeights.narrow : rowHeights.wide;
  }

  get rowsInSight() {
    return Math.max(1, Math.floor((this.#grid.clientHeight - this.#headHeight) / this.rowHeight));
  }

  get #headHeight() {
    return $("grid-head").offsetHeight;
  }

  /** Keys of the columns in their order; null is what there is room for. Kept for the next visit. */
  get chosen() {
    return this.#chosen;
  }

  get shown() {
    return this.#columns;
  }

  choose(keys) {
    this.#chosen = keys;
    keep("columns", keys);
    this.#arrange();
  }

  /** Makes head and rows anew where other columns are to be shown. */
  #arrange() {
    const shown = shownColumns(this.#chosen, innerWidth);
    if (shown.length !== this.#columns.length || shown.some((item, place) => item !== this.#columns[place])) {
      this.#columns = shown;
      this.#grid.style.setProperty("--columns", ["1.1rem", ...shown.map((item) => item.width)].join(" "));
      this.#grid.style.setProperty("--least", this.#isNarrow.matches ? "0" : `${leastWidth(shown)}rem`);
      for (const row of this.#pool) row.element.remove();
      this.#pool = [];
      this.#makeHead();
    }
    this.#render();
  }

  #makeHead() {
    const head = $("grid-head");
    head.replaceChildren(el("div", { class: "cell tick", role: "columnheader" }, this.allBox));
    this.#heads.clear();
    for (const item of this.#columns) {
      const button = el("button", { type: "button", tabIndex: -1 }, item.title);
      const cell = el("div", { class: classes(item), role: "columnheader", "aria-sort": "none" }, button);
      button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("sort", { detail: item })));
      this.#heads.set(item.key, cell);
      head.append(cell);
    }
    if (this.#order) this.showOrder(this.#order);
  }

  showOrder({ key, isDescending }) {
    this.#order = { key, isDescending };
    for (const [name, cell] of this.#heads) {
      cell.setAttribute("aria-sort", name === key ? (isDescending ? "descending" : "ascending") : "none");
    }
  }

  /** Takes other rows, and keeps the active torrent active where it is still there. */
  show(view) {
    const id = this.activeID;
    this.view = view;
    if (id !== undefined && this.view[this.active]?.[column.id] !== id) {
      this.active = this.view.findIndex((row) => row[column.id] === id);
    }
    this.#grid.setAttribute("aria-rowcount", String(view.length + 1));
    this.#render();
  }

  get activeID() {
    return this.activeRow?.[column.id];
  }

  activeRow = undefined;

  activate(place) {
    this.active = Math.max(-1, Math.min(place, this.view.length - 1));
    this.activeRow = this.view[this.active];
    if (this.active >= 0) this.#scrollTo(this.active);
    this.render();
  }

  #scrollTo(place) {
    const top = place * this.rowHeight;
    const height = this.#grid.clientHeight - this.#headHeight;
    if (top < this.#grid.scrollTop) this.#grid.scrollTop = top;
    else if (top + this.rowHeight > this.#grid.scrollTop + height) this.#grid.scrollTop = top + this.rowHeight - height;
  }

  scrollToTop() {
    this.#grid.scrollTop = 0;
  }

  render() {
    const height = this.rowHeight;
    const inSight = Math.ceil(this.#grid.clientHeight / height);
    const first = Math.max(0, Math.floor(this.#grid.scrollTop / height) - rowsBeyondSight);
    const last = Math.min(this.view.length, first + inSight + 2 * rowsBeyondSight);
    this.#body.style.height = `${this.view.length * height}px`;
    const size = inSight + 2 * rowsBeyondSight;
    while (this.#pool.length < size) this.#pool.push(this.#makeRow(this.#pool.length));
    let activeElement = "";
    for (let slot = 0; slot < this.#pool.length; slot += 1) {
      const row = this.#pool[slot];
      // Each slot serves every size-th row, so that scrolling by one changes one element.
      const place = first + ((((slot - first) % this.#pool.length) + this.#pool.length) % this.#pool.length);
      if (place >= last) {
        if (!row.element.hidden) row.element.hidden = true;
        row.torrent = null;
        continue;
      }
      this.#showRow(row, place, height);
      if (place === this.active) activeElement = row.element.id;
    }
    if (activeElement) this.#grid.setAttribute("aria-activedescendant", activeElement);
    else this.#grid.removeAttribute("aria-activedescendant");
  }

  #makeRow(slot) {
    const tick = el("input", { type: "checkbox", tabIndex: -1, "aria-label": "Selected" });
    const element = el("div", { class: "row", role: "row", id: `row-${slot}`, hidden: true }, el("div", { class: "cell tick", role: "gridcell" }, tick));
    const cells = this.#columns.map((item) => {
      const cell = el("div", { class: classes(item), role: "gridcell" });
      item.make?.(cell);
      element.append(cell);
      return cell;
    });
    const line = el("div", { class: "line", role: "gridcell" });
    element.append(line);
    this.#body.append(element);
    return { element, tick, cells, line, torrent: null, place: -1, isNarrow: null };
  }

  #showRow(row, place, height) {
    const torrent = this.view[place];
    const { element } = row;
    const isNarrow = this.#isNarrow.matches;
    if (row.torrent !== torrent || row.isNarrow !== isNarrow) {
      row.torrent = torrent;
      row.isNarrow = isNarrow;
      this.#columns.forEach((item, index) => item.show(row.cells[index], torrent));
      if (isNarrow) {
        setText(row.line, summary(torrent));
        element.classList.toggle("trouble", torrent[column.trouble] !== null);
      }
      row.cells[0].title = row.cells[0].textContent;
    }
    if (row.place !== place || row.height !== height) {
      row.place = place;
      row.height = height;
      element.style.transform = `translateY(${place * height}px)`;
      element.setAttribute("aria-rowindex", String(place + 2));
      element.classList.toggle("odd", place % 2 === 1);
    }
    const isSelected = this.#selection.has(torrent[column.id]);
    if (row.tick.checked !== isSelected || !element.hasAttribute("aria-selected")) {
      row.tick.checked = isSelected;
      element.setAttribute("aria-selected", String(isSelected));
    }
    element.classList.toggle("active", place === this.active);
    if (element.hidden) element.hidden = false;
  }

  /** Place in the view of the row at an event; -1 where there is none. */
  placeAt(target) {
    const element = target.closest?.("#grid-body .row");
    return element ? this.#pool.find((row) => row.element === element)?.place ?? -1 : -1;
  }
}

/** In rem: what all columns need, with the gaps between them. */
function leastWidth(shown) {
  return shown.reduce((sum, item) => sum + 0.75 + Number(/[\d.]+/.exec(item.width)[0]), 1.1 + 1.5);
}

function classes(item) {
  return `cell ${item.key}${item.isNumber ? " number" : ""}`;
}
