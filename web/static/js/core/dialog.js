// Dialogs over <dialog>: the browser keeps the focus inside, Escape closes, and the focus goes back to where it was.

import { h } from "./dom.js";
import { icon } from "./icon.js";
import { t } from "./text.js";
import { keepToasts, liftToasts, toastError } from "./toast.js";

let count = 0;

/**
 * @typedef {{label: string, value?: any, kind?: "primary" | "danger" | "plain", disabled?: boolean,
 *   run?: () => any}} Action `run` may be async; the dialog stays open while it runs, if it throws (which is shown), and
 *   if it returns false; else the dialog closes with what `run` returned
 */

/**
 * Open a modal dialog.
 *
 * @param {{title: string, body: Node | Node[], actions?: Action[], size?: "small" | "wide", sticky?: boolean}} options
 *   the first primary or danger action is what Enter does; `sticky`: neither a click beside it closes it nor going back
 * @returns {{element: HTMLDialogElement, close: (value?: any) => void, result: Promise<any>}} the result is null where
 *   it was dismissed
 */
export function openDialog({ title, body, actions = [], size = "small", sticky = false }) {
  const id = `dialog-${(count += 1)}`;
  const main = actions.find((action) => action.kind === "primary" || action.kind === "danger");
  const buttons = actions.map((action) =>
    h("button", {
      type: action === main ? "submit" : "button",
      class: ["button", action.kind ?? "plain"],
      disabled: action.disabled ?? false,
      onclick: action === main ? null : () => act(action),
    }, action.label),
  );
  const dialog = h("dialog", { class: ["dialog", size], "aria-labelledby": id },
    h("form", { method: "dialog", onsubmit: submit },
      h("header", { class: "dialog-head" },
        h("h2", { id }, title),
        h("button", { type: "button", class: "icon-button", "aria-label": t("core.close"), onclick: () => close(null) }, icon("x")),
      ),
      h("div", { class: "dialog-body" }, body),
      buttons.length ? h("footer", { class: "dialog-foot" }, buttons) : null,
    ),
  );
  const off = new AbortController();
  let finish;
  const result = new Promise((resolve) => (finish = resolve));

  function close(value = null) {
    if (!dialog.open) return;
    off.abort();
    dialog.close();
    keepToasts(dialog);
    dialog.remove();
    finish(value);
  }

  async function act(action) {
    if (!action.run) return close("value" in action ? action.value : true);
    dialog.setAttribute("aria-busy", "true");
    buttons.forEach((button) => (button.disabled = true));
    try {
      const given = await action.run();
      if (given !== false) close(given ?? true);
    } catch (error) {
      toastError(error);
    } finally {
      dialog.removeAttribute("aria-busy");
      buttons.forEach((button, index) => (button.disabled = actions[index].disabled ?? false));
    }
  }

  function submit(event) {
    event.preventDefault();
    if (main && !dialog.hasAttribute("aria-busy")) act(main);
  }

  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(null);
  });
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog && !sticky) close(null);
  });
  // Who goes back is elsewhere than what it asks about; what is said but once stays all the same.
  const place = location.href;
  addEventListener("popstate", () => !sticky && location.href !== place && close(null), { signal: off.signal });
  document.body.append(dialog);
  dialog.showModal();
  liftToasts();
  return { element: dialog, close, result };
}

/** Ask for a yes: for what cannot be undone. @returns {Promise<boolean>} */
export async function confirm({ title, text, action, danger = false }) {
  const { result } = openDialog({
    title,
    body: h("p", {}, text),
    actions: [{ label: t("core.cancel"), value: false }, { label: action, kind: danger ? "danger" : "primary", value: true }],
  });
  return (await result) === true;
}

/**
 * Ask for one line of text.
 *
 * @param {{title: string, label: string, action: string, value?: string, type?: string, hint?: string,
 *   required?: boolean, run?: (value: string) => any}} options `run` may throw: its message is shown, and the dialog stays
 * @returns {Promise<any>} what `run` gave, else the text; null where it was dismissed
 */
export function prompt({ title, label, action, value = "", type = "text", hint = "", required = true, run }) {
  const input = h("input", { class: "input", id: `field-${(count += 1)}`, type, value, required, autofocus: true });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const go = async () => {
    problem.hidden = true;
    try {
      return run ? ((await run(input.value)) ?? input.value) : input.value;
    } catch (error) {
      problem.hidden = false;
      problem.textContent = error.message;
      input.focus();
      return false;
    }
  };
  const { result } = openDialog({
    title,
    body: [h("label", { class: "label", for: input.id }, label), input, hint && h("p", { class: "hint" }, hint), problem],
    actions: [{ label: t("core.cancel"), value: null }, { label: action, kind: "primary", run: go }],
  });
  input.select();
  return result;
}
