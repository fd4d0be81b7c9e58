// Numbers for people: three significant digits, binary units, no jumping widths.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(count) {
  if (count === null || count === undefined) return "–";
  let value = Math.abs(count);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${count < 0 ? "-" : ""}${value.toFixed(digits)}\u00a0${units[unit]}`;
}

/** Bytes a second; nothing is a dash, so that what moves stands out. */
export const rate = (count) => (count > 0 ? `${bytes(count)}/s` : "–");
export const rateOrZero = (count) => `${bytes(count || 0)}/s`;

/** -1 is unlimited. */
export const limit = (count) => (count < 0 ? "unlimited" : `${bytes(count)}/s`);

export const count = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

export function percent(part, whole) {
  if (!(whole > 0)) return "–";
  const value = (100 * part) / whole;
  // What is not complete is never shown as complete.
  return `${value >= 100 ? "100" : Math.min(99.9, value).toFixed(1)}\u00a0%`;
}

export const ratio = (value) => (value === null ? "∞" : value.toFixed(2));

export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}\u00a0s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00a0min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}\u00a0h ${Math.floor((whole % 3600) / 60)}\u00a0min`;
  if (whole < 86400 * 365) return `${Math.floor(whole / 86400)}\u00a0d ${Math.floor((whole % 86400) / 3600)}\u00a0h`;
  return `${(whole / 86400 / 365.25).toFixed(1)}\u00a0y`;
}

export function ago(time, now = Date.now() / 1000) {
  return time ? `${duration(now - time)} ago` : "never";
}

// Swedish dates are those of ISO 8601, in local time.
const dates = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });
const days = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" });
const times = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });

export const date = (time) => (time ? dates.format(time * 1000) : "–");
export const day = (time) => (time ? days.format(time * 1000) : "–");
export const clock = (time) => times.format(time * 1000);

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

const stateWords = {
  stopped: "Stopped", queued: "Queued", checking: "Checking", checkingAtStart: "Checking", metadata: "Fetching metadata",
  downloading: "Downloading", seeding: "Seeding", moving: "Moving", missingFiles: "Files missing", failed: "Failed",
};

export const stateWord = (state) => stateWords[state] ?? state;

/** "tracker_unregistered" as "tracker unregistered". */
export const words = (code) => code.replaceAll("_", " ");

/** A limit as people type it: "5 MiB", "300k", "2.5M", "-", "unlimited". Null when it is none. */
export function parseLimit(text) {
  const typed = text.trim().toLowerCase();
  if (typed === "" || typed === "-" || typed === "∞" || typed.startsWith("unl")) return -1;
  const match = /^(\d+(?:[.,]\d+)?)\s*([kmg]?)(?:i?b)?(?:\/s)?$/.exec(typed);
  if (!match) return null;
  const value = Math.round(Number(match[1].replace(",", ".")) * { "": 1, k: 1024, m: 1048576, g: 1073741824 }[match[2]]);
  return value >= 1 ? value : null;
}
