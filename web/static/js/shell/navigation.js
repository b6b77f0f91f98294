// Sidebar and bottom bar: which place is shown, and what does not fit on a phone.

import { phone } from "../core/dom.js";
import { openMenu } from "../core/menu.js";
import { href, onPlace } from "../core/router.js";
import { t } from "../core/text.js";

const MORE = [
  ["trash", "trash-2", () => t("nav.trash")],
  ["settings", "settings", () => t("nav.settings")],
  ["admin", "shield", () => t("nav.admin")],
];

/**
 * Write out where the links and pictures that the server made lead: it wrote them relative to the page that was asked
 * for, and the address changes as one moves on. Before the router starts.
 */
export function pinLinks() {
  for (const element of document.querySelectorAll("a, form, img, use, link:is([rel=icon], [rel=manifest], [rel=apple-touch-icon])")) {
    for (const name of ["href", "src", "action"]) {
      const said = element.getAttribute(name);
      if (said && !said.startsWith("#")) element.setAttribute(name, new URL(said, location.href).href);
    }
  }
}

/** Mark the links of the place that is shown, and open what stands under "More". */
export function startNavigation() {
  onPlace((place) => {
    for (const link of document.querySelectorAll("[data-view]")) {
      if (link.dataset.view === place.view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  });
  const more = document.querySelector("#more");
  const isAdmin = document.body.dataset.admin === "true";
  more.addEventListener("click", () => {
    const items = MORE.filter(([view]) => view !== "admin" || isAdmin);
    openMenu(more, items.map(([view, icon, label]) => ({ icon, label: label(), href: href(view) })), { label: t("nav.more") });
  });
  phone.addEventListener("change", () => document.body.classList.remove("searching"));
}
