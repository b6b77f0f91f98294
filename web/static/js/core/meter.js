// How full something is: amber from 80 %, red from 95 %.

import { h } from "./dom.js";
import { percent, size } from "./format.js";
import { t } from "./text.js";

const AMBER = 0.8;
const RED = 0.95;

/** A bar of so many bytes of so many. @returns {HTMLElement} */
export function meter(used, whole, label) {
  const share = whole ? Math.min(1, used / whole) : 1;
  const level = share >= RED ? "full" : share >= AMBER ? "nearly" : "";
  return h("span", { class: ["meter", level], role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100,
    "aria-valuenow": Math.round(share * 100),
    "aria-valuetext": t("storage.share", { used: size(used), whole: size(whole), share: percent(share) }) },
  h("span", { class: "meter-fill", style: { "inline-size": `${share * 100}%` } }));
}
