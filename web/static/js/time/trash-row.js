// One entry of the trash.

import { h, phone } from "../core/dom.js";
import { dateTime, shown, size, when } from "../core/format.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { t } from "../core/text.js";
import { iconOf } from "../files/kinds.js";

const DAY_MS = 86_400_000;

/** The path of the folder that an entry was in. */
export const folderOf = (item) => shown(item.path.slice(0, item.path.lastIndexOf("/")) || "/");

/** How many days an entry stays, null for ever. */
export const daysLeft = (item, days) => (days ? Math.max(0, Math.ceil((item.deleted_ms + days * DAY_MS - Date.now()) / DAY_MS)) : null);

/**
 * A row of the trash.
 *
 * @param {Object} item an entry as the server lists it
 * @param {{days: number, isChosen: boolean, isOfMany: boolean, onchoose: Function, onrestore: Function, onpurge: Function}} options `days`
 *   is how long entries stay; 0 for ever; `isOfMany`: it stands below the line of its deletion
 * @returns {HTMLLIElement}
 */
export function trashRow(item, { days, isChosen, isOfMany, onchoose, onrestore, onpurge }) {
  const folder = folderOf(item);
  const name = shown(item.name);
  const left = daysLeft(item, days);
  const more = h("button", { type: "button", class: "icon-button", "aria-label": t("trash.more", { name }), "aria-haspopup": "menu", onclick: open }, icon("ellipsis"));

  function open() {
    openMenu(more, [
      { icon: "rotate-ccw", label: t("trash.restore"), run: () => onrestore(item) },
      { icon: "trash-2", label: t("trash.purge"), danger: true, run: () => onpurge(item) },
    ], { label: name });
  }
  const box = h("input", { type: "checkbox", checked: isChosen, "aria-label": t("trash.select", { name }), onchange: () => onchoose(item, box.checked) });
  return h("li", { class: ["trash-row", isOfMany && "of-many"], dataset: { id: item.trash_id }, onclick: (event) => phone.matches && event.target.closest(".trash-what") && open() },
    box,
    icon(iconOf(item), { size: 24, class: item.kind === "folder" ? "time-folder" : "time-file" }),
    h("div", { class: "trash-what" },
      h("span", { class: "trash-name" }, name),
      h("span", { class: "trash-where" },
        h("span", { class: "time-path", title: folder }, folder === "/" ? t("trash.from_home") : t("trash.from", { folder })), " · ",
        h("span", { title: dateTime(item.deleted_ms) }, t("trash.deleted", { when: when(item.deleted_ms), who: item.deleted_by })))),
    h("span", { class: "trash-size" }, size(item.size)),
    h("span", { class: ["trash-left", left !== null && left <= 3 && "soon"] }, left === null ? "" : t("trash.left", { count: left })),
    h("button", { type: "button", class: "button trash-back", "aria-label": t("trash.restore_name", { name }), onclick: () => onrestore(item) }, t("trash.restore")),
    more);
}
