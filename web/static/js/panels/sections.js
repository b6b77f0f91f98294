// Views that are several pages with a list of them beside: settings and admin. On a phone the list is a page of its own.

import { ApiError } from "../core/api.js";
import { reloadIfOutdated } from "../core/build.js";
import { fill, h, loadStyle, phone } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";

/**
 * @typedef {{id: string, icon: string, label: string, hint: string,
 *   load: () => Promise<{mount: (host: HTMLElement, context: Object) => any}>}} Section `mount` shows the page in an
 *   empty element of its own; its `signal` is aborted when one leaves the page
 */

const QUIET_MS = 150;

/**
 * Show the pages of a view; to be returned by its `mount`.
 *
 * @param {HTMLElement} container
 * @param {Object} context of the view
 * @param {{view: string, title: string, sections: Section[]}} options `view` is the first part of the paths
 */
export async function mountSections(container, context, { view, title, sections }) {
  await loadStyle("css/panels.css");
  const links = new Map(sections.map((section) => [section.id, link(view, section)]));
  const nav = h("nav", { class: "panels-nav", "aria-label": title }, h("p", { class: "panels-title" }, title),
    h("ul", {}, [...links.values()].map((one) => h("li", {}, one))));
  const host = h("div", { class: "panels-page" });
  container.append(h("div", { class: "panels" }, nav, host));
  let place = context.place;
  let off = new AbortController();

  async function show() {
    off.abort();
    off = new AbortController();
    const { signal } = off;
    const named = sections.find((section) => section.id === place.path[0]);
    const section = named ?? (phone.matches ? null : sections[0]);
    for (const [id, one] of links) {
      if (id === section?.id) one.setAttribute("aria-current", "page");
      else one.removeAttribute("aria-current");
    }
    context.setTitle(section ? `${section.label} · ${title}` : title);
    const hadFocus = host.contains(document.activeElement);
    if (!section) fill(host, h("h1", {}, title), h("ul", { class: "panels-index" }, sections.map((one) => h("li", {}, entry(view, one)))));
    else await showPage(section, signal);
    if (hadFocus && !signal.aborted && document.activeElement === document.body) host.closest("main").focus({ preventScroll: true });
  }

  async function showPage(section, signal) {
    const page = h("div", { class: "panels-content" });
    const waiting = setTimeout(() => fill(page, h("div", { class: "skeleton", role: "status", "aria-label": t("core.loading") })), QUIET_MS);
    fill(host, h("a", { class: "panels-back", href: href(view) }, icon("chevron-left"), title), h("h1", {}, section.label), page);
    try {
      const { mount } = await section.load();
      const fresh = h("div", { class: "panels-content" });
      await mount(fresh, { ...context, place, signal });
      if (!signal.aborted) page.replaceWith(fresh);
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      if (!(error instanceof ApiError)) {
        if (await reloadIfOutdated()) return;
        console.warn(error);
      }
      fill(page, h("div", { class: "panels-failed", role: "alert" }, h("p", {}, errorText(error)),
        h("button", { type: "button", class: "button", onclick: show }, t("core.retry"))));
    } finally {
      clearTimeout(waiting);
    }
  }

  phone.addEventListener("change", show, { signal: context.signal });
  context.signal.addEventListener("abort", () => off.abort());
  await show();
  return {
    update(next) {
      place = next;
      container.scrollTop = 0;
      return show();
    },
  };
}

function link(view, section) {
  return h("a", { href: href(view, [section.id]) }, icon(section.icon), h("span", {}, section.label));
}

function entry(view, section) {
  return h("a", { class: "panels-entry", href: href(view, [section.id]) }, h("span", { class: "panels-entry-icon" }, icon(section.icon)),
    h("span", { class: "panels-entry-text" }, h("strong", {}, section.label), h("span", { class: "soft" }, section.hint)),
    icon("chevron-right", { class: "soft" }));
}
