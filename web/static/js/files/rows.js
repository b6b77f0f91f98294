// What one entry looks like: a row of the list, or a tile of the grid. Both are rows of a grid to screen readers.

import { fill, h } from "../core/dom.js";
import { dateTime, shown, size, when } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { hasThumbnail, iconOf, kindOf, stemLength } from "./kinds.js";
import { rangeOf } from "./order.js";
import { addressOf, isMount, thumbnailOf } from "./places.js";

const SVG = "http://www.w3.org/2000/svg";
const FOLDER = [
  ["folder-back", "M3 8.5A3 3 0 0 1 6 5.5h6.1a3 3 0 0 1 2.3 1.07L15.7 8.1H26a3 3 0 0 1 3 3v9H3Z"],
  ["folder-front", "M3 14a3 3 0 0 1 3-3h20a3 3 0 0 1 3 3v9.5a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3Z"],
];

/**
 * Fill a row. What one clicks there is found by `data-act`.
 *
 * @param {HTMLElement} row
 * @param {Object} file
 * @param {{layout: "list" | "grid", index: number, isSelected: boolean, where?: Node, found?: string,
 *   parent?: Object}} state `where` stands below the
 *   name where entries of several folders are listed; `found` is marked in the name
 */
export function fillRow(row, file, { layout, index, isSelected, where = null, found = "", parent = null }) {
  row.className = `file ${layout === "grid" ? "tile" : "line"}`;
  row.dataset.id = file.file_id;
  row.dataset.kind = kindOf(file);
  if (file.kind === "folder") row.dataset.path = file.path; // files from elsewhere can be dropped on it
  else delete row.dataset.path;
  row.setAttribute("aria-rowindex", index);
  const parts = layout === "grid" ? tile(file, found, parent) : line(file, where, found, parent);
  fill(row, checkCell(file, isSelected), parts);
  markSelected(row, isSelected);
}

/** Show whether a row is selected. */
export function markSelected(row, isSelected) {
  row.setAttribute("aria-selected", String(isSelected));
  const box = row.querySelector(".file-check input");
  if (box) box.checked = isSelected;
}

/** A row of which the entry is not loaded yet. */
export function waitingRow(layout, index) {
  return h("div", { class: ["file", "waiting", layout === "grid" ? "tile" : "line"], role: "row", "aria-rowindex": index },
    h("div", { role: "gridcell" }, h("span", { class: "visually-hidden" }, t("core.loading"))));
}

/** A picture of an entry: a thumbnail where the server makes one, else its icon. */
export function pictureOf(file, { edge = 32, iconSize = 20 } = {}) {
  const kind = kindOf(file);
  const box = h("span", { class: "file-picture", dataset: { kind } }, kind === "folder" ? folderPicture() : icon(iconOf(file), { size: iconSize }));
  if (!hasThumbnail(file)) return box;
  const image = h("img", {
    src: thumbnailOf(file), alt: "", width: edge, height: edge, loading: "lazy", decoding: "async", draggable: "false",
    onload: () => box.classList.add("drawn"),
    onerror: () => image.remove(), // there is none of this content: the icon stays
  });
  box.append(image);
  return box;
}

/** A folder as it is drawn everywhere. */
export function folderPicture() {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 32 32");
  picture.setAttribute("aria-hidden", "true");
  for (const [name, d] of FOLDER) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", d);
    picture.append(path);
  }
  return picture;
}

/** The size of an entry; an empty folder has none to speak of. */
export const sizeOf = (file) => (file.kind === "folder" && !file.size ? "–" : size(file.size));

/** A name with its ending in sight however narrow it gets. */
function nameParts(file, found) {
  const cut = stemLength(file);
  const [from, to] = rangeOf(found, file.name);
  const part = (start, end) => {
    const inside = [Math.max(start, Math.min(end, from)), Math.max(start, Math.min(end, to))];
    const text = (first, last) => shown(file.name.slice(first, last));
    return [text(start, inside[0]), inside[0] < inside[1] ? h("mark", {}, text(...inside)) : "", text(inside[1], end)];
  };
  return [h("bdi", { class: "file-stem" }, part(0, cut)), h("bdi", { class: "file-ending" }, part(cut, file.name.length))];
}

function checkCell(file, isSelected) {
  return h("div", { role: "gridcell", class: "file-check" },
    h("input", { type: "checkbox", tabindex: "-1", checked: isSelected, "aria-label": t("files.select", { name: shown(file.name) }) }));
}

function line(file, where, found, parent) {
  const changed = file.mtime_ms ?? file.modified_ms;
  return [
    h("div", { role: "gridcell", class: "file-main" },
      pictureOf(file),
      h("span", { class: "file-text" },
        nameLink(file, found),
        where ?? h("span", { class: "file-under", "aria-hidden": "true" }, `${when(changed)} · ${sizeOf(file)}`)),
      badges(file, parent)),
    h("div", { role: "gridcell", class: "file-when", title: dateTime(changed) }, when(changed)),
    h("div", { role: "gridcell", class: "file-size" }, sizeOf(file)),
    moreCell(file),
  ];
}

function tile(file, found, parent) {
  return [
    h("div", { role: "gridcell", class: "file-main" },
      pictureOf(file, { edge: 256, iconSize: 44 }),
      h("span", { class: "file-caption" }, nameLink(file, found), badges(file, parent))),
    moreCell(file),
  ];
}

function nameLink(file, found) {
  const link = file.kind === "folder" ? { href: addressOf(file) } : { href: addressOf(file), target: "_blank", rel: "noopener" };
  return h("a", { class: "file-name", tabindex: "-1", draggable: "false", title: shown(file.name), "aria-label": shown(file.name), ...link }, nameParts(file, found));
}

function badges(file, parent) {
  if (!isMount(file, parent)) return null;
  return h("span", { class: "file-badge", title: t("files.shared_folder") }, icon("users", { size: 16 }),
    h("span", { class: "visually-hidden" }, t("files.shared_folder")));
}

function moreCell(file) {
  return h("div", { role: "gridcell", class: "file-more" },
    h("button", { type: "button", class: "icon-button small", tabindex: "-1", "aria-haspopup": "menu",
      "aria-label": t("files.more_of", { name: shown(file.name) }) }, icon("ellipsis")));
}
