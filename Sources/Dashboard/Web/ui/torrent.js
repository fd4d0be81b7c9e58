// One torrent's page: what it does, why it does not, and everything that shows it.

import * as api from "./api.js";
import { $, button, el, fill, icon, setText, visible } from "./dom.js";
import { openDialog } from "./dialogs.js";
import * as format from "./format.js";
import { column } from "./store.js";
import { fileTable, peerTable, timeline, trackerTable } from "./torrent-parts.js";

const refreshMilliseconds = 2000;

const tabs = [
  { name: "Overview", make: overview },
  { name: "Peers", make: (page) => peerTable(page.peers), count: (page) => page.peers.length },
  { name: "Trackers", make: (page) => trackerTable(page.trackers), count: (page) => page.trackers.length },
  { name: "Files", make: (page) => fileTable(page.files, page.file_count), count: (page) => page.file_count },
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
    const top = body.scrollTop;
    fill(body, state.tab.make(page));
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
    ["Wasted", format.bytes(info.wasted)], ["Upload limit", format.limit(row[column.up_limit])],
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
