// A file that browsers show nothing of: what it is, and the way to have it.

import { h } from "../core/dom.js";
import { dateTime, shown, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { iconOf } from "../files/kinds.js";

/** Show a card of a file. @param {string} [why] a sentence in place of the usual one */
export function card(file, source, why = t("viewer.no_preview")) {
  return h("div", { class: "viewer-card" },
    icon(iconOf(file), { size: 56 }),
    h("p", { class: "viewer-card-name" }, shown(file.name)),
    h("p", { class: "viewer-card-facts" }, `${size(file.size)} · ${dateTime(file.mtime_ms ?? file.modified_ms)}`),
    h("p", { class: "viewer-card-why" }, why),
    h("a", { class: "button primary", href: source.download(file), download: true }, icon("download"), t("viewer.download")));
}

export function show(file, { source }) {
  return { element: card(file, source) };
}
