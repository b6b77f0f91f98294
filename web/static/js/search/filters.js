// The filters of a search as chips: each opens a menu, and shows what was chosen in it.

import { fill, h } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { t } from "../core/text.js";

const DAY_MS = 86_400_000;
const MB = 1_000_000;

const TYPES = {
  folder: { label: () => t("files.folders"), query: { kind: "folder" } },
  image: { label: () => t("search.images"), query: { type: "image/*" } },
  video: { label: () => t("search.videos"), query: { type: "video/*" } },
  audio: { label: () => t("search.audio"), query: { type: "audio/*" } },
  pdf: { label: () => t("search.pdfs"), query: { type: "application/pdf" } },
  text: { label: () => t("search.texts"), query: { type: "text/*" } },
};
const TIMES = {
  day: { label: () => t("search.today"), query: () => ({ modified_after_ms: midnight() }) },
  week: { label: () => t("search.week"), query: () => ({ modified_after_ms: midnight() - 6 * DAY_MS }) },
  month: { label: () => t("search.month"), query: () => ({ modified_after_ms: midnight() - 29 * DAY_MS }) },
  year: { label: () => t("search.year"), query: () => ({ modified_after_ms: new Date(new Date().getFullYear(), 0).getTime() }) },
  older: { label: () => t("search.older"), query: () => ({ modified_before_ms: new Date(new Date().getFullYear(), 0).getTime() }) },
};
const SIZES = {
  small: { label: () => t("search.small"), query: { max_size: MB - 1 } },
  medium: { label: () => t("search.medium"), query: { min_size: MB, max_size: 100 * MB - 1 } },
  large: { label: () => t("search.large"), query: { min_size: 100 * MB } },
};
const GROUPS = { type: [() => t("files.type"), TYPES], when: [() => t("files.modified"), TIMES], size: [() => t("files.size"), SIZES] };

/** What the chosen filters say to GET /search. @param {URLSearchParams} chosen of the address */
export function queryOf(chosen) {
  const query = chosen.has("in") ? { in: chosen.get("in") } : {};
  for (const [name, [, choices]] of Object.entries(GROUPS)) {
    const choice = choices[chosen.get(name)]?.query;
    Object.assign(query, typeof choice === "function" ? choice() : choice);
  }
  return query;
}

/**
 * Make the chips.
 *
 * @param {{choose: (name: string, value: string | null) => void, clear: () => void}} does
 */
export function filterChips({ choose, clear }) {
  const element = h("div", { class: "chips", role: "group", "aria-label": t("search.filters") });
  return {
    element,
    /** @param {URLSearchParams} chosen @param {{id: string, name: string} | null} here the folder that can be searched alone */
    show(chosen, here) {
      const had = element.contains(document.activeElement) ? [...element.children].indexOf(document.activeElement) : -1;
      const place = here && chip("in", t("search.where"), { [here.id]: { label: () => t("search.in", { name: here.name }) } }, chosen, t("search.everywhere"));
      fill(element, place, Object.entries(GROUPS).map(([name, [label, choices]]) => chip(name, label(), choices, chosen, t("search.any"))),
        [...chosen.keys()].some((name) => name !== "q") && h("button", { type: "button", class: "chip clear", onclick: clear }, icon("x", { size: 16 }), t("search.clear")));
      element.children[had]?.focus();
    },
  };

  function chip(name, label, choices, chosen, none) {
    const value = chosen.get(name);
    const choice = choices[value];
    const button = h("button", { type: "button", class: ["chip", choice && "chosen"], "aria-haspopup": "menu", onclick: () => openMenu(button, [
      { label: none, checked: !choice, run: () => choose(name, null) },
      ...Object.entries(choices).map(([key, { label: said }]) => ({ label: said(), checked: key === value, run: () => choose(name, key) })),
    ], { label }) }, choice ? choice.label() : label, icon("chevron-down", { size: 16 }));
    return button;
  }
}

function midnight() {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
}
