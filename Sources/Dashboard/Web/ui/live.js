// News from Weir: one stream of events, which the browser resumes by itself, and the list anew when the gap is too old.

import * as api from "./api.js";
import { $, setText } from "./dom.js";

const staleMilliseconds = 15000;

/** Calls `overview` with what stands above the list; feeds the store. */
export function follow(store, overview) {
  let source;
  let lastNews = Date.now();

  const show = (state, text) => {
    $("live").dataset.state = state;
    setText($("live"), text);
  };

  async function begin() {
    source?.close();
    try {
      const [list, governed, first] = await Promise.all([api.get("api/ui/torrents"), api.get("api/ui/governed"), api.get("api/ui/overview")]);
      overview(first);
      store.load(list, governed);
    } catch (error) {
      show("down", error.message);
      setTimeout(begin, 3000);
      return;
    }
    listen();
  }

  async function reload() {
    try {
      store.load(...(await Promise.all([api.get("api/ui/torrents"), api.get("api/ui/governed")])));
    } catch (error) {
      show("down", error.message);
    }
  }

  function listen() {
    source = new EventSource(`api/ui/events?since=${store.mark}`);
    const on = (name, run) =>
      source.addEventListener(name, (event) => {
        lastNews = Date.now();
        show("live", "Live");
        run(JSON.parse(event.data));
      });
    on("overview", overview);
    on("torrents", (change) => store.apply(change));
    on("governed", (change) => {
      // One that is told already by the list is no gap.
      if (BigInt(change.number) > BigInt(store.governedNumber) && !store.applyGoverned(change)) reload();
    });
    on("reset", reload);
    source.addEventListener("open", () => show("live", "Live"));
    source.addEventListener("error", () => {
      show("down", "Reconnecting");
      // The browser gives up for good where the answer was an error.
      if (source.readyState === EventSource.CLOSED) setTimeout(begin, 3000);
    });
  }

  setInterval(() => {
    if (source?.readyState === EventSource.OPEN && Date.now() - lastNews > staleMilliseconds) {
      show("down", "No news");
      lastNews = Date.now();
      begin();
    }
  }, 5000);
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && begin());
  return begin();
}
