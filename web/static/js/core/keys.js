// Shortcuts: each is listed under "?". Single letters can be turned off in the settings.

import { h } from "./dom.js";
import { openDialog } from "./dialog.js";
import { t } from "./text.js";

const bound = new Set();
const SPELLED = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
let letters = true;

/**
 * Bind a shortcut.
 *
 * @param {string} combo such as "ctrl+a", "shift+F10", "/", "Delete"; ctrl stands for ⌘ on a Mac too. A letter is
 *   written small; case does not count
 * @param {string} label what it does, for the list
 * @param {(event: KeyboardEvent) => void | boolean} run the key is used up unless it returns false
 * @param {{signal?: AbortSignal, within?: Element, typing?: boolean}} [options] `within`: only while the focus is
 *   there; `typing`: also while one types into a field
 */
export function shortcut(combo, label, run, { signal, within, typing = false } = {}) {
  const one = { combo, label, run, within, typing };
  bound.add(one);
  signal?.addEventListener("abort", () => bound.delete(one), { once: true });
}

/** Turn single letters on or off, as the profile says. */
export function useLetters(on) {
  letters = on;
}

/** Start listening; once, by the shell. */
export function listen() {
  addEventListener("keydown", onKey);
  shortcut("?", t("core.shortcuts_help"), showHelp);
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const works = allowed();
  const combo = comboOf(event);
  const isPlain = [...combo].length === 1;
  if (isPlain && !letters) return;
  for (const one of [...bound].reverse()) {
    if (one.combo.toLowerCase() !== combo || (!one.typing && isField(event.target))) continue;
    if (one.within && !one.within.contains(event.target)) continue;
    if (!works(one)) continue;
    if (one.run(event) === false) continue;
    event.preventDefault();
    return;
  }
}

/** Which shortcuts work now: below a dialog nothing happens. */
function allowed() {
  const modal = [...document.querySelectorAll("dialog[open]")].at(-1);
  return ({ within }) => !modal || (within && modal.contains(within));
}

function comboOf(event) {
  const key = event.key.toLowerCase();
  const mods = [(event.ctrlKey || event.metaKey) && "ctrl", event.altKey && "alt"];
  // Shift is part of what a key writes ("?"), and counts by itself only where it writes nothing.
  if (event.shiftKey && (key.length > 1 || /[a-z]/.test(key))) mods.push("shift");
  return [...mods.filter(Boolean), key].join("+");
}

function isField(target) {
  return target instanceof Element && target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

/** Show all shortcuts that work now. */
export function showHelp() {
  const rows = [...bound].filter(allowed()).filter((one) => one.label && (letters || one.combo.length > 1));
  openDialog({
    title: t("core.shortcuts_help"),
    size: "wide",
    body: h("dl", { class: "shortcuts" },
      rows.map((one) => h("div", {}, h("dt", {}, spelled(one.combo).map((part) => h("kbd", {}, part))), h("dd", {}, one.label)))),
    actions: [{ label: t("core.close"), kind: "primary" }],
  });
}

function spelled(combo) {
  if (combo === " ") return [t("core.key_space")];
  if (combo.length === 1) return [combo.toUpperCase()];
  const names = {
    ctrl: t("core.key_ctrl"), alt: "Alt", shift: t("core.key_shift"), Delete: t("core.key_delete"), Home: t("core.key_home"),
    End: t("core.key_end"), PageUp: t("core.key_page_up"), PageDown: t("core.key_page_down"),
  };
  return combo.split("+").map((part) => names[part] ?? SPELLED[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
