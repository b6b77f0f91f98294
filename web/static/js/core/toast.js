// Short notes at the bottom, with an undo where something can be undone. They wait while one points at or focuses them.

import { h } from "./dom.js";
import { icon } from "./icon.js";
import { has, language, t } from "./text.js";

const LONGEST = 4;
const SHOWN_MS = 10_000;
const ICONS = { good: "circle-check", error: "circle-alert" };

/**
 * Show a note.
 *
 * @param {string} text
 * @param {{action?: {label: string, run: () => void}, kind?: "plain" | "good" | "error", ms?: number}} [options]
 * @returns {{close: () => void}}
 */
export function toast(text, { action, kind = "plain", ms = SHOWN_MS } = {}) {
  const region = document.querySelector("#toasts");
  const element = h("div", { class: ["toast", kind] },
    ICONS[kind] && icon(ICONS[kind]),
    h("span", { class: "toast-text" }, text),
    action && h("button", { type: "button", class: "toast-action", onclick: run }, action.label),
    h("button", { type: "button", class: "icon-button small", "aria-label": t("core.dismiss"), onclick: close }, icon("x", { size: 16 })));
  let timer = 0;
  let left = ms;
  let since = 0;

  function close() {
    clearTimeout(timer);
    element.remove();
    if (!region.childElementCount) region.hidePopover?.();
  }
  function run() {
    close();
    action.run();
  }
  function go() {
    since = performance.now();
    timer = setTimeout(close, left);
  }
  function wait() {
    clearTimeout(timer);
    left = Math.max(2000, left - (performance.now() - since));
  }

  element.addEventListener("pointerenter", wait);
  element.addEventListener("pointerleave", go);
  element.addEventListener("focusin", wait);
  element.addEventListener("focusout", go);
  while (region.childElementCount >= LONGEST) region.firstElementChild.remove();
  region.append(element);
  raise(region);
  go();
  return { close };
}

/** Lift the notes that stand above a dialog that has just been opened. */
export function liftToasts() {
  const region = document.querySelector("#toasts");
  if (region?.childElementCount) raise(region);
}

/** Take the notes out of a dialog that has just been closed, before it leaves the page. */
export function keepToasts(dialog) {
  const region = dialog.querySelector("#toasts");
  if (region) raise(region);
}

// In the top layer, anew each time, and within an open dialog: what stands beside that is hidden and cannot be used.
function raise(region) {
  if (region.matches(":popover-open")) region.hidePopover();
  ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(region);
  if (region.childElementCount) region.showPopover();
}

/** Show what went wrong, in words where there are some for it, with the code to quote. */
export function toastError(error) {
  return toast(errorText(error), { kind: "error" });
}

// A part of the pages did not come. No browser has a code for that, but all name the module.
const isUnfetched = (error) => error instanceof TypeError && /module/i.test(error.message);

/** A sentence about an ApiError or any other fault. */
export function errorText(error) {
  if (error.code === "offline" || isUnfetched(error)) return t("core.offline");
  const reason = `account.${error.problem?.reason}`;
  if (has(reason)) return t(reason);
  if (language === "en" && error.detail && error.code !== "internal") return error.detail; // the server's own words
  if (error.code && has(`error.${error.code}`)) return t(`error.${error.code}`);
  return t("core.failed", { code: error.requestId || error.name || "?" });
}
