// What stands in place of entries: nothing there, still loading, something went wrong.

import { h } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";

/** Nothing was found. */
export const nothing = (title, text) => h("div", { class: "empty" }, icon("search", { size: 56 }), h("h2", {}, title), h("p", {}, text));

/** It is on its way. */
export const loading = () => h("div", { class: "skeleton", role: "status", "aria-label": t("core.loading") });

/** Something went wrong; `retry` tries again. */
export function failure(error, retry) {
  return h("div", { class: "empty", role: "alert" }, icon("circle-alert", { size: 56 }),
    h("h2", {}, t("core.view_failed")), h("p", {}, errorText(error)),
    h("button", { type: "button", class: "button", onclick: retry }, t("core.retry")));
}
