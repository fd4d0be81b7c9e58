// A chart of rates over time: sources stacked as areas, the effective cap as a line above them.

import { bytes, clock, rateOrZero } from "./format.js";
import { el } from "./dom.js";


const colours = 7;

/** Of a source, told apart with any kind of colour vision. */
export const seriesColour = (place) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--series-${place % colours}`).trim();

export class Chart {
  #canvas = el("canvas", { role: "img" });
  #tip = el("div", { class: "tip", hidden: true });
  #data = null;
  #hover = null;

  constructor() {
    this.element = el("div", { class: "chart" }, this.#canvas, this.#tip);
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.#canvas.addEventListener("pointermove", (event) => {
      this.#hover = event.offsetX;
      this.draw();
    });
    this.#canvas.addEventListener("pointerleave", () => {
      this.#hover = null;
      this.draw();
    });
  }

  /** { step, end, sources: [{ name, rates }], effective: rates or null, cap: number or -1, colours } */
  show(data, label) {
    this.#data = data;
    this.#canvas.setAttribute("aria-label", label);
    this.draw();
  }

  draw() {
    const data = this.#data;
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!data || width === 0) return;
    const ratio = devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
    }
    const context = this.#canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.element);
    const plot = { left: 0, right: width, top: 6, bottom: height - 16, samples: data.samples };
    const sums = stack(data);
    const top = scaleTop(data, sums);
    const y = (value) => plot.bottom - (value / top) * (plot.bottom - plot.top);
    const x = (place) => plot.left + (place / Math.max(1, plot.samples - 1)) * (plot.right - plot.left);

    for (let layer = data.sources.length - 1; layer >= 0; layer -= 1) {
      area(context, sums, layer, x, y, data.offset, seriesColour(layer));
    }
    if (data.effective) line(context, data.effective, x, y, data.offset, style.getPropertyValue("--cap-line"), [5, 4]);
    this.#grid(context, style, plot, top, y, data);
    this.#cursor(context, style, plot, x, data);
  }

  #grid(context, style, plot, top, y, data) {
    context.font = `10px ${style.fontFamily}`;
    context.fillStyle = style.getPropertyValue("--muted");
    context.strokeStyle = style.getPropertyValue("--line");
    context.lineWidth = 1;
    for (const part of [0, 0.5, 1]) {
      const level = Math.round(y(top * part)) + 0.5;
      context.beginPath();
      context.moveTo(plot.left, level);
      context.lineTo(plot.right, level);
      context.stroke();
      if (part > 0) label(context, `${bytes(top * part)}/s`, plot.left + 2, level + 10, style.getPropertyValue("--surface"));
    }
    const seconds = data.step * (plot.samples - 1);
    for (const [part, align] of [[0, "left"], [0.5, "center"], [1, "right"]]) {
      context.textAlign = align;
      context.fillText(clock(data.end - seconds * (1 - part)), plot.left + (plot.right - plot.left) * part, plot.bottom + 13);
    }
    context.textAlign = "left";
  }

  #cursor(context, style, plot, x, data) {
    this.#tip.hidden = this.#hover === null;
    if (this.#hover === null) return;
    const place = Math.round((this.#hover / plot.right) * (plot.samples - 1));
    const index = place - data.offset;
    context.strokeStyle = style.getPropertyValue("--muted");
    context.beginPath();
    context.moveTo(x(place), plot.top);
    context.lineTo(x(place), plot.bottom);
    context.stroke();
    const lines = [el("b", {}, clock(data.end - data.step * (plot.samples - 1 - place)))];
    for (const source of data.sources) {
      lines.push(el("span", {}, `${source.name}: ${index >= 0 && source.rates[index] !== null ? rateOrZero(source.rates[index]) : "–"}`));
    }
    const effective = data.effective?.[index];
    if (effective !== undefined && effective !== null) lines.push(el("span", {}, `cap: ${rateOrZero(effective)}`));
    this.#tip.replaceChildren(...lines);
    this.#tip.classList.toggle("left", this.#hover > plot.right / 2);
    this.#tip.style.setProperty("--x", `${x(place)}px`);
  }
}

/** A text that can be read on whatever is below it. */
function label(context, text, x, y, ground) {
  context.globalAlpha = 0.7;
  const ink = context.fillStyle;
  context.fillStyle = ground;
  context.fillRect(x - 2, y - 9, context.measureText(text).width + 4, 12);
  context.globalAlpha = 1;
  context.fillStyle = ink;
  context.fillText(text, x, y);
}

/** Sums from below for each layer, by sample. */
function stack(data) {
  const length = data.sources[0]?.rates.length ?? 0;
  const sums = [];
  let below = new Float64Array(length);
  for (const source of data.sources) {
    const sum = new Float64Array(length);
    for (let place = 0; place < length; place += 1) sum[place] = below[place] + (source.rates[place] ?? 0);
    sums.push(sum);
    below = sum;
  }
  return sums;
}

/** A round number above all that is drawn. */
function scaleTop(data, sums) {
  let highest = data.cap > 0 ? data.cap : 0;
  for (const value of sums.at(-1) ?? []) highest = Math.max(highest, value);
  for (const value of data.effective ?? []) highest = Math.max(highest, value ?? 0);
  if (highest <= 0) return 1024;
  const unit = 1024 ** Math.floor(Math.log(highest) / Math.log(1024));
  const steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 500, 600, 800, 1024];
  return unit * (steps.find((step) => step * unit >= highest * 1.05) ?? 1536);
}

function area(context, sums, layer, x, y, offset, colour) {
  const sum = sums[layer];
  if (sum.length === 0) return;
  context.beginPath();
  context.moveTo(x(offset), y(0));
  for (let place = 0; place < sum.length; place += 1) context.lineTo(x(offset + place), y(sum[place]));
  context.lineTo(x(offset + sum.length - 1), y(0));
  context.closePath();
  context.fillStyle = colour;
  context.globalAlpha = 0.85;
  context.fill();
  context.globalAlpha = 1;
}

function line(context, values, x, y, offset, colour, dash) {
  context.beginPath();
  let isDrawing = false;
  values.forEach((value, place) => {
    if (value === null) {
      isDrawing = false;
    } else if (isDrawing) {
      context.lineTo(x(offset + place), y(value));
    } else {
      context.moveTo(x(offset + place), y(value));
      isDrawing = true;
    }
  });
  context.setLineDash(dash);
  context.lineWidth = 1.5;
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
  context.lineWidth = 1;
}
