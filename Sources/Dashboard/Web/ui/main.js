// Joins the parts of the page.

import { enter, startAccess } from "./access.js";
import { Actions } from "./actions.js";
import { openAdd, startAdding } from "./add.js";
import { showCaps, startCaps } from "./caps.js";
import { $, button, el, fill, setText } from "./dom.js";
import { startChoosing } from "./column-chooser.js";
import { Filters } from "./filters.js";
import { count } from "./format.js";
import { openGoverned } from "./governed.js";
import { startGovernor } from "./governor.js";
import { keep, kept } from "./keep.js";
import { List } from "./list.js";
import { follow } from "./live.js";
import { showOverview } from "./overview.js";
import { Selection, startSelecting } from "./selection.js";
import { Store } from "./store.js";
import { startTheme } from "./theme.js";
import { openTorrent } from "./torrent.js";

const store = new Store();
const selection = new Selection();
const list = new List(selection);
const filters = new Filters(store);
const actions = new Actions(selection, store);
let hasEngine = true;

const open = (id) => (id.includes("@") ? openGoverned(id) : openTorrent(id, actions));

function showList() {
  list.show(store.view(filters.words, filters.test));
  showCount();
}

function showCount() {
  const [shown, all] = [list.view.length, store.rows.size];
  setText($("shown"), shown === all ? count(all) : `${count(shown)} of ${count(all)}`);
  const selected = selection.size;
  list.allBox.checked = selected > 0 && selected >= shown;
  list.allBox.indeterminate = selected > 0 && selected < shown;
  $("empty").hidden = shown > 0;
  if (shown === 0) showEmpty(all);
}

function showEmpty(all) {
  if (all > 0) {
    fill($("empty"), el("h3", {}, "No torrent fits"), el("p", {}, "Other words or fewer filters may help."), button("Clear the filters", () => filters.clear()));
  } else if (hasEngine) {
    fill($("empty"), el("h3", {}, "Add your first torrent"),
      el("p", {}, "Drop .torrent files anywhere on this page, or paste a magnet link. Sonarr, Radarr and other programs that know qBittorrent can use this Weir too: give them this address."),
      button("Add a torrent", () => openAdd(store), { kind: "primary", picture: "plus" }));
  } else {
    fill($("empty"), el("h3", {}, "No torrents yet"), el("p", {}, "This Weir governs the qBittorrents above. Their torrents are here as soon as they have been read; they are added and removed there."));
  }
}

store.addEventListener("change", () => {
  selection.keep(store.rows);
  showList();
});
// When the list was first on the screen, for whoever measures it.
store.addEventListener("change", () => requestAnimationFrame(() => setTimeout(() => performance.mark("weir-list-painted"))), { once: true });
filters.addEventListener("change", () => {
  list.scrollToTop();
  showList();
});
selection.addEventListener("change", showCount);
list.addEventListener("sort", ({ detail }) => {
  const { key, isDescending } = store.order;
  store.sortBy(detail.key, detail.key === key ? !isDescending : !detail.ascending);
  keep("order", store.order);
  list.showOrder(store.order);
  showList();
});
const order = kept("order", null);
if (typeof order?.key === "string") store.sortBy(order.key, order.isDescending === true);
list.showOrder(store.order);

startChoosing(list);
startSelecting(list, selection, { open, remove: () => actions.remove() });
startTheme();
startCaps();
startGovernor();
startAdding(store);
startAccess();

document.addEventListener("keydown", (event) => {
  if (event.target.closest?.("input, textarea, select, dialog")) {
    if (event.key === "Escape" && event.target === $("search")) {
      if ($("search").value) filters.clear();
      $("grid").focus();
    } else if ((event.key === "ArrowDown" || event.key === "Enter") && event.target === $("search")) {
      event.preventDefault();
      $("grid").focus();
      if (list.active < 0) list.activate(0);
    }
    return;
  }
  const isFind = event.key === "/" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f" && $("grid").contains(document.activeElement));
  if (isFind) {
    event.preventDefault();
    $("torrents").scrollIntoView();
    $("search").focus();
    $("search").select();
  }
});

function followAddress() {
  const match = /^#(?:torrent=([0-9a-f]{40})|governed=([0-9a-f]{40}(?:@|%40).+))$/.exec(location.hash);
  if (match && store.rows.size > 0) open(match[1] ?? decodeURIComponent(match[2]));
}
window.addEventListener("hashchange", followAddress);

const showReason = (code) => {
  filters.choose("trouble", code);
  $("torrents").scrollIntoView();
  $("grid").focus({ preventScroll: true });
};

const show = (overview) => {
  hasEngine = overview.has_engine;
  showCaps(overview);
  showOverview(overview, { showReason, open });
};

enter().catch(() => {}).then(() => follow(store, show)).then(followAddress);
