// What is stuck, the instances, and the line at the top.

import { $, button, el, fill, icon, setText, visible } from "./dom.js";
import { ago, bytes, count, date, plural, rateOrZero, words } from "./format.js";

/** `showReason` lists the torrents with one reason; `open` shows one torrent. */
export function showOverview(overview, { showReason, open }) {
  const used = overview.caps.reduce((sum, cap) => sum + cap.used, 0);
  setText($("total-up"), rateOrZero(Math.max(used, overview.session.up)));
  setText($("total-down"), rateOrZero(overview.session.down));
  document.title = overview.session.up + used > 0 ? `↑ ${rateOrZero(Math.max(used, overview.session.up))} · Weir` : "Weir";
  showMode(overview.health);
  showBanner(overview.health);
  showStuck(overview, showReason, open);
  showInstances(overview);
}

function showMode(health) {
  const texts = [];
  if (health.dry_run) texts.push("Dry run: plans are made, nothing is changed");
  if (health.paused) texts.push("Paused: nothing is changed");
  setText($("mode"), texts.join(" · "));
  $("mode").hidden = texts.length === 0;
  $("pause").dataset.paused = String(health.paused);
  setText($("pause").lastChild, health.paused ? "Resume" : "Pause");
}

function showBanner(health) {
  const shown = health.problems.map(visible);
  const text = shown.join("\n");
  $("banner").hidden = text === "";
  if ($("banner").dataset.text === text) return;
  $("banner").dataset.text = text;
  fill($("banner"), icon("warn"), el("ul", {}, shown.map((problem) => el("li", {}, problem))));
}

let stuckShown = "";

function showStuck(overview, showReason, open) {
  const total = overview.stuck.reduce((sum, group) => sum + group.count, 0);
  $("stuck-count").hidden = total === 0;
  setText($("stuck-count"), count(total));
  // Rebuilt only when something differs: a button is not to vanish under the pointer.
  const shown = JSON.stringify([overview.stuck, overview.has_engine, Object.keys(overview.states).length]);
  if (shown === stuckShown) return;
  stuckShown = shown;
  if (total === 0) return fill($("stuck-groups"), nothingStuck(overview));
  fill($("stuck-groups"), el("ul", { class: "groups" }, overview.stuck.map((group) =>
    el("li", { class: `group ${group.severity}` },
      el("span", { class: "mark", title: group.severity === "problem" ? "Needs somebody to act" : "Worth a second look" }, icon(group.severity === "problem" ? "warn" : "eye")),
      el("div", {},
        el("p", { class: "what" }, el("b", { class: "number" }, count(group.count)), ` ${group.meaning}`),
        group.remedy && el("p", { class: "remedy" }, group.remedy),
        el("p", { class: "examples" }, group.examples.map((example) =>
          el("button", { type: "button", class: "text", title: visible(example.headline), on: { click: () => open(example.id) } }, visible(example.name))),
          el("span", { class: "muted" }, `longest since ${date(group.since)}`))),
      button("Show", () => showReason(group.code), { kind: "quiet small", "aria-label": `Show the torrents: ${words(group.code)}` })))));
}

function nothingStuck(overview) {
  const torrents = Object.values(overview.states).reduce((sum, number) => sum + number, 0);
  if (torrents === 0) {
    return el("p", { class: "calm" }, overview.has_engine
      ? "Nothing to explain yet: when a torrent does not move, this says why, and what helps."
      : "Weir explains the torrents of its own engine. Those of your qBittorrents are governed, not explained.");
  }
  return el("p", { class: "calm good" }, icon("check"), `Nothing is stuck: ${plural(torrents, "torrent moves", "torrents move")} or rests as it should.`);
}

let instancesShown = "";

function showInstances(overview) {
  const shown = JSON.stringify([overview.instances.map(({ last_seen, ...rest }) => rest), overview.session.connections, overview.session.reachability, overview.session.free_space, overview.states]);
  if (shown === instancesShown) return;
  instancesShown = shown;
  const rows = overview.instances.map((instance) => instanceRow(instance, overview.time));
  if (overview.has_engine) rows.unshift(engineRow(overview));
  if (rows.length === 0) rows.push(el("p", { class: "calm" }, "No qBittorrent is configured. Add one under “qbittorrent:” in the configuration: its address and how to log in."));
  fill($("instance-rows"), el("ul", { class: "instances" }, rows));
}

function instanceRow(instance, now) {
  const state = instance.login_blocked ? "Log-in refused" : instance.up ? "Up" : "Down";
  return el("li", { class: instance.up ? "up" : "down" },
    el("p", { class: "name" }, el("i", { class: "dot" }), el("b", {}, visible(instance.name)), el("span", { class: "muted" }, state, instance.version && ` · qBittorrent ${instance.version}`)),
    el("dl", {},
      fact("Torrents", count(instance.torrents)),
      fact("Last apply", instance.last_apply ? ago(instance.last_apply, now) : "never"),
      fact("Drift", count(instance.drifts), instance.drifts > 0 && "Limits that were not as Weir had set them"),
      fact("Open intents", count(instance.open_intents), instance.open_intents > 0 && "Sent, and not confirmed yet"),
      fact("Restarts", count(instance.restarts))),
    instance.problem && el("p", { class: "problem" }, visible(instance.problem)));
}

function engineRow(overview) {
  const { session } = overview;
  const reach = { reachable: "Reachable from outside", unknown: "Nobody has come in yet", offline: "Not listening" }[session.reachability] ?? session.reachability;
  const torrents = Object.values(overview.states).reduce((sum, number) => sum + number, 0);
  return el("li", { class: session.reachability === "offline" ? "down" : "up" },
    el("p", { class: "name" }, el("i", { class: "dot" }), el("b", {}, "Weir’s engine"), el("span", { class: "muted" }, `${reach} · ${overview.version}`)),
    el("dl", {},
      fact("Torrents", count(torrents)), fact("Peers", count(session.connections)),
      fact("Uploaded", bytes(session.session_uploaded), "Since the start"), fact("Free space", bytes(session.free_space))));
}

const fact = (name, value, title) => el("div", { title: title || undefined }, el("dt", {}, name), el("dd", { class: "number" }, value));
