// Tens of thousands of torrents in a few dozen elements: only the rows in sight exist, and they are used again.

import { columns, summary } from "./columns.js";
import { $, el, framed, setText } from "./dom.js";
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
  #selection;
  #isNarrow = matchMedia("(max-width: 700px)");
  #render = framed(() => this.render());

  constructor(selection) {
    super();
    this.#selection = selection;
    this.#makeHead();
    this.#grid.addEventListener("scroll", this.#render, { passive: true });
    new ResizeObserver(this.#render).observe(this.#grid);
    this.#isNarrow.addEventListener("change", this.#render);
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

  #makeHead() {
    const head = $("grid-head");
    const all = el("input", { type: "checkbox", "aria-label": "Select all that are shown", tabIndex: -1 });
    all.addEventListener("change", () => this.dispatchEvent(new CustomEvent("all", { detail: all.checked })));
    head.append(el("div", { class: "cell tick", role: "columnheader" }, all));
    this.allBox = all;
    for (const item of columns) {
      const button = el("button", { type: "button", tabIndex: -1 }, item.title);
      const cell = el("div", { class: classes(item), role: "columnheader", "aria-sort": "none" }, button);
      button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("sort", { detail: item })));
      this.#heads.set(item.key, cell);
      head.append(cell);
    }
  }

  showOrder({ key, isDescending }) {
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
    const cells = columns.map((item) => {
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
      if (isNarrow) {
        columns[0].show(row.cells[0], torrent);
        columns[2].show(row.cells[2], torrent);
        setText(row.line, summary(torrent));
        element.classList.toggle("trouble", torrent[column.trouble] !== null);
      } else {
        columns.forEach((item, index) => item.show(row.cells[index], torrent));
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

function classes(item) {
  return `cell ${item.key}${item.isNumber ? " number" : ""}${item.room ? ` ${item.room}` : ""}`;
}
