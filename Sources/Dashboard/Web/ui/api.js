// Talking to Weir. Addresses are relative to the page, so that a base path in front of it needs no setting.

export class APIError extends Error {
  /** `retrySeconds` is how long Weir asks to wait; 0 where it does not. */
  constructor(status, code, message, retrySeconds = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retrySeconds = retrySeconds;
  }
}

async function answer(request, isEntering = false) {
  let response;
  try {
    response = await request;
  } catch {
    throw new APIError(0, "unreachable", "Weir does not answer. Is it running?");
  }
  let value;
  try {
    value = await response.json();
  } catch {
    throw new APIError(response.status, "bad_answer", `Weir answered ${response.status} with something that is not JSON.`);
  }
  if (response.ok) return value;
  if (response.status === 401 && !isEntering) document.dispatchEvent(new CustomEvent("weir-login-needed"));
  throw new APIError(response.status, value.error?.code ?? "failed", value.error?.message ?? `Weir answered ${response.status}.`, Number(response.headers.get("retry-after")) || 0);
}

export const get = (path) => answer(fetch(path, { headers: { accept: "application/json" } }));

/** While somebody logs in, a refusal is an answer and no reason to ask for it again. */
export const post = (path, body = {}, isEntering = false) =>
  answer(fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }), isEntering);

/** One .torrent file. */
export const upload = (file, query) =>
  answer(
    fetch(`api/ui/torrents/upload?${query}`, {
      method: "POST", headers: { "content-type": "application/x-bittorrent" }, body: file,
    }));
