// One governed torrent: which cap holds it, what it was given, and why. What is done to it is done in its qBittorrent.

import * as api from "./api.js";
import { $, button, el, fill, icon, visible } from "./dom.js";
import { openDialog } from "./dialogs.js";
import * as format from "./format.js";

const refreshMilliseconds = 2000;

let dialog = null;

/** `key` is the info-hash, "@" and the instance's name. */
export async function openGoverned(key) {
  dialog?.close();
  const [id, instance] = [key.slice(0, key.indexOf("@")), key.slice(key.indexOf("@") + 1)];
  const query = new URLSearchParams({ id, instance });
  const body = el("div", { class: "tab-body", tabIndex: 0 }, el("p", { class: "skeleton" }));
  const opened = openDialog("Torrent", body, {
    kind: "torrent",
    buttons: [el("p", { class: "muted" }, `In ${visible(instance)}: Weir sets its upload limit, and nothing else.`), el("span", { class: "stretch" }), button("Close", () => opened.close())],
    onClose: () => {
      clearInterval(timer);
      if (dialog === opened) {
        dialog = null;
        if (location.hash.startsWith("#governed=")) history.replaceState(null, "", "#torrents");
        $("grid").focus({ preventScroll: true });
      }
    },
  });
  dialog = opened;

  async function load() {
    try {
      const torrent = await api.get(`api/ui/governed/torrent?${query}`);
      opened.querySelector("h2").textContent = visible(torrent.name || torrent.id);
      fill(body, content(torrent));
    } catch (error) {
      fill(body, el("p", { class: "problem" }, error.message));
      if (error.status === 404) clearInterval(timer);
    }
  }

  const timer = setInterval(() => !document.hidden && load(), refreshMilliseconds);
  history.replaceState(null, "", `#governed=${encodeURIComponent(key)}`);
  await load();
}

function content(torrent) {
  const { verdict } = torrent;
  const picture = { problem: "warn", watch: "eye", expected: "check" }[verdict.severity];
  const pairs = [
    ["Uploads", format.rateOrZero(torrent.up)], ["May upload", format.limit(torrent.limit)],
    ["Before Weir", torrent.original === null ? "–" : format.limit(torrent.original)], ["Cap", torrent.tracker ?? "not known yet"],
    ["Instance", torrent.instance], ["State", format.stateWord(torrent.state)], ["Connected seeds", format.count(torrent.seeds)],
    ["Connected peers that miss pieces", format.count(torrent.leechers)], ["Info-hash", torrent.id],
  ];
  return [
    el("div", { class: `verdict ${verdict.severity}` }, el("span", { class: "mark" }, icon(picture)),
      el("div", {},
        el("p", { class: "headline" }, visible(verdict.headline)),
        verdict.remedy && el("p", { class: "remedy" }, el("b", {}, "What you can do: "), visible(verdict.remedy)),
        el("ul", { class: "evidence" }, verdict.evidence.map((line) => el("li", {}, visible(line)))))),
    el("dl", { class: "pairs" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, visible(String(value)))))),
    el("h3", {}, "What Weir has set"),
    torrent.changes.length === 0 ? el("p", { class: "calm" }, "Nothing so far.") : el("ol", { class: "timeline" }, torrent.changes.map((change) =>
      el("li", {}, el("time", { class: "number muted", dateTime: new Date(change.at * 1000).toISOString() }, format.date(change.at)),
        el("span", {}, `${format.limit(change.from)} → ${format.limit(change.to)}: ${visible(change.meaning)}${change.state === "confirmed" ? "" : ` (${format.words(change.state)})`}`)))),
  ];
}
