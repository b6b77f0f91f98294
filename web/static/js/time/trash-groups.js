// What went into the trash together is one line of it, which opens to all that it holds.

import { h } from "../core/dom.js";
import { dateTime, number, shown, size, when } from "../core/format.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { t } from "../core/text.js";
import { daysLeft, folderOf } from "./trash-row.js";

const TOGETHER_MS = 2000; // between two entries of one deletion: a call takes up to 200
const MANY = 4; // fewer are seen at a glance
const NAMED = 3;

/**
 * Tell what was deleted together: from one folder, by one person, at one time.
 *
 * @param {Object[]} items entries of the trash, the latest first
 * @returns {Object[][]} all of them in their order; what stands alone is a group of one
 */
export function deletions(items) {
  const runs = [];
  for (const item of items) {
    const run = runs.at(-1);
    if (run && isOne(run.at(-1), item)) run.push(item);
    else runs.push([item]);
  }
  return runs.flatMap((run) => (run.length < MANY ? run.map((item) => [item]) : [run]));
}

/** Whether two neighbours went there together. */
export const isOne = (later, earlier) =>
  later.deleted_by === earlier.deleted_by && later.parent_id === earlier.parent_id && later.deleted_ms - earlier.deleted_ms < TOGETHER_MS;

/**
 * The line of a deletion.
 *
 * @param {Object[]} items
 * @param {{days: number, chosen: number, isOpen: boolean, onopen: Function, onchoose: Function, onrestore: Function,
 *   onpurge: Function}} options `chosen` is how many of them are
 * @returns {HTMLLIElement}
 */
export function deletionRow(items, { days, chosen, isOpen, onopen, onchoose, onrestore, onpurge }) {
  const [latest] = items;
  const values = { count: items.length, number: number(items.length) };
  const folder = folderOf(latest);
  const left = daysLeft(items.at(-1), days);
  const more = h("button", { type: "button", class: "icon-button", "aria-label": t("trash.more_group", values), "aria-haspopup": "menu", onclick: open }, icon("ellipsis"));
  function open() {
    openMenu(more, [
      { icon: "rotate-ccw", label: t("trash.restore"), run: onrestore },
      { icon: "trash-2", label: t("trash.purge"), danger: true, run: onpurge },
    ], { label: t("trash.group", values) });
  }
  const box = h("input", { type: "checkbox", checked: chosen === items.length, "aria-label": t("trash.select_group", values), onchange: () => onchoose(box.checked) });
  box.indeterminate = chosen > 0 && chosen < items.length;
  return h("li", { class: "trash-row", dataset: { id: `all ${items.at(-1).trash_id}` } },
    box,
    h("button", { type: "button", class: "icon-button trash-open", "aria-expanded": String(isOpen), "aria-label": t("trash.open_group", values), onclick: onopen },
      icon(isOpen ? "chevron-down" : "chevron-right")),
    h("div", { class: "trash-what" },
      h("span", { class: "trash-name" }, t("trash.group", values), ": ", items.slice(0, NAMED).map(({ name }) => shown(name)).join(", "), items.length > NAMED && " …"),
      h("span", { class: "trash-where" },
        h("span", { class: "time-path", title: folder }, folder === "/" ? t("trash.from_home") : t("trash.from", { folder })), " · ",
        h("span", { title: dateTime(latest.deleted_ms) }, t("trash.deleted", { when: when(latest.deleted_ms), who: latest.deleted_by })))),
    h("span", { class: "trash-size" }, size(items.reduce((sum, item) => sum + item.size, 0))),
    h("span", { class: ["trash-left", left !== null && left <= 3 && "soon"] }, left === null ? "" : t("trash.left", { count: left })),
    h("button", { type: "button", class: "button trash-back", "aria-label": t("trash.restore_group", values), onclick: onrestore }, t("trash.restore")),
    more);
}
