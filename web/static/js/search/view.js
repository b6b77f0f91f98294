// Search: what was found by name, with filters; here, or everywhere.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { number, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { go, href } from "../core/router.js";
import { t } from "../core/text.js";
import { bench } from "../files/bench.js";
import { follow } from "../files/feed.js";
import { failure, loading, nothing } from "../files/notices.js";
import { namesOf, parentPath } from "../files/places.js";
import { recalled } from "../files/recall.js";
import { filterChips, queryOf } from "./filters.js";
import { resultsModel } from "./results.js";
import { keepTerm, recentTerms } from "./terms.js";

const QUIET_MS = 150;

/** Show the view. */
export async function mount(container, { place, signal, setTitle }) {
  const results = resultsModel({ signal });
  const heading = h("h1", { class: "crumb-here" });
  const count = h("p", { class: "search-count", role: "status" });
  const chips = filterChips({ choose, clear: () => to({ q: place.query.get("q") }) });
  const head = h("header", { class: "files-head search-head" }, h("div", { class: "files-tools" }, heading, count), chips.element);
  const app = bench({ folder: results, head, whereOf, found: () => place.query.get("q") ?? "", detailsShown: () => {}, signal });
  const notice = h("div", { class: "files-notice" });
  app.list.element.append(notice);
  app.showPlace = (file) => go(placeOf(file));
  container.append(app.element);
  let quiet = 0;
  let here = null;

  function to(query) {
    go(href("search", [], query), { replace: true });
  }

  function choose(name, value) {
    to({ ...Object.fromEntries(place.query), [name]: value });
  }

  function whereOf(file) {
    const above = parentPath(file.path);
    const name = above === "/" ? t("nav.files") : shown(above.slice(1).replaceAll("/", " › "));
    return h("a", { class: "file-where", tabindex: "-1", draggable: "false", href: placeOf(file), onclick: (event) => event.stopPropagation() }, h("bdi", {}, name));
  }

  results.subscribe(({ what }) => {
    clearTimeout(quiet);
    if (what === "status" && results.status === "loading") {
      quiet = setTimeout(() => {
        app.show([], 0);
        fill(notice, loading());
      }, QUIET_MS);
    } else if (what === "status") {
      app.show([], 0);
      fill(notice, failure(results.error, results.reload));
    } else show();
  });

  function show() {
    app.show(results.entries(), results.total);
    fill(count, results.status === "ready" && results.total ? t("search.found", { count: results.total, number: number(results.total), more: results.isWhole() ? "" : "+" }) : "");
    if (results.status === "idle") fill(notice, begin());
    else if (!results.total) fill(notice, nothing(t("search.none"), t("search.none_text")));
    else fill(notice, results.isWhole() ? null : h("div", { class: "search-more" }, h("button", { type: "button", class: "button", onclick: results.more }, t("search.more"))));
  }

  function begin() {
    const terms = recentTerms();
    return h("div", { class: "empty" }, icon("search", { size: 56 }), h("h2", {}, t("search.begin")), h("p", {}, t("search.begin_text")),
      terms.length ? h("div", { class: "chips" }, terms.map((term) => h("button", { type: "button", class: "chip", onclick: () => to({ q: term }) }, icon("clock", { size: 16 }), shown(term)))) : null);
  }

  async function nameHere(id) {
    const known = recalled();
    if (!id || known?.file_id === id) return known && { id: known.file_id, name: shown(known.name) };
    const file = await get(`files/${id}`, {}, { signal });
    return { id, name: file.path === "/" ? t("nav.files") : shown(file.name) };
  }

  async function update(next) {
    place = next;
    const text = (place.query.get("q") ?? "").trim();
    setTitle(text ? t("search.title", { text: shown(text) }) : t("nav.search"));
    fill(heading, t("nav.search"));
    app.list.setLabel(t("search.results"));
    app.selection.clear();
    if (place.query.get("in") !== here?.id) here = await nameHere(place.query.get("in")).catch(() => null);
    chips.show(place.query, here);
    const isEmpty = !text && ![...place.query.keys()].some((name) => !["q", "in"].includes(name));
    await results.search(isEmpty ? null : { q: text, ...queryOf(place.query) });
    if (text && results.total) keepTerm(text);
  }

  follow({ signal, changed: results.refresh, lost: () => results.reload() }).catch(() => {});
  await update(place);
  return { update };
}

const placeOf = (file) => href("files", namesOf(parentPath(file.path)), { at: file.file_id });
