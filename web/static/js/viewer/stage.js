// The stage: what is no picture is shown here, by a module of its kind that is loaded when it is wanted.

import { fill, h } from "../core/dom.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";
import { kindOf } from "./kinds.js";

const QUIET_MS = 150;

// Each exports `show(file, context)`, which gives what it shows, or a promise of it (see `Shown`).
const KINDS = {
  video: () => import("./media.js"),
  audio: () => import("./media.js"),
  pdf: () => import("./frame.js"),
  markdown: () => import("./document.js"),
  table: () => import("./document.js"),
  text: () => import("./document.js"),
  archive: () => import("./archive.js"),
  other: () => import("./other.js"),
};

/**
 * @typedef {{element: Element, tools?: Node[], media?: Object, takes?: (event: KeyboardEvent) => boolean,
 *   holds?: () => boolean, mayLeave?: () => Promise<boolean>, close?: () => void}} Shown `takes`: a key is its own;
 *   `holds`: something is unsaved; `mayLeave`: asks about it
 */

export class Stage {
  #context;
  #tools;
  #shown = null;
  #off = new AbortController();
  #plays = false;

  /** @param {Object} context what the modules get beside the file: `source`, `siblings()`, `onEnd`, `onSaved`, `onShow` */
  constructor({ tools, ...context }) {
    this.#context = context;
    this.#tools = tools;
    this.element = h("div", { class: "viewer-stage", hidden: true });
  }

  /** The player, where something plays. */
  get media() {
    return this.#shown?.media ?? null;
  }

  takes(event) {
    return this.#shown?.takes?.(event) ?? false;
  }

  async mayLeave() {
    return (await this.#shown?.mayLeave?.()) ?? true;
  }

  /** Whether something stands there that is nowhere else yet. */
  get holds() {
    return this.#shown?.holds?.() ?? false;
  }

  /** Let the next thing play without being asked. */
  playAtOnce() {
    this.#plays = true;
  }

  clear() {
    this.#off.abort();
    this.#shown?.close?.();
    this.#shown = null;
    this.#tools.replaceChildren();
    this.element.replaceChildren();
    this.element.hidden = true;
  }

  async show(file) {
    this.clear();
    const load = KINDS[kindOf(file)];
    if (!load) return;
    const off = new AbortController();
    this.#off = off;
    this.element.hidden = false;
    const waiting = setTimeout(() => fill(this.element, h("div", { class: "viewer-wait", role: "status", "aria-label": t("core.loading") })), QUIET_MS);
    const plays = this.#plays;
    this.#plays = false;
    try {
      const { show } = await load();
      const shown = off.signal.aborted ? null : await show(file, { ...this.#context, signal: off.signal, plays, again: (next) => this.show(next) });
      if (off.signal.aborted) return void shown?.close?.();
      this.#shown = shown;
      this.#tools.replaceChildren(...(shown.tools ?? []));
      fill(this.element, shown.element);
    } catch (error) {
      if (off.signal.aborted) return;
      fill(this.element, h("div", { class: "viewer-failed", role: "alert" }, h("p", {}, errorText(error)),
        h("button", { type: "button", class: "button", onclick: () => this.show(file) }, t("core.retry"))));
    } finally {
      clearTimeout(waiting);
    }
  }
}
