// Fields that say when.

import { h } from "../core/dom.js";

const MINUTE_MS = 60_000;
let count = 0;

/** A time as `datetime-local` writes it, by the clock here. */
export function localText(ms) {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}

/**
 * A field for a moment.
 *
 * @param {{label: string, value: number, min?: number, onchange: () => void}} options `value` and `min` in Unix ms
 * @returns {{element: HTMLElement, get: () => number | null, set: (ms: number) => void}} `get` gives null for nonsense
 */
export function momentField({ label, value, min, onchange }) {
  const id = `moment-${(count += 1)}`;
  const input = h("input", { class: "input", type: "datetime-local", id, value: localText(value), min: min && localText(min), max: localText(Date.now() + MINUTE_MS), step: "any", required: true, oninput: onchange });
  return {
    element: h("div", { class: "moment-field" }, h("label", { class: "label", for: id }, label), input),
    get: () => (input.value ? new Date(input.value).getTime() : null),
    set(ms) {
      input.value = localText(ms);
      onchange();
    },
  };
}

/** Buttons that set a moment. @param {{label: string, ms: () => number}[]} picks @param {(ms: number) => void} set */
export function quickPicks(label, picks, set) {
  return h("div", { class: "quick-picks", role: "group", "aria-label": label },
    picks.map((pick) => h("button", { type: "button", class: "button quick-pick", onclick: () => set(pick.ms()) }, pick.label)));
}

/** The first whole minute that is not before a time. */
export const nextMinute = (ms) => Math.ceil(ms / MINUTE_MS) * MINUTE_MS;

/** The beginning of a day, so many days before today. */
export function dayStart(daysAgo = 0) {
  const date = new Date();
  date.setHours(0, 0, 0, 0);
  date.setDate(date.getDate() - daysAgo);
  return date.getTime();
}
