// The tables of a torrent's page.

import { button, el, visible } from "./dom.js";
import * as format from "./format.js";

function table(heads, rows, none) {
  if (rows.length === 0) return el("p", { class: "calm" }, none);
  return el("table", {},
    el("thead", {}, el("tr", {}, heads.map(([name, isNumber]) => el("th", { scope: "col", class: isNumber ? "number" : "" }, name)))),
    el("tbody", {}, rows));
}

const cell = (text, kind = "") => el("td", { class: kind }, text);

/** Why nothing comes or goes, with what shows it; the remedy where there is one. */
function finding(value, title) {
  if (!value) return null;
  const lines = [value.meaning, ...value.evidence.map(visible), value.remedy].filter(Boolean);
  return el("p", { class: `finding ${value.severity}`, title: lines.join("\n") },
    el("span", { class: "muted" }, `${title}: `), format.words(value.reason));
}

export function peerTable(peers) {
  const order = [...peers].sort((left, right) =>
    Number(right.connected) - Number(left.connected) || right.up + right.down - left.up - left.down);
  const heads = [["Peer"], ["Client"], ["Has", true], ["Down", true], ["Up", true], ["Why it does or does not move"]];
  return table(heads, order.map((peer) => {
    const marks = [peer.direction, format.words(peer.source), peer.encrypted && "encrypted"];
    return el("tr", { class: peer.connected ? "" : "gone" },
      el("td", {}, el("span", { class: "address" }, peer.address), el("br"), el("span", { class: "muted small" }, marks.filter(Boolean).join(" · "))),
      cell(visible(peer.client) || "–"),
      cell(peer.connected ? (peer.seed ? "all" : `${(100 * peer.progress).toFixed(1)}\u00a0%`) : "–", "number"),
      cell(format.rate(peer.down), "number"), cell(format.rate(peer.up), "number"),
      el("td", {}, finding(peer.receiving, "receiving"), finding(peer.sending, "sending"),
        !peer.receiving && !peer.sending && el("span", { class: "muted" }, peer.connected ? "moves" : "not connected")));
  }), "No peer is known yet.");
}

const trackerStates = {
  notContacted: "Not asked yet", announcing: "Being asked", working: "Works", failing: "Fails", disabled: "Not used",
};

/** `edit` does what the buttons say. A tracker's address is shown without its key, and so is written anew and not corrected. */
export function trackerTable(trackers, edit) {
  const heads = [["Tracker"], ["State"], ["In its own words"], ["Seeds", true], ["Leechers", true], ["Next announce", true], [""]];
  const now = Date.now() / 1000;
  const tools = el("p", { class: "tools" }, button("Add trackers", edit.addTrackers, { picture: "plus" }), button("Ask them now", edit.announce, { picture: "refresh" }));
  return [tools, table(heads, trackers.map((tracker, place) => el("tr", {},
    el("td", { title: visible(tracker.url) }, el("span", {}, visible(tracker.host || tracker.url)), el("br"), el("span", { class: "muted small" }, `tier ${tracker.tier + 1} · ${visible(tracker.url)}`)),
    el("td", { class: tracker.state === "failing" ? "bad" : "" }, trackerStates[tracker.state] ?? tracker.state, tracker.failures > 0 && ` (${tracker.failures}×)`),
    cell(visible(tracker.words) || "–", "quote"), cell(tracker.seeds === null ? "–" : format.count(tracker.seeds), "number"),
    cell(tracker.leechers === null ? "–" : format.count(tracker.leechers), "number"),
    cell(tracker.next_announce === null ? "–" : tracker.next_announce > now ? `in ${format.duration(tracker.next_announce - now)}` : "now", "number"),
    el("td", { class: "number" },
      button("Replace", () => edit.editTracker(tracker, place), { kind: "quiet small" }),
      button("", () => edit.removeTracker(tracker, place), { kind: "quiet small danger-text", picture: "trash", "aria-label": `Remove the tracker ${visible(tracker.host)}` })))),
  "This torrent has no tracker.")];
}

const priorities = { skip: "left out", normal: "normal", high: "high", highest: "highest" };

export function fileTable(files, total, edit) {
  const choice = (label, chosen, run) => {
    const names = chosen === null ? [["", "all shown …"], ...Object.entries(priorities)] : Object.entries(priorities);
    const select = el("select", { "aria-label": label }, names.map(([value, name]) => el("option", { value, selected: value === chosen }, name)));
    select.addEventListener("change", () => {
      select.blur();
      if (select.value) run(select.value);
    });
    return select;
  };
  return [
    files.length > 1 && el("p", { class: "tools" }, el("label", {}, "Priority of ", choice("Priority of all files that are shown", null, (value) => edit.setPriority(files, value)))),
    table([["File"], ["Size", true], ["Done", true], ["Priority"], [""]], files.map((file) => el("tr", {},
      cell(visible(file.path), "path"), cell(format.bytes(file.size), "number"),
      cell(file.size > 0 ? format.percent(file.done, file.size) : "100\u00a0%", "number"),
      el("td", {}, choice(`Priority of ${visible(file.path)}`, file.priority, (value) => edit.setPriority([file], value))),
      el("td", {}, button("Rename", () => edit.renameFile(file), { kind: "quiet small" })))),
    "The files are known once the metadata is here."),
    total > files.length && el("p", { class: "muted" }, `and ${format.count(total - files.length)} more`),
  ];
}

export function timeline(happenings) {
  if (happenings.length === 0) return el("p", { class: "calm" }, "Nothing has happened since the start.");
  return el("ol", { class: "timeline" }, happenings.map((item) =>
    el("li", {}, el("time", { class: "number muted", dateTime: new Date(item.at * 1000).toISOString() }, format.date(item.at)), el("span", {}, visible(item.text)))));
}
