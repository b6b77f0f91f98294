// One photo in the gallery, and the place of one that has not come yet.

import { h } from "../core/dom.js";
import { dateTime, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { hasThumbnail, iconOf } from "../files/kinds.js";
import { ownSource } from "../viewer/source.js";

const AGAIN_MS = 2000;

/** A photo; `index` is its number among all. */
export function tile(file, index, isSelected) {
  const isVideo = file.content_type.startsWith("video/");
  const open = h("button", { type: "button", class: "photo-open", tabindex: -1, "aria-label": t("photos.one", { name: shown(file.name), date: dateTime(file.mtime_ms) }) },
    hasThumbnail(file) ? picture(file) : stand(file));
  const element = h("div", { class: ["photo", isVideo && "video"], role: "gridcell", dataset: { index, id: file.file_id } }, open,
    isVideo && h("span", { class: "photo-mark" }, icon("play", { size: 16 })),
    h("button", { type: "button", class: "photo-check", tabindex: -1, role: "checkbox", "aria-label": t("photos.select", { name: shown(file.name) }) }, icon("check", { size: 16 })));
  mark(element, isSelected);
  return element;
}

/** Show whether a photo is selected. */
export function mark(element, isSelected) {
  element.classList.toggle("selected", isSelected);
  element.querySelector(".photo-check")?.setAttribute("aria-checked", String(isSelected));
}

export const waitingTile = () => h("div", { class: "photo waiting", role: "gridcell" }, h("span", { class: "visually-hidden" }, t("core.loading")));

function picture(file) {
  let tries = 0;
  const src = ownSource.thumbnail(file, 256);
  const image = h("img", {
    class: "photo-picture", src, alt: "", draggable: "false", decoding: "async",
    onload: () => image.classList.add("drawn"),
    onerror() {
      // The server may have had too much to do; if there is none of this content, the icon stays.
      if ((tries += 1) > 1) image.replaceWith(stand(file));
      else setTimeout(() => (image.src = src), AGAIN_MS);
    },
  });
  return image;
}

function stand(file) {
  return h("span", { class: "photo-stand" }, icon(iconOf(file), { size: 32 }), h("span", {}, shown(file.name)));
}
