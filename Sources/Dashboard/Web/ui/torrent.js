// One torrent's page: what it does, why it does not, and everything that shows it.

import * as api from "./api.js";
import { $, button, el, fill, icon, setText, visible } from "./dom.js";
import { openDialog } from "./dialogs.js";
import * as format from "./format.js";
import { column } from "./store.js";
import { askName, editTracker, addTrackers, removeTracker, renameFile, setPriority } from "./torrent-edit.js";
import { fileTable, peerTable, timeline, trackerTable } from "./torrent-parts.js";

const refreshMilliseconds = 2000;

const tabs = [
  { name: "Overview", make: overview },
  { name: "Peers", make: (page) => peerTable(page.peers), count: (page) => page.peers.length },
  { name: "Trackers", make: (page, edit) => trackerTable(page.trackers, edit), count: (page) => page.trackers.length },
  { name: "Files", make: (page, edit) => fileTable(page.files, page.file_count, edit), count: (page) => page.file_count },
  { name: "Timeline", make: (page) => timeline(page.timeline), count: (page) => page.timeline.length },
];

let dialog = null;

/** Opens the page of a torrent; the address names it, so that it can be kept and sent. */
export async function openTorrent(id, actions) {
  dialog?.close();
  const state = { id, tab: tabs[0], page: null };
  const body = el("div", { class: "tab-body", role: "tabpanel", tabIndex: 0 }, el("p", { class: "skeleton" }));
  const verdict = el("div", { class: "verdict", "aria-live": "polite" });
  const strip = el("div", { class: "tabs", role: "tablist" });
  const facts = el("p", { class: "facts number" });
  const meter = el("div", { class: "meter big" }, el("i"));

  const opened = openDialog("Torrent", [facts, meter, verdict, strip, body], {
    kind: "torrent",
    buttons: [
      button("Start", () => actions.run({ action: "start", title: "Start" }, {}, [id]), { picture: "play" }),
      button("Stop", () => actions.run({ action: "stop", title: "Stop" }, {}, [id]), { picture: "stop" }),
      button("Recheck", () => actions.run({ action: "recheck", title: "Recheck" }, {}, [id]), { picture: "check" }),
      button("Announce", () => actions.run({ action: "announce", title: "Announce" }, {}, [id]), { picture: "refresh" }),
      button("Rename", () => askName(id, visible(state.page?.row[column.name] ?? "")).then(load)),
      button("Move", () => actions.askFolder([id], state.page?.info.directory ?? "").then(load)),
      button("Limits", () => actions.askLimits([id]).then(load)),
      el("span", { class: "stretch" }),
      button("Remove", async () => (await actions.remove([id])) && opened.close(), { kind: "quiet danger-text", picture: "trash" }),
    ],
    onClose: () => {
      clearInterval(timer);
      if (dialog === opened) {
        dialog = null;
        if (location.hash.startsWith("#torrent=")) history.replaceState(null, "", "#torrents");
        $("grid").focus({ preventScroll: true });
      }
    },
  });
  dialog = opened;

  for (const tab of tabs) {
    const handle = el("button", { type: "button", role: "tab", on: { click: () => choose(tab) } }, el("span", {}, tab.name), el("span", { class: "muted number" }));
    tab.handle = handle;
    strip.append(handle);
  }
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(state.tab) + step + tabs.length) % tabs.length];
    choose(next);
    next.handle.focus();
  });

  /** What the tables' own buttons do; each looks anew when it is done. */
  const edit = {
    addTrackers: () => addTrackers(id).then(load),
    editTracker: (tracker, place) => editTracker(id, tracker, place).then(load),
    removeTracker: (tracker, place) => removeTracker(id, tracker, place).then(load),
    announce: () => actions.run({ action: "announce", title: "Announce" }, {}, [id]).then(load),
    setPriority: (files, priority) => setPriority(id, files, priority).then(load),
    renameFile: (file) => renameFile(id, file).then(load),
  };

  function choose(tab) {
    state.tab = tab;
    for (const other of tabs) {
      other.handle.setAttribute("aria-selected", String(other === tab));
      other.handle.tabIndex = other === tab ? 0 : -1;
    }
    show();
  }

  function show() {
    const page = state.page;
    if (!page) return;
    setText(opened.querySelector("h2"), visible(page.row[column.name]));
    showFacts(page.row, facts, meter);
    showVerdict(page.verdict, verdict);
    for (const tab of tabs) setText(tab.handle.lastChild, tab.count ? format.count(tab.count(page)) : "");
    // What somebody is about to choose or press is not taken away.
    if (state.shown === state.tab && body.contains(document.activeElement) && document.activeElement !== body) return;
    state.shown = state.tab;
    const top = body.scrollTop;
    fill(body, state.tab.make(page, edit));
    body.scrollTop = top;
  }

  async function load() {
    try {
      state.page = await api.get(`api/ui/torrent?id=${id}`);
      show();
    } catch (error) {
      fill(body, el("p", { class: "problem" }, error.message));
      if (error.status === 404) clearInterval(timer);
    }
  }

  const timer = setInterval(() => !document.hidden && load(), refreshMilliseconds);
  history.replaceState(null, "", `#torrent=${id}`);
  choose(tabs[0]);
  await load();
}

function showFacts(row, facts, meter) {
  const parts = [
    format.stateWord(row[column.state]), format.percent(row[column.done], row[column.size]),
    `of ${format.bytes(row[column.size])}`, `↓ ${format.rate(row[column.down])}`, `↑ ${format.rate(row[column.up])}`,
    `ratio ${format.ratio(row[column.ratio])}`,
  ];
  if (row[column.eta] !== null) parts.push(`${format.duration(row[column.eta])} left`);
  setText(facts, parts.join(" · "));
  meter.firstChild.style.width = `${row[column.size] > 0 ? (100 * row[column.done]) / row[column.size] : 0}%`;
}

function showVerdict(verdict, place) {
  if (!verdict) return fill(place);
  place.className = `verdict ${verdict.severity}`;
  const picture = { problem: "warn", watch: "eye", expected: "check" }[verdict.severity];
  fill(place, el("span", { class: "mark" }, icon(picture)),
    el("div", {},
      el("p", { class: "headline" }, visible(verdict.headline)),
      verdict.remedy && el("p", { class: "remedy" }, el("b", {}, "What you can do: "), verdict.remedy),
      verdict.evidence.length > 0 && el("p", { class: "evidence" }, verdict.evidence.map(visible).join(" · "))));
}

function overview(page) {
  const { row, info, verdict } = page;
  const pairs = [
    ["Uploaded", format.bytes(row[column.uploaded])], ["Downloaded", format.bytes(row[column.downloaded])],
    ["Wasted", format.bytes(info.wasted)], ["Upload limit", format.limit(row[column.up_limit])], ["Download limit", format.limit(row[column.down_limit])],
    ["Cap", row[column.cap] ?? "none"], ["Tracker", row[column.tracker] || "none"],
    ["Category", row[column.category] || "none"], ["Tags", row[column.tags].join(", ") || "none"],
    ["Pieces", `${format.count(info.pieces_had)} of ${format.count(info.pieces)}, ${format.bytes(info.piece_length)} each`],
    ["Availability", info.availability === null ? "–" : info.availability.toFixed(2)],
    ["Added", format.date(row[column.added])], ["Completed", format.date(row[column.completed])],
    ["Active for", format.duration(info.active_seconds)], ["Seeding for", format.duration(info.seeding_seconds)],
    ["Private", info.private === null ? "–" : info.private ? "yes" : "no"], ["Created", format.date(info.created)],
    ["Folder", info.directory], ["Info-hash", info.info_hash_v1 || info.info_hash_v2 || row[column.id]],
  ];
  if (info.comment) pairs.push(["Comment", info.comment]);
  return [
    verdict?.contributors.length > 0 && el("div", { class: "contributors" },
      el("h3", {}, "What the peers wait for"),
      el("ul", {}, verdict.contributors.map((item) =>
        el("li", { class: item.severity }, el("b", { class: "number" }, format.count(item.count)), ` ${item.meaning}`)))),
    el("dl", { class: "pairs" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, visible(String(value)))))),
  ];
}
