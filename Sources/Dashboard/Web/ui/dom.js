// Building elements. Text goes in as text only: names of torrents, trackers' words and peers' clients are hostile.

const svgNamespace = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

/** An element with properties; children are elements or texts, and what is null or false is left out. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

export function icon(name) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svgNamespace, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Sets a text only where it differs: most of what comes each second does not. */
export function setText(element, text) {
  if (element.firstChild?.nodeValue !== text) element.textContent = text;
}

export function button(label, run, { kind = "quiet", picture, ...rest } = {}) {
  return el("button", { type: "button", class: kind, on: { click: run }, ...rest }, picture && icon(picture), label);
}

/** Runs at most once a frame, with the newest arguments. */
export function framed(run) {
  let isDue = false;
  let newest;
  return (...values) => {
    newest = values;
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      run(...newest);
    });
  };
}

/** What stands for a name on the screen: invisible marks that turn the direction of writing are shown as such. */
export function visible(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "\u00b7");
}
