// The search box of the top bar: it goes to the view "search"; that view keeps it in step.

import { $ } from "../core/dom.js";
import { shortcut } from "../core/keys.js";
import { go, here, href, onPlace } from "../core/router.js";
import { t } from "../core/text.js";

const TYPING_MS = 200;

/** Start; once, by the shell. */
export function startSearchBox() {
  const form = $("#search");
  const input = $("#search input");
  let timer = 0;
  const search = () => {
    clearTimeout(timer);
    const text = input.value.trim();
    const place = here();
    if (!text && place.view !== "search") return;
    const query = { q: text };
    if (place.view === "search") for (const [name, value] of place.query) if (name !== "q") query[name] = value;
    go(href("search", [], query), { replace: place.view === "search" });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, TYPING_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
  });
  $("#search-open").addEventListener("click", open);
  $("#search-close").addEventListener("click", leave);
  shortcut("/", t("nav.search"), open);
  onPlace((place) => {
    if (place.view === "search") {
      if (document.activeElement !== input) input.value = place.query.get("q") ?? "";
      return;
    }
    clearTimeout(timer);
    input.value = "";
    leave();
  });

  function open() {
    document.body.classList.add("searching"); // only a phone hides the box
    input.focus();
    input.select();
  }

  function leave() {
    document.body.classList.remove("searching");
    input.blur();
  }
}
