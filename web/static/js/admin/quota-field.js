// A field for a quota: a number and its unit, or nothing for no limit.

import { h } from "../core/dom.js";
import { language, t } from "../core/text.js";
import { choice, freshId } from "../panels/parts.js";

const UNITS = [["1000000", "MB"], ["1000000000", "GB"], ["1000000000000", "TB"]];

/** The field; `bytes()` gives what it says, null for no limit. @param {number | null} quota bytes */
export function quotaField(quota = null) {
  const unit = [...UNITS].reverse().find(([size]) => quota !== null && quota >= size && quota % (size / 1000) === 0)?.[0] ?? UNITS[1][0];
  const id = freshId();
  const input = h("input", { class: "input", id, type: "number", min: 0, step: "any", inputmode: "decimal", placeholder: t("admin.no_limit"),
    value: quota === null ? "" : String(quota / unit), "aria-describedby": `${id}-hint` });
  const units = choice({ value: unit, choices: UNITS.map(([size]) => [size, nameOf(size)]), label: t("admin.quota_unit") });
  return Object.assign(h("div", { class: "field" }, h("label", { class: "label", for: id }, t("admin.quota")),
    h("div", { class: "quota-field" }, input, units), h("p", { class: "hint", id: `${id}-hint` }, t("admin.quota_hint"))), {
    input,
    bytes: () => (input.value.trim() === "" ? null : Math.round(Number(input.value) * Number(units.value))),
  });
}

function nameOf(size) {
  const names = { 1000000: "megabyte", 1000000000: "gigabyte", 1000000000000: "terabyte" };
  return new Intl.NumberFormat(language, { style: "unit", unit: names[size], unitDisplay: "short" }).formatToParts(1).find((part) => part.type === "unit").value;
}
