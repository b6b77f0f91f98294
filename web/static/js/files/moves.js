// Going through a list by keyboard: arrows and pages, ranges, and the first letters of a name.

import { shortcut } from "../core/keys.js";
import { t } from "../core/text.js";
import { fold } from "./order.js";

const TYPING_MS = 900;

/**
 * Bind the keys that move the focus.
 *
 * @param {{list: Object, selection: Object, folder: Object, open: (file: Object) => void, signal: AbortSignal}} options
 *   `folder` is the model
 */
export function bindMoves({ list, selection, folder, open, signal }) {
  const at = () => list.indexOf(list.current()?.file_id);
  const steps = {
    ArrowDown: () => at() + list.columns(),
    ArrowUp: () => at() - list.columns(),
    ArrowRight: () => (list.columns() > 1 ? at() + forward() : null),
    ArrowLeft: () => (list.columns() > 1 ? at() - forward() : null),
    PageDown: () => Math.min(at() + list.pageSize(), list.items().length - 1),
    PageUp: () => Math.max(at() - list.pageSize(), 0),
    Home: () => 0,
    End: () => list.items().length - 1,
  };
  const labels = { ArrowDown: t("files.key_move"), PageDown: t("files.key_page"), Home: t("files.key_first"), End: t("files.key_last") };
  for (const [key, step] of Object.entries(steps)) {
    bind(key, labels[key] ?? "", (event) => move(event, step, () => selection.clear()));
    bind(`shift+${key}`, key === "ArrowDown" ? t("files.key_extend") : "", (event) => move(event, step, extendTo));
    bind(`ctrl+${key}`, key === "ArrowDown" ? t("files.key_keep") : "", (event) => move(event, step, () => {}));
  }
  bind(" ", t("files.key_toggle"), (event) => {
    if (!onRow(event) || !list.current()) return false;
    if (isTyping()) return jump(event.key);
    selection.toggle(list.current().file_id);
  });
  bind("Enter", t("files.open"), (event) => {
    if (!onRow(event) || !list.current()) return false;
    open(list.current());
  });
  // After the shortcuts, so that those letters which are one stay one unless a name is being typed already.
  addEventListener("keydown", (event) => {
    if (!event.defaultPrevented && onRow(event) && isLetter(event)) jump(event.key);
  }, { signal });
  list.grid.addEventListener("keydown", (event) => {
    if (!onRow(event) || !isTyping() || !isLetter(event) || event.key === " ") return;
    event.preventDefault();
    jump(event.key);
  }, { signal });

  function bind(combo, label, run) {
    shortcut(combo, label, run, { signal });
  }

  function move(event, step, select) {
    const isIdle = event.target === document.body || event.target.id === "view";
    if (!list.items().length || !(onRow(event) || isIdle)) return false;
    if (step === steps.End && !folder.isWhole()) {
      folder.loadAll().then(() => go(step, select), () => {});
      return;
    }
    return go(step, select);
  }

  function go(step, select) {
    let index = at() < 0 && step !== steps.End ? 0 : step();
    if (index === null) return false;
    if (index < 0 || index >= list.items().length) index = at();
    select(index);
    list.focus(index);
  }

  function extendTo(index) {
    const from = list.indexOf(selection.anchor());
    const start = from < 0 ? at() : from;
    if (from < 0) selection.setAnchor(list.at(start).file_id);
    selection.set(between(list, start, index));
  }

  let typed = "";
  let typedAt = 0;
  const isTyping = () => typed !== "" && performance.now() - typedAt < TYPING_MS;
  function jump(letter) {
    typed = (isTyping() ? typed : "") + fold(letter);
    typedAt = performance.now();
    const isSame = [...typed].every((one) => one === typed[0]);
    const text = isSame ? typed[0] : typed; // the same letter again goes to the next such name
    const names = list.items();
    const start = Math.max(0, at()) + (isSame ? 1 : 0);
    for (let step = 0; step < names.length; step += 1) {
      const index = (start + step) % names.length;
      if (fold(names[index].name).startsWith(text)) {
        list.focus(index);
        return;
      }
    }
  }
}

/** The ids of the entries from one to another, both included. */
export function between(list, from, to) {
  const [first, last] = from < to ? [from, to] : [to, from];
  return list.items().slice(first, last + 1).map((file) => file.file_id);
}

const forward = () => (document.dir === "rtl" ? -1 : 1);
const onRow = (event) => event.target instanceof Element && event.target.matches("[role=row]");
const isLetter = (event) => [...event.key].length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
