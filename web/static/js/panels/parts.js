// What pages of settings are made of: groups of rows, switches, fields, badges, meters.

import { h } from "../core/dom.js";
import { size } from "../core/format.js";
import { icon } from "../core/icon.js";

let count = 0;

/** An id that nothing else in the page has. */
export const freshId = () => `part-${(count += 1)}`;

/**
 * A group of rows under a heading.
 *
 * @param {{title?: string, hint?: any, action?: Node, class?: string}} options
 * @param {...any} rows
 */
export function group({ title, hint, action, class: extra = "" }, ...rows) {
  const id = freshId();
  return h("section", { class: ["group", extra], "aria-labelledby": title ? id : null },
    title && h("div", { class: "group-head" },
      h("div", {}, h("h2", { id }, title), hint && h("p", { class: "hint" }, hint)), action),
    h("div", { class: "card" }, rows));
}

/**
 * A row of a group: what it is, and at its end what one can do about it.
 *
 * @param {{label: any, hint?: any, icon?: string, badges?: Node[], for?: string, class?: string}} options `for`: the id
 *   of the field that `label` names
 * @param {...any} ends buttons and fields
 */
export function row({ label, hint, icon: name, badges = [], for: field, class: extra = "" }, ...ends) {
  const text = field ? h("label", { for: field }, label) : h("span", {}, label);
  return h("div", { class: ["row", extra] },
    name && h("span", { class: "row-icon" }, icon(name)),
    h("div", { class: "row-text" }, h("div", { class: "row-label" }, text, badges), hint && h("div", { class: "hint" }, hint)),
    ends.flat().some(Boolean) && h("div", { class: "row-end" }, ends));
}

/** A switch; `onchange` hears of its new state. */
export function toggle({ id = freshId(), checked, label, onchange }) {
  return h("input", { type: "checkbox", role: "switch", class: "switch", id, checked, "aria-label": label, onchange: (event) => onchange(event.target.checked) });
}

/** A box to tick, with its text beside. */
export function tick({ label, hint, checked = false, name }) {
  const input = h("input", { type: "checkbox", id: freshId(), checked, name });
  return Object.assign(h("div", { class: "tick" }, input, h("div", {}, h("label", { for: input.id }, label), hint && h("p", { class: "hint" }, hint))), { input });
}

/** A field with its label above and a hint below. @returns {HTMLElement & {input: HTMLInputElement}} */
export function field({ label, hint, ...props }) {
  const id = freshId();
  const input = h("input", { class: "input", id, type: "text", "aria-describedby": hint ? `${id}-hint` : null, ...props });
  return Object.assign(h("div", { class: "field" }, h("label", { class: "label", for: id }, label), input,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint)), { input });
}

/** A list to choose from. `choices` are [value, text]. */
export function choice({ id = freshId(), value, choices, label, onchange }) {
  const select = h("select", { class: "input select", id, "aria-label": label, onchange: onchange && (() => onchange(select.value)) },
    choices.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  return select;
}

/** A place for what went wrong: `say(text)` shows it, `clear()` takes it away. */
export function problemBox() {
  const box = h("p", { class: "problem", role: "alert", hidden: true });
  return Object.assign(box, {
    say(text) {
      box.textContent = text;
      box.hidden = false;
    },
    clear() {
      box.hidden = true;
    },
  });
}

/** A word about something: "This browser", "Admin"; `kind` is plain, good, warn or bad. */
export const badge = (text, kind = "plain") => h("span", { class: ["badge", kind] }, text);

/** The beginning of a name, in a circle. */
export const initials = (name, extra = "") => h("span", { class: ["initials", extra], "aria-hidden": "true" }, [...name].slice(0, 2).join(""));

/**
 * What something is made of, as one bar with what its parts are below.
 *
 * @param {{label: string, size: number, kind: string}[]} parts `kind` gives the colour: one to five
 * @param {number} whole what the bar stands for; at least the sum of the parts
 */
export function stackedBar(parts, whole, label) {
  const shown = parts.filter((part) => part.size > 0);
  const share = (part) => `${whole ? (part.size / whole) * 100 : 0}%`;
  return h("div", { class: "stack" },
    h("div", { class: "stack-bar", role: "img", "aria-label": `${label}: ${parts.map((part) => `${part.label} ${size(part.size)}`).join(", ")}` },
      shown.map((part) => h("span", { class: ["stack-part", part.kind], style: { "inline-size": share(part) } }))),
    h("ul", { class: "stack-legend" },
      parts.map((part) => h("li", {}, h("span", { class: ["stack-dot", part.kind] }), h("span", {}, part.label), h("span", { class: "stack-size" }, size(part.size))))));
}
