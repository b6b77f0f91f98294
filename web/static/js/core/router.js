// The paths inside the shell: /files/a/b shows the view "files" at ["a", "b"]. Links are plain links.

import { h, fill, loadStyle } from "./dom.js";
import { ApiError, ROOT } from "./api.js";
import { reloadIfOutdated } from "./build.js";
import { errorText } from "./toast.js";
import { allTexts, t } from "./text.js";

/**
 * @typedef {{view: string, path: string[], query: URLSearchParams}} Place
 * @typedef {{place: Place, me: Object, signal: AbortSignal, setTitle: (text: string) => void}} Context
 * @typedef {{update?: (place: Place) => void, unmount?: () => void}} Mounted
 */

const QUIET_MS = 150;
const FIRST = "files"; // the view whose texts come with the shell's
let views = {};
let host = null;
let now = null;
let extra = {};
let shown = "";
const listeners = new Set();

/** The place that a URL names. @returns {Place} */
export function placeOf(url) {
  const parts = new URL(url).pathname.slice(ROOT.pathname.length).split("/").filter(Boolean).map(decode);
  return { view: parts[0] ?? "files", path: parts.slice(1), query: new URL(url).searchParams };
}

/** The URL of a place, for `href`. @param {Object<string, string>} [query] */
export function href(view, path = [], query = {}) {
  const made = new URL([view, ...path].map(encodeURIComponent).join("/"), ROOT);
  for (const [name, value] of Object.entries(query)) if (value) made.searchParams.set(name, value);
  return made.href;
}

/** Go to a URL of the shell. */
export function go(url, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", url);
  return show();
}

/** The place that is shown. @returns {Place} */
export const here = () => placeOf(location.href);

/** Hear of each change of place. */
export function onPlace(listener) {
  listeners.add(listener);
}

/**
 * Start; once, by the shell.
 *
 * @param {{views: Object<string, {load: () => Promise<{mount: Function}>, style?: string}>, container: HTMLElement,
 *   context: Object}} options
 */
export function start(options) {
  views = options.views;
  host = options.container;
  extra = options.context;
  // What lies over a view may have an entry of its own, of the same address: then the view has not moved.
  addEventListener("popstate", () => location.href !== shown && show());
  document.addEventListener("click", onClick);
  return show();
}

function onClick(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.target || link.hasAttribute("download") || !link.href.startsWith(ROOT.href)) return;
  if (link.getAttribute("href").startsWith("#") || !(placeOf(link.href).view in views)) return;
  event.preventDefault();
  if (link.href !== location.href) go(link.href);
}

async function show() {
  shown = location.href;
  const place = here();
  if (!(place.view in views)) Object.assign(place, { view: "files", path: [] });
  for (const listener of listeners) listener(place);
  if (now?.view === place.view && now.mounted?.update) return now.mounted.update(place);
  const isFirst = now === null;
  now?.off.abort();
  now?.mounted?.unmount?.();
  const mine = { view: place.view, off: new AbortController(), mounted: null };
  now = mine;
  const skeleton = setTimeout(() => now === mine && fill(host, h("div", { class: "skeleton", role: "status", "aria-label": t("core.loading") })), QUIET_MS);
  try {
    const { load, style } = views[place.view];
    const [{ mount }] = await Promise.all([load(), style && loadStyle(style), place.view !== FIRST && allTexts()]);
    if (now !== mine) return;
    clearTimeout(skeleton);
    fill(host);
    const setTitle = (text) => (document.title = text ? `${text} · ${extra.serverName}` : extra.serverName);
    mine.mounted = (await mount(host, { ...extra, place, signal: mine.off.signal, setTitle })) ?? {};
    // Where one goes by keyboard or voice, the focus goes along; at the start it stays with the browser, and with a field
    // in which one types.
    const stays = isFirst || host.contains(document.activeElement) || document.activeElement.matches("input, textarea");
    if (!stays && now === mine) host.focus({ preventScroll: true });
  } catch (error) {
    if (now !== mine || error.name === "AbortError") return;
    if (!(error instanceof ApiError) && (await reloadIfOutdated())) return;
    console.warn(error);
    now = { ...mine, view: "" };
    fill(host, h("div", { class: "empty", role: "alert" }, h("h1", {}, t("core.view_failed")), h("p", {}, errorText(error)),
      h("button", { type: "button", class: "button", onclick: show }, t("core.retry"))));
  } finally {
    clearTimeout(skeleton);
  }
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
