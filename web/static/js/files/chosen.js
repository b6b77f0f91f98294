// The bar that stands there while something is selected: how much it is, and what can be done with it.

import { fill, h, phone } from "../core/dom.js";
import { number, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";

const MOST_BUTTONS = 3; // on a phone

/**
 * Make the bar.
 *
 * @param {{clear: () => void, all: () => void, more: (button: HTMLElement) => void, signal: AbortSignal}} does
 */
export function chosenBar({ clear, all, more, signal }) {
  const element = h("div", { class: "files-chosen", role: "toolbar", "aria-label": t("files.chosen"), hidden: true });
  signal.addEventListener("abort", () => document.body.classList.remove("files-choosing"), { once: true });

  return {
    element,
    /** Show it; nothing for a count of 0. `bytes` is null while not all of it is known. */
    show({ count, total, bytes, actions }) {
      const had = element.contains(document.activeElement);
      element.hidden = count === 0;
      document.body.classList.toggle("files-choosing", count > 0);
      if (!count) return;
      const offered = actions.filter((action) => action.short);
      const most = phone.matches ? MOST_BUTTONS : offered.length;
      const moreButton = h("button", { type: "button", class: "icon-button", "aria-haspopup": "menu", "aria-label": t("files.more"), onclick: () => more(moreButton) }, icon("ellipsis"));
      fill(element,
        h("button", { type: "button", class: "icon-button", "aria-label": t("files.clear"), onclick: clear }, icon("x")),
        h("p", { class: "files-count", "aria-live": "polite" }, h("strong", {}, t("files.selected", { count, number: number(count) })),
          bytes === null ? null : h("span", { class: "soft" }, size(bytes))),
        count < total ? h("button", { type: "button", class: "button quiet files-all", onclick: all }, t("files.select_all", { number: number(total) })) : null,
        h("div", { class: "files-tools-end" }, offered.slice(-most).map(button), moreButton));
      if (had && !element.contains(document.activeElement)) element.querySelector("button").focus();
    },
  };
}

function button(action) {
  return h("button", { type: "button", class: ["button", "quiet", action.danger && "danger-text"], title: action.label, onclick: action.run },
    icon(action.icon), h("span", { class: "files-chosen-label" }, action.short));
}
