// Each tracker's cap: what is used of it, by whom, and how that went during the last hour or day.

import * as api from "./api.js";
import { Chart, seriesColour } from "./chart.js";
import { $, el, fill, setText, visible } from "./dom.js";
import { count, limit, plural, rateOrZero } from "./format.js";

const cards = new Map();
let range = "1h";
let history = null;
let sourceNames = [];
let samplesTaken = 0;

export function startCaps() {
  for (const choice of document.querySelectorAll("#caps .choice button")) {
    choice.addEventListener("click", () => {
      range = choice.dataset.range;
      for (const other of document.querySelectorAll("#caps .choice button")) {
        other.setAttribute("aria-pressed", String(other === choice));
      }
      loadHistory();
    });
  }
  document.addEventListener("weir-theme", () => {
    for (const card of cards.values()) card.recolour();
  });
  document.addEventListener("visibilitychange", () => !document.hidden && loadHistory());
  setInterval(() => !document.hidden && loadHistory(), 60000);
}

export async function loadHistory() {
  try {
    history = await api.get(`api/ui/caps/history?range=${range}`);
  } catch {
    return;
  }
  samplesTaken = history.series[0]?.rates.length ?? 0;
  for (const card of cards.values()) card.draw();
}

/** Between two readings of the history the newest value is what the overview says. */
function addSample(overview) {
  if (!history || range !== "1h" || overview.time - history.end < history.step) return;
  history.end += history.step;
  if (overview.time - history.end > history.step) history.end = overview.time;
  samplesTaken += 1;
  const known = new Map(history.series.map((series) => [`${series.tracker}\n${series.source}`, series]));
  const take = (tracker, source, rate) => {
    const key = `${tracker}\n${source}`;
    let series = known.get(key);
    if (!series) {
      series = { tracker, source, rates: Array(samplesTaken - 1).fill(null) };
      history.series.push(series);
      known.set(key, series);
    }
    series.rates.push(rate);
  };
  for (const cap of overview.caps) {
    if (cap.effective >= 0) take(cap.id, null, cap.effective);
    for (const source of cap.sources) take(cap.id, source.name, source.rate);
  }
  const most = 720;
  samplesTaken = Math.min(samplesTaken, most);
  for (const series of history.series) {
    while (series.rates.length < samplesTaken) series.rates.push(null);
    if (series.rates.length > most) series.rates.splice(0, series.rates.length - most);
  }
}

export function showCaps(overview) {
  sourceNames = [...new Set([...overview.instances.map((instance) => instance.name), ...overview.caps.flatMap((cap) => cap.sources.map((source) => source.name))])].sort();
  addSample(overview);
  const ids = overview.caps.map((cap) => cap.id);
  const isSame = ids.length === cards.size && ids.every((id) => cards.has(id));
  if (!isSame) {
    for (const id of cards.keys()) if (!ids.includes(id)) cards.delete(id);
    for (const cap of overview.caps) if (!cards.has(cap.id)) cards.set(cap.id, new Card());
    if (ids.length > 0) fill($("cap-cards"), ids.map((id) => cards.get(id).element));
    if (!history) loadHistory();
  }
  if (ids.length === 0) fill($("cap-cards"), noCaps());
  for (const cap of overview.caps) cards.get(cap.id).show(cap);
}

function noCaps() {
  return el("div", { class: "empty" },
    el("h3", {}, "No caps yet"),
    el("p", {}, "A cap limits what all torrents of one tracker upload together. Name your trackers in the configuration, for example:"),
    el("pre", {}, "trackers:\n  - id: mine\n    pattern: tracker.example\n    max_upload_speed: 5 MiB/s\n  - id: rest\n    pattern: \".*\"\n    max_upload_speed: -1"),
    el("p", {}, "Weir reads the file again by itself when you save it."));
}

class Card {
  #name = el("h3");
  #used = el("strong", { class: "used" });
  #of = el("span", { class: "of" });
  #bar = el("div", { class: "meter", role: "meter", "aria-valuemin": "0" });
  #facts = el("p", { class: "facts" });
  #legend = el("ul", { class: "legend" });
  #chart = new Chart();
  #cap = null;

  constructor() {
    this.element = el("article", { class: "card" },
      el("header", {}, this.#name, el("p", {}, this.#used, this.#of)), this.#bar, this.#facts, this.#chart.element, this.#legend);
  }

  show(cap) {
    this.#cap = cap;
    setText(this.#name, visible(cap.name));
    setText(this.#used, rateOrZero(cap.used));
    setText(this.#of, cap.cap < 0 ? "no cap" : `of ${limit(cap.effective)}`);
    const scale = Math.max(cap.cap, cap.effective, cap.used, 1);
    this.#bar.setAttribute("aria-valuemax", String(Math.max(cap.effective, 0)));
    this.#bar.setAttribute("aria-valuenow", String(cap.used));
    this.#bar.setAttribute("aria-label", `${cap.name}: ${rateOrZero(cap.used)} used of ${limit(cap.effective)}`);
    const parts = this.#sources().map(([source, place]) => {
      const part = el("i", { title: `${source.name}: ${rateOrZero(source.rate)}` });
      part.style.width = `${(100 * source.rate) / scale}%`;
      part.style.background = seriesColour(place);
      return part;
    });
    const mark = cap.cap > 0 && cap.cap !== cap.effective ? el("b", { title: `configured: ${limit(cap.cap)}` }) : null;
    mark?.style.setProperty("left", `${(100 * cap.cap) / scale}%`);
    fill(this.#bar, parts, mark);
    this.#bar.classList.toggle("unlimited", cap.cap < 0);
    const facts = [];
    if (cap.cap > 0) facts.push(`${Math.round((100 * cap.used) / Math.max(1, cap.effective))}\u00a0%`);
    if (cap.borrowed > 0) facts.push(`${limit(cap.borrowed)} borrowed`);
    else if (cap.effective >= 0 && cap.effective < cap.cap) facts.push(`${limit(cap.cap - cap.effective)} kept free or lent`);
    facts.push(`↑\u00a0${count(cap.active)}\u202f/\u202f${count(cap.torrents)}`);
    setText(this.#facts, facts.join(" · "));
    // A lender's part is used by others; where nothing is lent, room is kept because clients overshoot their limits.
    this.#facts.title = `configured: ${limit(cap.cap)}; ${plural(cap.torrents, "torrent")}, of which ${count(cap.active)} upload`;
    fill(this.#legend, this.#sources().map(([source, place]) => {
      const dot = el("i");
      dot.style.background = seriesColour(place);
      return el("li", {}, dot, visible(source.name), el("span", { class: "number" }, rateOrZero(source.rate)));
    }));
    this.draw();
  }

  /** With the place of its name, so that a source has one colour in all charts. */
  #sources() {
    return this.#cap.sources.map((source) => [source, Math.max(0, sourceNames.indexOf(source.name))]);
  }

  recolour() {
    if (this.#cap) this.show(this.#cap);
  }

  draw() {
    if (!history || !this.#cap) return;
    const own = history.series.filter((series) => series.tracker === this.#cap.id);
    const sources = sourceNames.map((name) => ({
      name, rates: own.find((series) => series.source === name)?.rates ?? Array(samplesTaken).fill(null) }));
    const isThere = sources.map((source) => own.some((series) => series.source === source.name));
    const effective = own.find((series) => series.source === null)?.rates ?? null;
    const samples = range === "1h" ? 720 : 1440;
    const sums = sources.reduce((sum, source) => source.rates.map((value, place) => (sum[place] ?? 0) + (value ?? 0)), []);
    const peak = Math.max(0, ...sums);
    const mean = sums.length > 0 ? sums.reduce((left, right) => left + right, 0) / sums.length : 0;
    this.#chart.show(
      {
        step: history.step, end: history.end, samples, offset: samples - samplesTaken, cap: this.#cap.cap, effective,
        // Every name keeps its place, and so its colour; absent ones add nothing.
        sources: sources.filter((source, place) => isThere[place] || place < sources.length - 1),
      },
      `${this.#cap.name}, last ${range}: on average ${rateOrZero(mean)}, at most ${rateOrZero(peak)}, cap ${limit(this.#cap.cap)}`);
  }
}
