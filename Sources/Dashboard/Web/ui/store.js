// All torrents of the page: fed by one snapshot and by changes, read by the list.

/** Place of each value in a row; what the server says replaces it. */
export let column = {};

/** Whether a row is of Weir's own engine, and not of a qBittorrent that is governed. */
export const isOwn = (row) => row[column.instance] === null;

const maximumTextLength = 300;

export class Store extends EventTarget {
  rows = new Map();
  revision = -1;
  /** The same, as the stream of events takes it. */
  mark = "";
  /** Of the governed torrents, as of the last change of them. */
  governedNumber = "";
  categories = [];
  tags = [];
  directory = "";
  #all = [];
  #sorted = null;
  #key = "added";
  #isDescending = true;

  /** Takes both lists anew: Weir's own torrents, and those of the governed qBittorrents. */
  load(list, governed) {
    column = Object.fromEntries(list.columns.map((name, place) => [name, place]));
    this.governedNumber = governed.number;
    this.#all = list.rows.concat(governed.rows);
    this.rows = new Map(this.#all.map((row) => [row[column.id], row]));
    this.#sorted = null;
    this.revision = list.revision;
    this.mark = list.mark;
    this.categories = list.categories;
    this.tags = list.tags;
    this.directory = list.directory;
    this.#tell(true);
    this.#prepare(this.#all);
  }

  /** Makes the texts that are searched while nothing else is to be done, so that the first letter finds them. */
  #prepare(rows, from = 0) {
    const idle = window.requestIdleCallback ?? ((run) => setTimeout(run, 50));
    idle(() => {
      const to = Math.min(rows.length, from + 2000);
      for (let place = from; place < to; place += 1) this.text(rows[place]);
      if (to < rows.length) this.#prepare(rows, to);
    });
  }

  /** Takes changed rows and the ids of those that are gone. */
  apply(change) {
    if (change.revision <= this.revision) return;
    this.revision = change.revision;
    this.#take(change);
  }

  /** The same of the governed torrents; false when one before it was missed, and all are to be fetched anew. */
  applyGoverned(change) {
    if (change.reset || change.before !== this.governedNumber) return false;
    this.governedNumber = change.number;
    this.#take(change);
    return true;
  }

  #take(change) {
    const isOther = change.removed.length > 0 || change.rows.some((row) => !this.rows.has(row[column.id]));
    for (const id of change.removed) this.rows.delete(id);
    for (const row of change.rows) this.rows.set(row[column.id], row);
    this.#all = [...this.rows.values()];
    if (this.#sorted && !isOther) {
      // Nearly in order still, which a merge sort likes.
      this.#sorted = this.#sorted.map((row) => this.rows.get(row[column.id]));
      this.#sort(this.#sorted);
    } else {
      this.#sorted = null;
    }
    this.#tell(isOther);
  }

  #tell(isOther) {
    this.dispatchEvent(new CustomEvent("change", { detail: { isOther } }));
  }

  sortBy(key, isDescending) {
    if (key === this.#key && isDescending !== this.#isDescending && this.#sorted) this.#sorted.reverse();
    else this.#sorted = null;
    this.#key = key;
    this.#isDescending = isDescending;
  }

  get order() {
    return { key: this.#key, isDescending: this.#isDescending };
  }

  /** Rows that pass, in order. `test` may be null; every word must be somewhere in the row's texts. */
  view(words, test) {
    if (!this.#sorted) {
      this.#sorted = [...this.#all];
      this.#sort(this.#sorted);
    }
    if (words.length === 0 && !test) return this.#sorted;
    const passing = [];
    const [first = "", ...others] = words;
    for (const row of this.#sorted) {
      if (test && !test(row)) continue;
      const text = row.text ?? this.text(row);
      if (text.includes(first) && others.every((word) => text.includes(word))) passing.push(row);
    }
    return passing;
  }

  /** What is searched in a row; kept with the row, which a change replaces by another. */
  text(row) {
    row.text ??= [row[column.name], row[column.category], row[column.tags].join(" "), row[column.tracker], row[column.cap], row[column.instance], row[column.id]]
      .join("\n").slice(0, maximumTextLength).toLowerCase();
    return row.text;
  }

  #sort(rows) {
    const value = sortValue(this.#key);
    const sign = this.#isDescending ? -1 : 1;
    const name = column.name;
    const keys = new Map(rows.map((row) => [row, value(row)]));
    rows.sort((left, right) => {
      const [a, b] = [keys.get(left), keys.get(right)];
      if (a < b) return -sign;
      if (a > b) return sign;
      return left[name] < right[name] ? -1 : left[name] > right[name] ? 1 : 0;
    });
  }

  /** How often each value of a column is there, the most frequent first. */
  counts(name) {
    const counts = new Map();
    const place = column[name];
    for (const row of this.#all) {
      const values = Array.isArray(row[place]) ? row[place] : [row[place]];
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return [...counts].sort((left, right) => right[1] - left[1]);
  }
}

/** What a row is sorted by. Unknown numbers come after all others, wherever they stand. */
function sortValue(key) {
  const place = column[key];
  switch (key) {
    case "progress": return (row) => (row[column.size] > 0 ? row[column.done] / row[column.size] : 0);
    case "peers": return (row) => row[column.seeds] + row[column.leechers];
    case "ratio": return (row) => row[place] ?? Infinity;
    case "eta": return (row) => row[place] ?? Infinity;
    case "queue": return (row) => row[place] ?? Infinity;
    case "up_limit": return (row) => (row[place] < 0 ? Infinity : row[place]);
    case "tags": return (row) => row[place].join(" ").toLowerCase();
    case "name": case "category": case "tracker": case "state": case "cap": case "trouble": case "instance": case "reason":
      return (row) => (row[place] ?? "").toLowerCase();
    default: return (row) => row[place] ?? -1;
  }
}
