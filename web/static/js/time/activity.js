// How much changed in a folder: a bar for each day, which chooses the moment before that day's changes.

import { get } from "../core/api.js";
import { fill, h, phone } from "../core/dom.js";
import { date } from "../core/format.js";
import { t } from "../core/text.js";
import { dayStart } from "./fields.js";

const DAYS = 28;
const DAYS_PHONE = 14; // so that a finger meets each

/**
 * The bars; they appear once the server has counted, and stay away where it cannot.
 *
 * @param {string} folder its id
 * @param {(ms: number) => void} set hears of the moment that was chosen
 * @returns {HTMLElement}
 */
export function activityBars(folder, set) {
  const days = phone.matches ? DAYS_PHONE : DAYS;
  const from = dayStart(days - 1);
  const element = h("div", { class: "activity", role: "group", "aria-label": t("rewind.activity") });
  get(`folders/${folder}/activity`, { from_ms: from, days }).then(({ changes }) => draw(changes), () => element.remove());

  function draw(changes) {
    const most = Math.max(1, ...changes);
    fill(element,
      h("div", { class: "activity-bars" }, changes.map((count, index) => bar(count, count / most, dayStart(days - 1 - index)))),
      h("p", { class: "activity-ends soft", "aria-hidden": "true" }, h("span", {}, date(from)), h("span", {}, t("rewind.now"))));
  }

  function bar(count, share, day) {
    if (!count) return h("span", { class: "activity-day" });
    const label = t("rewind.day", { day: date(day), count });
    // By the root: a day of few changes is seen beside one of many.
    return h("button", { type: "button", class: "activity-day", "aria-label": label, title: label, onclick: () => set(day) },
      h("span", { class: "activity-bar", style: { "block-size": `${Math.sqrt(share) * 100}%` } }));
  }

  return element;
}
