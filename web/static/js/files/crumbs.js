// The way from the home to the folder that is open; its name is the heading of the view.

import { fill, h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";

const MOST = 4;

/** Make the bar. @returns {{element: HTMLElement, show: (path: string[]) => void}} */
export function crumbs() {
  const element = h("div", { class: "files-crumbs" });
  return {
    element,
    show(path) {
      const above = [[], ...path.map((_, index) => path.slice(0, index + 1))];
      const here = above.pop();
      const back = above.at(-1);
      const hidden = above.length > MOST ? above.splice(1, above.length - MOST) : [];
      const links = above.map((place, index) => h("li", { class: "crumb" },
        crumb(place), chevron(), hidden.length && index === 0 ? [hiddenPlaces(hidden), chevron()] : null));
      fill(element,
        back && h("a", { class: "icon-button crumb-back", href: href("files", back), "aria-label": t("files.up_to", { name: nameOf(back) }) }, icon("arrow-left")),
        links.length ? h("nav", { class: "crumb-way", "aria-label": t("files.way") }, h("ol", {}, links)) : null,
        h("h1", { class: "crumb-here", title: nameOf(here) }, h("bdi", {}, nameOf(here))));
    },
  };
}

function crumb(place) {
  return h("a", { href: href("files", place), title: nameOf(place), dataset: { path: `/${place.join("/")}` }, draggable: "false" }, h("bdi", {}, nameOf(place)));
}

function hiddenPlaces(places) {
  const button = h("button", { type: "button", class: "icon-button small", "aria-haspopup": "menu", "aria-label": t("files.between"), onclick: () =>
    openMenu(button, places.map((place) => ({ icon: "folder", label: nameOf(place), href: href("files", place) })), { label: t("files.between") }) }, icon("ellipsis"));
  return button;
}

const chevron = () => icon("chevron-right", { size: 16, class: "crumb-mark" });
const nameOf = (place) => (place.length ? shown(place.at(-1)) : t("nav.files"));
