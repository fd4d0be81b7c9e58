// The columns of the list: what stands in each. How wide it is stands in the style sheet.

import { el, setText, visible } from "./dom.js";
import * as format from "./format.js";
import { column } from "./store.js";

const stateMarks = {
  seeding: "▲", downloading: "▼", stopped: "■", queued: "…", checking: "↻", checkingAtStart: "↻", metadata: "◇",
  moving: "→", missingFiles: "!", failed: "!",
};

/** `show` writes a row into its cell. Columns with a `room` are left out where there is little room. */
export const columns = [
  { key: "name", title: "Name", ascending: true, show: (cell, row) => {
    setText(cell, visible(row[column.name]));
  } },
  { key: "state", title: "State", ascending: true, make: makeState, show: showState },
  { key: "progress", title: "Progress", make: makeProgress, show: showProgress },
  number("size", "Size", (row) => format.bytes(row[column.size])),
  number("down", "Down", (row) => format.rate(row[column.down])),
  number("up", "Up", (row) => format.rate(row[column.up])),
  number("ratio", "Ratio", (row) => format.ratio(row[column.ratio])),
  number("peers", "Seeds · peers", peers),
  text("tracker", "Tracker", (row) => row[column.tracker], "wide"),
  text("category", "Category", (row) => row[column.category], "wide"),
  text("tags", "Tags", (row) => row[column.tags].join(", "), "wider"),
  number("eta", "Left", (row) => (row[column.eta] === null ? "–" : format.duration(row[column.eta])), "wide"),
  number("uploaded", "Uploaded", (row) => format.bytes(row[column.uploaded]), "wider"),
  number("up_limit", "Limit", (row) => (row[column.up_limit] < 0 ? "–" : format.limit(row[column.up_limit])), "wider"),
  number("added", "Added", (row) => format.day(row[column.added]), "wide"),
];

function text(key, title, value, room) {
  return { key, title, room, ascending: true, show: (cell, row) => setText(cell, visible(value(row))) };
}

function number(key, title, value, room) {
  return { key, title, room, isNumber: true, show: (cell, row) => setText(cell, value(row)) };
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
  cell.title = trouble === null ? "" : format.words(trouble);
}

function makeProgress(cell) {
  cell.append(el("i", { class: "done", "aria-hidden": "true" }), el("span", { class: "number" }));
}

function showProgress(cell, row) {
  const size = row[column.size];
  const part = size > 0 ? row[column.done] / size : 0;
  cell.classList.toggle("complete", part >= 1);
  cell.style.setProperty("--done", String(part));
  setText(cell.lastChild, format.percent(row[column.done], size));
}

/** The line below a name where there is no room for columns. */
export function summary(row) {
  const parts = [format.stateWord(row[column.state])];
  const part = row[column.size] > 0 ? row[column.done] / row[column.size] : 0;
  if (part < 1) parts.push(format.percent(row[column.done], row[column.size]));
  parts.push(format.bytes(row[column.size]));
  if (row[column.down] > 0) parts.push(`↓ ${format.rate(row[column.down])}`);
  if (row[column.up] > 0) parts.push(`↑ ${format.rate(row[column.up])}`);
  if (row[column.trouble] !== null) parts.push(format.words(row[column.trouble]));
  return parts.join(" · ");
}
