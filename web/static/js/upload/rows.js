// The rows of the panel: one for each file, and one above those that were dropped together.

import { coarse, h } from "../core/dom.js";
import { number, percent, shown, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";

const ICONS = { done: "circle-check", problem: "circle-alert", skipped: "ban", cancelled: "ban", asking: "circle-help" };

/** Make the head of a group. */
export function groupRow(label, count) {
  return h("div", { class: "upload-group", role: "listitem" }, icon("folder", { size: 16 }),
    h("span", { class: "upload-name" }, shown(label)), h("span", { class: "soft" }, number(count)));
}

/**
 * Make the row of a file. `update(row, isHeld)` shows another state, or another file.
 * @param {(name: string, row: object) => void} act  Called with the order that a button of the row gives.
 * @returns {{element: HTMLElement, update: (row: object, isHeld: boolean) => void}}
 */
export function fileRow(act) {
  const mark = h("span", { class: "upload-mark" });
  const name = h("span", { class: "upload-name" });
  const state = h("span", { class: "upload-state" });
  const bar = h("span", { class: "upload-bar" }, h("span"));
  const buttons = h("span", { class: "upload-buttons" });
  const element = h("div", { class: "upload-row", role: "listitem" }, mark, h("span", { class: "upload-text" }, name, state), buttons, bar);
  let row = null;
  let shape = "";

  function update(next, isHeld) {
    if (row?.path !== next.path) {
      name.textContent = nameOf(next.path);
      name.title = shown(next.path);
    }
    row = next;
    state.textContent = stateText(row);
    bar.hidden = row.state !== "active";
    bar.firstElementChild.style.transform = `scaleX(${row.share})`;
    const orders = ordersOf(row, isHeld);
    const shapeNow = JSON.stringify([row.state, orders]);
    if (shapeNow === shape) return; // the focus stays on the button that has it
    shape = shapeNow;
    element.classList.toggle("problem-row", row.state === "problem");
    mark.replaceChildren(icon(ICONS[row.state] ?? "file", { size: 18 }));
    mark.dataset.state = row.state;
    buttons.replaceChildren(...orders.map(([order, image, label]) =>
      h("button", { type: "button", class: "icon-button small", "aria-label": label, title: label, onclick: () => act(order, row) },
        icon(image, { size: coarse.matches ? 20 : 16 }))));
  }
  return { element, update };
}

/** The orders that a row offers: [order, icon, label]. */
function ordersOf(row, isHeld) {
  const name = nameOf(row.path);
  const cancel = ["cancel", "x", t("upload.cancel_one", { name })];
  const pause = row.isPaused
    ? ["go_on", "play", t("upload.go_on_one", { name })]
    : ["pause", "pause", t("upload.pause_one", { name })];
  const isOnItsWay = row.state === "active" || row.state === "ready";
  if (isOnItsWay && !isHeld) return [pause, cancel];
  if (isOnItsWay || row.state === "waiting" || row.state === "asking") return [cancel];
  if (row.state === "cancelled") return [["undo", "undo-2", t("upload.undo_one", { name })]];
  if (row.note?.key === "litter") return [["accept", "upload", t("upload.anyway_one", { name })]];
  if (row.note?.proposal !== undefined) return [["accept", "check", t("upload.accept_one", { name: nameOf(row.note.proposal) })]];
  if (row.state !== "problem") return [];
  const isGone = row.note?.key === "unreadable" || row.note?.key === "changed";
  return [isGone ? ["choose", "folder-input", t("upload.choose_one", { name })] : ["retry", "rotate-ccw", t("upload.retry_one", { name })]];
}

function stateText(row) {
  if (row.isPaused && (row.state === "active" || row.state === "ready")) return `${t("upload.paused")} · ${size(row.size)}`;
  if (row.state === "active") {
    return row.phase === "sending" ? `${percent(row.share)} · ${size(row.size)}` : `${phaseText(row.phase)} · ${size(row.size)}`;
  }
  if (row.note) return noteText(row.note);
  if (row.state === "asking") return t("upload.is_taken");
  if (row.state === "cancelled") return t("upload.cancelled");
  if (row.state === "done" && row.saved === row.size && row.size > 0) return `${size(row.size)} · ${t("upload.known")}`;
  return size(row.size);
}

function phaseText(phase) {
  switch (phase) {
    case "reading":
      return t("upload.phase_reading");
    case "checking":
      return t("upload.phase_checking");
    case "finishing":
      return t("upload.phase_finishing");
    default:
      return t("upload.phase_waiting");
  }
}

function noteText({ key, detail, proposal }) {
  switch (key) {
    case "same":
      return t("upload.note_same");
    case "kept":
      return t("upload.note_kept");
    case "litter":
      return t("upload.note_litter");
    case "name":
      return t("upload.note_name", { name: nameOf(proposal) });
    case "in_the_way":
      return t("upload.note_in_the_way");
    case "path_long":
      return t("upload.note_path_long");
    case "unreadable":
      return t("upload.note_unreadable");
    case "changed":
      return t("upload.note_changed");
    case "forbidden":
      return t("upload.note_forbidden");
    case "not_found":
      return t("upload.note_not_found");
    case "locked":
      return t("upload.note_locked");
    default:
      return t("upload.note_refused", { detail });
  }
}

/** The last name of a path, with what would turn its direction made visible. */
function nameOf(path) {
  return shown(path.slice(path.lastIndexOf("/") + 1));
}
