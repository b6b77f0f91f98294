// Dragging entries onto folders and onto the path; with ctrl they are copied. The move dialog does the same without.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { number, shown } from "../core/format.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { may } from "./places.js";
import { fits, transfer } from "./transfer.js";

const TYPE = "application/x-cairn-entries";
let dragged = [];

/** Whether an event drags entries of ours, not files from elsewhere. */
export const isOurs = (event) => event.dataTransfer?.types.includes(TYPE) ?? false;

/**
 * Bind dragging.
 *
 * @param {Object} app the view
 * @param {HTMLElement} way the bar with the path
 * @param {AbortSignal} signal
 */
export function bindDrag({ list, selection, folder, whole }, way, signal) {
  let over = null;

  list.element.addEventListener("dragstart", (event) => {
    const file = list.fileOf(event.target);
    if (!file) return;
    dragged = selection.has(file.file_id) ? [...selection.ids()].map(folder.find).filter(Boolean) : [file];
    event.dataTransfer.setData(TYPE, "");
    event.dataTransfer.effectAllowed = dragged.every((one) => may(one, "write")) ? "copyMove" : "copy";
    const chip = h("div", { class: "drag-chip" }, dragged.length === 1 ? shown(file.name) : t("files.items", { count: dragged.length, number: number(dragged.length) }));
    document.body.append(chip);
    event.dataTransfer.setDragImage(chip, -12, -8);
    setTimeout(() => chip.remove());
  }, { signal });
  list.element.addEventListener("dragend", end, { signal });

  for (const area of [list.element, way]) {
    area.addEventListener("dragover", (event) => {
      const target = isOurs(event) ? targetOf(event) : null;
      mark(target?.element ?? null);
      if (!target) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = modeOf(event);
    }, { signal });
    area.addEventListener("dragleave", (event) => {
      if (!area.contains(event.relatedTarget)) mark(null);
    }, { signal });
    area.addEventListener("drop", (event) => {
      const target = isOurs(event) ? targetOf(event) : null;
      if (!target) return;
      event.preventDefault();
      drop(target, modeOf(event));
    }, { signal });
  }

  function targetOf(event) {
    const file = list.fileOf(event.target);
    if (file?.kind === "folder" && dragged.some((one) => fits(one, file, modeOf(event)))) return { element: list.row(file.file_id), file };
    const link = event.target.closest?.("a[data-path]");
    return link ? { element: link, path: link.dataset.path } : null;
  }

  async function drop({ file, path }, mode) {
    const files = dragged;
    const isSelected = selection.has(files[0].file_id);
    end();
    try {
      const target = file ?? (await get("files", { path }));
      await transfer(mode, isSelected ? await whole(files) : files, target, folder);
      selection.clear();
    } catch (error) {
      toastError(error);
    }
  }

  function mark(element) {
    if (over === element) return;
    over?.classList.remove("target");
    over = element;
    over?.classList.add("target");
  }

  function end() {
    mark(null);
    dragged = [];
  }
}

const modeOf = (event) => (event.ctrlKey || event.altKey ? "copy" : "move");
