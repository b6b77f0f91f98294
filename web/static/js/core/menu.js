// Menus over `popover`: by mouse, keyboard and touch; on a phone a sheet at the bottom.

import { h, phone } from "./dom.js";
import { icon } from "./icon.js";

/**
 * @typedef {{heading: string} | {label: string, icon?: string, hint?: string, run?: () => void, href?: string, danger?: boolean,
 *   disabled?: boolean, checked?: boolean} | "-"} Item `hint` is the shortcut; "-" a line between; with `checked` it is
 *   one of several choices; what is not allowed is better left out than disabled
 */

const GAP = 4;
let open = null;

/**
 * Open a menu. Opening it again at the same anchor closes it.
 *
 * @param {Element | {x: number, y: number}} anchor the button it belongs to, or where the pointer is (viewport)
 * @param {Item[]} items
 * @param {{label?: string, onclose?: () => void}} [options] `label` names it for screen readers
 */
export function openMenu(anchor, items, { label = "", onclose } = {}) {
  const again = open && open.anchor === anchor;
  closeMenu();
  if (again || !items.length) return;
  const element = h("div", { class: "menu", role: "menu", popover: "manual", "aria-label": label || null, onkeydown: onKey },
    items.map((item) => part(item)));
  const back = document.activeElement;
  const off = new AbortController();
  open = { anchor, element, off, onclose, back };
  // What stands beside an open dialog cannot be used.
  ((anchor instanceof Element && anchor.closest("dialog[open]")) || document.body).append(element);
  element.showPopover();
  if (anchor instanceof Element) anchor.setAttribute("aria-expanded", "true");
  place(element, anchor);
  entries()[0]?.focus({ preventScroll: true });
  document.addEventListener("pointerdown", (event) => {
    const inside = element.contains(event.target) || (anchor instanceof Element && anchor.contains(event.target));
    if (!inside) closeMenu();
  }, { capture: true, signal: off.signal });
  addEventListener("resize", () => closeMenu(), { signal: off.signal });
}

/** Close the open menu, if there is one. */
export function closeMenu({ focus = false } = {}) {
  if (!open) return;
  const { anchor, element, off, onclose, back } = open;
  open = null;
  off.abort();
  const had = element.contains(document.activeElement);
  element.remove();
  if (anchor instanceof Element) anchor.setAttribute("aria-expanded", "false");
  if (focus || had) (anchor instanceof Element ? anchor : back)?.focus?.({ preventScroll: true });
  onclose?.();
}

function part(item) {
  if (item === "-") return h("div", { role: "separator" });
  return item.heading ? h("div", { class: "menu-head", role: "presentation" }, item.heading) : entry(item);
}

function entry(item) {
  const role = item.checked === undefined ? "menuitem" : "menuitemradio";
  return h(item.href ? "a" : "button", {
    class: ["menu-item", item.danger && "danger"],
    role,
    tabindex: "-1",
    type: item.href ? null : "button",
    href: item.href,
    "aria-checked": item.checked === undefined ? null : String(item.checked),
    "aria-disabled": item.disabled ? "true" : null,
    onclick: () => {
      if (item.disabled) return;
      closeMenu({ focus: true });
      item.run?.();
    },
  },
  item.checked === undefined ? item.icon && icon(item.icon) : icon("check", { class: item.checked ? "" : "invisible" }),
  h("span", { class: "menu-label" }, item.label),
  item.hint && h("kbd", {}, item.hint));
}

const entries = () => [...(open?.element.querySelectorAll("[role^=menuitem]") ?? [])];

function onKey(event) {
  const all = entries();
  const at = all.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key in steps) all.at(steps[event.key] % all.length)?.focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu({ focus: true });
  else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) {
    const later = [...all.slice(at + 1), ...all];
    later.find((one) => one.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  } else return;
  event.stopPropagation();
  if (event.key !== "Tab") event.preventDefault();
}

function place(element, anchor) {
  if (phone.matches) {
    element.classList.add("sheet");
    return;
  }
  const box = anchor instanceof Element ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y, 0, 0);
  const { width, height } = element.getBoundingClientRect();
  const rtl = document.dir === "rtl";
  let left = rtl ? box.right - width : box.left;
  if (left + width > innerWidth - GAP) left = box.right - width;
  const below = box.bottom + GAP + height <= innerHeight - GAP;
  const top = below ? box.bottom + GAP : Math.max(GAP, box.top - GAP - height);
  element.style.left = `${Math.max(GAP, left)}px`;
  element.style.top = `${top}px`;
}
