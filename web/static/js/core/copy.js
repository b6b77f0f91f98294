// Texts that people take along: a link, an address, a command, a secret that is shown once.

import { h } from "./dom.js";
import { icon } from "./icon.js";
import { t } from "./text.js";

const SAID_MS = 2000;

/**
 * Put a text on the clipboard; to be called from a click or a key.
 *
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there now
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text); // plain http has no clipboard to write to
  }
}

/**
 * A text with a button beside it that copies it. Where nothing can be copied, it is selected.
 *
 * @param {string} text
 * @param {{label?: string}} [options] `label` says what is copied: "Copy the link"
 * @returns {HTMLElement}
 */
export function copyField(text, { label = t("core.copy") } = {}) {
  const code = h("code", { class: "copy-text" }, text);
  const said = h("span", { "aria-live": "polite" }, t("core.copy"));
  const button = h("button", { type: "button", class: "button copy-button", "aria-label": label, onclick: copy },
    icon("copy", { size: 16 }), said);
  let timer = 0;

  async function copy() {
    const done = await copyText(text);
    if (!done) getSelection().selectAllChildren(code);
    show(done ? "check" : "clipboard", done ? t("core.copied") : t("core.copy_selected"));
    clearTimeout(timer);
    timer = setTimeout(() => show("copy", t("core.copy")), SAID_MS);
  }
  function show(name, text_) {
    button.firstElementChild.replaceWith(icon(name, { size: 16 }));
    said.textContent = text_;
    button.setAttribute("aria-label", name === "copy" ? label : text_);
  }

  return h("div", { class: "copy-field" }, code, button);
}

function copySelected(text) {
  const area = h("textarea", { class: "visually-hidden", readonly: true, "aria-hidden": "true", tabindex: "-1", value: text });
  const back = document.activeElement;
  // What stands beside an open dialog cannot be selected.
  ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
    back?.focus?.({ preventScroll: true });
  }
}
