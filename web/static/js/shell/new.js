// The New button: parts say what it offers.

import { openMenu } from "../core/menu.js";
import { here, onPlace } from "../core/router.js";
import { t } from "../core/text.js";

const items = [];

/**
 * Offer something under New.
 *
 * @param {{order: number, icon: string, label: string, hint?: string, run: () => void,
 *   when?: (place: Object) => boolean}} item items of one ten stand together (10, 11, 20 …): a line is drawn between
 */
export function addNew(item) {
  items.push(item);
  items.sort((one, other) => one.order - other.order);
  show();
}

/** Start; once, by the shell. */
export function startNewMenu() {
  for (const button of document.querySelectorAll("[data-new]")) button.addEventListener("click", () => open(button));
  onPlace(show);
  show();
}

function offered() {
  return items.filter((item) => item.when?.(here()) ?? true);
}

function show() {
  const none = !offered().length;
  for (const button of document.querySelectorAll("[data-new]")) button.disabled = none;
}

function open(button) {
  const entries = [];
  let ten = null;
  for (const item of offered()) {
    if (ten !== null && ten !== Math.floor(item.order / 10)) entries.push("-");
    ten = Math.floor(item.order / 10);
    entries.push({ icon: item.icon, label: item.label, hint: item.hint, run: item.run });
  }
  openMenu(button, entries, { label: t("nav.new") });
}
