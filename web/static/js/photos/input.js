// Mouse, fingers and keys in the gallery.

import { shortcut } from "../core/keys.js";
import { t } from "../core/text.js";
import { stepFrom } from "./layout.js";

const LONG_MS = 450;
const STILL_PX = 10;
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

/** Let a gallery be used. */
export function bindPhotos({ grid, timeline, selection, open, trash }, signal) {
  const { host } = grid;
  const indexOf = (target) => {
    const photo = target.closest(".photo[data-index]");
    return photo ? Number(photo.dataset.index) : -1;
  };
  let anchor = -1;
  let held = null;

  async function range(to) {
    const [from, end] = [Math.min(anchor, to), Math.max(anchor, to)];
    for (let number = 0; number < timeline.months.length; number += 1) {
      const start = grid.plan.starts[number];
      if (start <= end && start + timeline.months[number].count > from && !timeline.isWhole(number)) await timeline.load(number);
    }
    const ids = new Set(selection.ids());
    for (let index = from; index <= end; index += 1) if (grid.at(index)) ids.add(grid.at(index).file_id);
    selection.set(ids);
  }

  function toggle(index, isRange) {
    if (isRange && anchor >= 0) return range(index);
    anchor = index;
    selection.toggle(grid.at(index).file_id);
    return null;
  }

  host.addEventListener("click", (event) => {
    const index = indexOf(event.target);
    if (index < 0 || held?.isDone) return void (held = null);
    grid.become(index);
    const wantsSelection = event.target.closest(".photo-check") || event.ctrlKey || event.metaKey || event.shiftKey || selection.size();
    if (wantsSelection) toggle(index, event.shiftKey);
    else open(index);
  }, { signal });
  // A long touch begins a selection.
  host.addEventListener("pointerdown", (event) => {
    held = null;
    const index = indexOf(event.target);
    if (event.pointerType === "mouse" || index < 0) return;
    const mine = { x: event.clientX, y: event.clientY, isDone: false };
    held = mine;
    setTimeout(() => {
      if (held !== mine || !grid.at(index)) return;
      mine.isDone = true;
      toggle(index, false);
      navigator.vibrate?.(10);
    }, LONG_MS);
  }, { signal });
  host.addEventListener("pointermove", (event) => {
    if (held && !held.isDone && Math.hypot(event.clientX - held.x, event.clientY - held.y) > STILL_PX) held = null;
  }, { signal });
  for (const name of ["pointerup", "pointercancel"]) {
    host.addEventListener(name, () => {
      if (held && !held.isDone) held = null;
    }, { signal });
  }
  host.addEventListener("contextmenu", (event) => event.pointerType === "touch" && event.preventDefault(), { signal });
  host.addEventListener("keydown", (event) => {
    const index = indexOf(event.target);
    if (index < 0 || event.altKey || event.ctrlKey || event.metaKey || !KEYS.includes(event.key)) return;
    event.preventDefault();
    const to = stepFrom(grid.plan, timeline.months, index, event.key);
    if (event.shiftKey) {
      if (anchor < 0) anchor = index;
      range(to);
    }
    grid.focus(to);
  }, { signal });

  const within = { signal, within: host };
  shortcut(" ", t("photos.key_select"), (event) => {
    const index = indexOf(event.target);
    if (index < 0) return false;
    return void toggle(index, event.shiftKey);
  }, within);
  shortcut("Escape", t("photos.clear"), () => (selection.size() ? selection.clear() : false), { signal });
  shortcut("Delete", t("photos.trash"), () => (selection.size() ? trash() : false), { signal });
  shortcut("ctrl+a", t("photos.key_all"), () => {
    anchor = 0;
    range(grid.plan.total - 1);
  }, { signal });
}
