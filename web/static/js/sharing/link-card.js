// One link: its address, what it allows, and what can be done with it.

import { call, patch, url } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { copyField, copyText } from "../core/copy.js";
import { fill, h } from "../core/dom.js";
import { date, dateTime } from "../core/format.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { qrCode } from "../core/qr.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { isHomeOnly } from "./reach.js";
import { openTerms } from "./terms.js";

/** The whole address of a link; "" where the server does not know it any more. */
export const addressOf = (link) => (link.url === null ? "" : url(link.url).href);

/** What is special about a link, each in a word or two. @returns {{icon: string, text: string, kind?: string}[]} */
export function marks(link, now = Date.now()) {
  const ended = link.expires_ms !== null && link.expires_ms <= now;
  const usedUp = link.max_downloads !== null && link.downloads >= link.max_downloads;
  return [
    link.paused && { icon: "pause", text: t("links.paused"), kind: "off" },
    link.path === null && { icon: "trash-2", text: t("links.in_trash"), kind: "off" },
    link.has_password && { icon: "lock", text: t("links.has_password") },
    link.expires_ms !== null && { icon: "clock", text: ended ? t("links.ended", { day: date(link.expires_ms) }) : t("links.until", { day: date(link.expires_ms - 1) }), kind: ended && "off", title: dateTime(link.expires_ms) },
    !link.allow_download && { icon: "eye", text: t("links.looks") },
    link.mode === "view" && link.allow_download && { icon: "download", kind: usedUp && "off",
      text: link.max_downloads === null ? t("links.downloads", { count: link.downloads }) : t("links.downloads_of", { count: link.downloads, most: link.max_downloads }) },
  ].filter(Boolean);
}

/** A message that takes the address along. */
function mail(link, address) {
  const subject = link.title ?? link.path?.split("/").at(-1) ?? "";
  const text = link.mode === "drop" ? t("links.mail_drop", { name: subject }) : t("links.mail_view", { name: subject });
  return `mailto:?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(`${text}\n\n${address}\n`)}`;
}

/** The marks as they are shown. */
export const markChips = (link) => h("span", { class: "link-marks" },
  marks(link).map((mark) => h("span", { class: ["link-mark", mark.kind], title: mark.title }, icon(mark.icon, { size: 14 }), mark.text)));

/**
 * A link as a card.
 *
 * @param {Object} link as the server shows it
 * @param {{onchange: (link: Object) => void, onend: (link: Object) => void, title?: Node}} options with `title`, what it
 *   leads to, it is one of many: a line with a button that copies the address
 * @returns {HTMLLIElement}
 */
export function linkCard(link, { onchange, onend, title = null }) {
  const item = h("li", { class: "link-card" });
  let hasCode = false;

  function draw() {
    const address = addressOf(link);
    const isDrop = link.mode === "drop";
    const name = isDrop ? t("links.drop") : t("links.view");
    const more = h("button", { type: "button", class: "icon-button", "aria-label": t("links.more", { name }), "aria-haspopup": "menu", onclick: () => openMore(more) }, icon("ellipsis"));
    item.classList.toggle("off", marks(link).some((mark) => mark.kind === "off"));
    fill(item,
      h("div", { class: "link-head" },
        icon(isDrop ? "inbox" : "link"),
        h("div", { class: "link-what" }, title ?? h("span", { class: "link-kind" }, name), markChips(link)),
        title && address ? copyButton(address) : h("button", { type: "button", class: "button quiet link-main", onclick: options }, icon("settings", { size: 16 }), t("links.options")),
        more),
      !address && h("p", { class: "hint" }, t("links.address_unknown")),
      address && !title && copyField(address, { label: t("links.copy") }),
      address && (!title || hasCode) && isHomeOnly(address) && h("p", { class: "hint link-home" }, icon("info", { size: 16 }), t("links.home_only")),
      address && hasCode && h("div", { class: "link-code" }, qrCode(address, { label: t("links.qr_of") })));
  }

  function copyButton(address) {
    return h("button", { type: "button", class: "button quiet link-main", "aria-label": t("links.copy"), async onclick() {
      toast((await copyText(address)) ? t("links.copied") : address);
    } }, icon("copy", { size: 16 }), t("core.copy"));
  }

  function openMore(button) {
    const address = addressOf(link);
    openMenu(button, [
      { icon: "settings", label: t("links.options"), run: options },
      address && { icon: "qr-code", label: hasCode ? t("links.qr_hide") : t("links.qr"), run: () => { hasCode = !hasCode; draw(); } },
      address && { icon: "external-link", label: t("links.visit"), run: () => window.open(address, "_blank", "noopener") },
      address && { icon: "mail", label: t("links.mail"), run: () => (location.href = mail(link, address)) },
      address && navigator.share && { icon: "share-2", label: t("links.send"), run: () => navigator.share({ url: address }).catch(() => {}) },
      "-",
      link.paused ? { icon: "play", label: t("links.resume"), run: () => set({ paused: false }) } : { icon: "pause", label: t("links.pause"), run: () => set({ paused: true }) },
      { icon: "link-2-off", label: t("links.end"), danger: true, run: end },
    ].filter(Boolean), { label: t("links.options") });
  }

  async function set(change) {
    try {
      take(await patch(`links/${link.link_id}`, change));
    } catch (error) {
      toastError(error);
    }
  }

  async function options() {
    const changed = await openTerms(link);
    if (changed) take(changed);
  }

  function take(changed) {
    link = changed;
    onchange(link);
    const focus = item.contains(document.activeElement);
    draw();
    if (focus || document.activeElement === document.body) item.querySelector(".link-main").focus();
  }

  async function end() {
    const sure = await confirm({ title: t("links.end_title"), text: t("links.end_text"), action: t("links.end"), danger: true });
    if (!sure) return;
    try {
      await call("DELETE", `links/${link.link_id}`);
      onend(link);
    } catch (error) {
      toastError(error);
    }
  }

  draw();
  return item;
}
