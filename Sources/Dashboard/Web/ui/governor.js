// The governor's own commands: look at the next plan, pause, give every torrent its limit back.

import * as api from "./api.js";
import { $, el, visible } from "./dom.js";
import { attempt, confirm, openDialog, toast } from "./dialogs.js";
import { count, limit, plural, words } from "./format.js";

const shownChanges = 200;

export function startGovernor() {
  $("plan").addEventListener("click", () => attempt(showPlan));
  $("pause").addEventListener("click", () => attempt(togglePause));
  $("rollback").addEventListener("click", rollBack);
}

async function showPlan() {
  const plan = await api.get("preview/next-cycle");
  const changes = plan.changes;
  const content = [
    el("p", {}, changes.length === 0
      ? `The next cycle changes nothing: ${plural(plan.torrents_considered, "torrent")} considered.`
      : `The next cycle changes ${plural(changes.length, "limit")} of ${plural(plan.torrents_considered, "torrent")} (strategy ${plan.strategy}). Nothing is changed by looking.`),
    changes.length > 0 && planTable(changes),
    changes.length > shownChanges && el("p", { class: "muted" }, `and ${count(changes.length - shownChanges)} more`),
  ];
  openDialog("Next plan", content, { kind: "wide" });
}

function planTable(changes) {
  const head = ["Torrent", "Instance", "Tracker", "From", "To", "Why"];
  return el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, changes.slice(0, shownChanges).map((change) => el("tr", {},
      el("td", { class: "hash", title: change.hash }, change.hash.slice(0, 12)),
      el("td", {}, visible(change.instance)), el("td", {}, visible(change.tracker)),
      el("td", { class: "number" }, limit(change.from)),
      el("td", { class: "number" }, limit(change.to)),
      el("td", {}, words(change.reason)))))));
}

async function togglePause() {
  const isPaused = $("pause").dataset.paused === "true";
  await api.post(isPaused ? "resume" : "pause");
  toast(isPaused ? "Weir governs again." : "Paused: Weir observes and changes no limit.");
}

async function rollBack() {
  const reason = el("input", { type: "text", maxLength: 200, placeholder: "Why, for the log (optional)" });
  const managed = await attempt(() => api.get("health"));
  if (!managed) return;
  await confirm("Roll back", [
    el("p", {}, `Every torrent gets the limit back that it had before Weir touched it: ${plural(managed.managed_torrents, "torrent")} at this moment. Weir then leaves all limits alone until you press Resume.`),
    el("label", {}, el("span", { class: "hidden" }, "Reason"), reason),
  ], {
    action: "Roll back all limits", isDangerous: true,
    run: async () => {
      const report = await api.post("rollback", { confirm: true, reason: reason.value || "dashboard" });
      toast(report.remaining > 0
        ? `${plural(report.changes_reversed, "limit")} given back; ${count(report.remaining)} wait for their qBittorrent.`
        : `${plural(report.changes_reversed, "limit")} given back.`);
    },
  });
}
