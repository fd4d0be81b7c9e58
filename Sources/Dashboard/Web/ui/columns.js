// The columns of the list: what stands in each. How wide it is stands in the style sheet.

import { el, setText, visible } from "./dom.js";
import * as format from "./format.js";
import { column, isOwn } from "./store.js";

const stateMarks = {
  seeding: "▲", downloading: "▼", stopped: "■", queued: "…", checking: "↻", checkingAtStart: "↻", metadata: "◇",
  moving: "→", missingFiles: "!", failed: "!",
};

/**
 * `show` writes a row into its cell. `from` is the width of the window from which a column is shown to whoever has chosen none;
 * those without it are shown only when they are chosen.
 */
export const columns = [
  { key: "name", title: "Name", width: "minmax(10rem, 1fr)", from: 0, ascending: true, show: (cell, row) => {
    setText(cell, visible(row[column.name]));
  } },
  { key: "state", title: "State", width: "7.9rem", from: 700, ascending: true, make: makeState, show: showState },
  { key: "progress", title: "Progress", width: "6.2rem", from: 0, make: makeProgress, show: showProgress },
  number("size", "Size", "5.2rem", 700, (row) => format.bytes(row[column.size])),
  number("down", "Down", "6rem", 700, (row) => format.rate(row[column.down])),
  number("up", "Up", "6rem", 700, (row) => format.rate(row[column.up])),
  number("up_limit", "Limit", "6rem", 1700, (row) => (row[column.up_limit] < 0 ? "–" : format.limit(row[column.up_limit]))),
  number("ratio", "Ratio", "3.6rem", 900, (row) => (isOwn(row) ? format.ratio(row[column.ratio]) : "–")),
  number("peers", "Seeds · peers", "8.8rem", 900, peers),
  text("tracker", "Tracker", "9.5rem", 1300, (row) => row[column.tracker] || row[column.cap] || ""),
  text("instance", "Where", "5.5rem", 1450, (row) => row[column.instance] ?? "Weir"),
  text("reason", "Why this limit", "9rem", undefined, (row) => format.words(row[column.reason] ?? (row[column.cap] ? "bucket of the cap" : "no cap"))),
  text("category", "Category", "6.5rem", 1300, (row) => row[column.category]),
  text("tags", "Tags", "6.5rem", 1700, (row) => row[column.tags].join(", ")),
  text("cap", "Cap", "6.5rem", undefined, (row) => row[column.cap] ?? "none"),
  number("eta", "Left", "5.6rem", 1300, (row) => (row[column.eta] === null ? "–" : format.duration(row[column.eta]))),
  number("uploaded", "Uploaded", "5.4rem", 1700, (row) => format.bytes(row[column.uploaded])),
  number("downloaded", "Downloaded", "5.4rem", undefined, (row) => format.bytes(row[column.downloaded])),
  number("queue", "Queue", "3.6rem", undefined, (row) => (row[column.queue] === null ? "–" : String(row[column.queue]))),
  number("added", "Added", "6.6rem", 1300, (row) => format.day(row[column.added])),
  number("completed", "Completed", "6.6rem", undefined, (row) => format.day(row[column.completed])),
  number("active", "Last active", "6.6rem", undefined, (row) => format.day(row[column.active])),
];

/** Those that are chosen, in that order; else what the window has room for. The name goes first, always. */
export function shownColumns(chosen, width) {
  if (width <= 700) return columns.filter((item) => item.from === 0);
  if (!Array.isArray(chosen)) return columns.filter((item) => item.from <= width);
  const others = chosen.map((key) => columns.find((item) => item.key === key)).filter((item) => item && item !== columns[0]);
  return [columns[0], ...new Set(others)];
}

function text(key, title, width, from, value) {
  return { key, title, width, from, ascending: true, show: (cell, row) => setText(cell, visible(value(row))) };
}

function number(key, title, width, from, value) {
  return { key, title, width, from, isNumber: true, show: (cell, row) => setText(cell, value(row)) };
}

/** Connected, and in brackets what the trackers say there are. */
function peers(row) {
  const seeds = row[column.swarm_seeds];
  const leechers = row[column.swarm_leechers];
  const connected = `${row[column.seeds]} · ${row[column.leechers]}`;
  return seeds === null && leechers === null ? connected : `${connected} (${seeds ?? "?"} · ${leechers ?? "?"})`;
}

function makeState(cell) {
  cell.append(el("i", { "aria-hidden": "true" }), el("span"));
}

/** What is wrong goes before what it does. */
function showState(cell, row) {
  const state = row[column.state];
  const trouble = row[column.trouble];
  cell.dataset.state = state;
  cell.classList.toggle("trouble", trouble !== null);
  setText(cell.firstChild, trouble !== null && state !== "stopped" ? "⚠" : stateMarks[state] ?? "·");
  setText(cell.lastChild, format.stateWord(state));
  cell.title = trouble !== null ? format.words(trouble) : isOwn(row) ? "" : `Its limit: ${format.words(row[column.reason])}`;
}

function makeProgress(cell) {
  cell.append(el("i", { class: "done", "aria-hidden": "true" }), el("span", { class: "number" }));
}

function showProgress(cell, row) {
  const size = row[column.size];
  const done = row[column.done];
  const part = size > 0 ? done / size : 0;
  cell.classList.toggle("complete", part >= 1);
  cell.style.setProperty("--done", String(part));
  setText(cell.lastChild, done === null ? "–" : format.percent(done, size));
}

/** The line below a name where there is no room for columns. */
export function summary(row) {
  const parts = [format.stateWord(row[column.state])];
  const part = row[column.size] > 0 ? row[column.done] / row[column.size] : 0;
  if (part < 1 && row[column.done] !== null) parts.push(format.percent(row[column.done], row[column.size]));
  parts.push(format.bytes(row[column.size]));
  if (row[column.down] > 0) parts.push(`↓ ${format.rate(row[column.down])}`);
  if (row[column.up] > 0) parts.push(`↑ ${format.rate(row[column.up])}`);
  if (row[column.trouble] !== null) parts.push(format.words(row[column.trouble]));
  if (!isOwn(row)) parts.push(visible(row[column.instance]));
  return parts.join(" · ");
}
