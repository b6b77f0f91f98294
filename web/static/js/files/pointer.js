// Mouse and fingers on a list: opening, selecting, the box on empty space, the long press.

import { h } from "../core/dom.js";
import { between } from "./moves.js";

const LONG_MS = 480;
const SLACK_PX = 8;
const EDGE_PX = 48;

/**
 * Bind what one does with a pointer.
 *
 * @param {{list: Object, selection: Object, open: (file: Object) => void,
 *   menu: (file: Object | null, anchor: Element | {x: number, y: number}) => void, signal: AbortSignal}} options
 */
export function bindPointer({ list, selection, open, menu, signal }) {
  const { element: scroller } = list;
  let finger = null;
  let swallow = false;

  scroller.addEventListener("click", (event) => {
    if (swallow) {
      swallow = false;
      event.preventDefault();
      return;
    }
    const file = list.fileOf(event.target);
    if (!file || event.target.closest(".renaming")) return;
    const more = event.target.closest(".file-more button");
    if (more) menu(file, more);
    else if (event.shiftKey) select(event, () => range(file));
    else if (event.target.closest(".file-check")) select(null, () => selection.toggle(file.file_id));
    else if (event.ctrlKey || event.metaKey || (finger && selection.size())) select(event, () => selection.toggle(file.file_id));
    else {
      event.preventDefault();
      open(file);
    }
    finger = null;
  }, { signal });

  scroller.addEventListener("contextmenu", (event) => {
    const file = list.fileOf(event.target);
    if (event.target.closest("input:not([type=checkbox])")) return; // the browser's own, for fields
    event.preventDefault();
    if (event.pointerType === "touch" || finger) return;
    if (event.button !== 2 && file) menu(file, list.row(file.file_id)); // by the keyboard
    else menu(file, { x: event.clientX, y: event.clientY });
  }, { signal });

  scroller.addEventListener("pointerdown", (event) => {
    finger = null;
    swallow = false;
    const file = list.fileOf(event.target);
    if (event.pointerType === "touch") {
      if (file && !event.target.closest("button, .renaming")) press(event, file);
      return;
    }
    const row = event.target.closest(".file");
    if (row) row.draggable = !row.classList.contains("renaming");
    const onBar = event.clientX > scroller.getBoundingClientRect().left + scroller.clientWidth;
    if (event.button === 0 && !row && !onBar && !event.target.closest("button, a, input, .files-heads")) drawBox(event);
  }, { signal });

  function select(event, change) {
    event?.preventDefault();
    change();
  }

  function range(file) {
    const anchor = list.indexOf(selection.anchor());
    if (anchor < 0) selection.toggle(file.file_id);
    else selection.set(between(list, anchor, list.indexOf(file.file_id)));
  }

  function press(event, file) {
    finger = { x: event.clientX, y: event.clientY };
    list.row(file.file_id).draggable = false; // else the browser begins to drag it
    const over = new AbortController();
    const timer = setTimeout(() => {
      over.abort();
      swallow = true;
      navigator.vibrate?.(10);
      selection.toggle(file.file_id);
    }, LONG_MS);
    over.signal.addEventListener("abort", () => clearTimeout(timer));
    const options = { signal: over.signal };
    addEventListener("pointermove", (now) => {
      if (Math.hypot(now.clientX - finger.x, now.clientY - finger.y) > SLACK_PX) over.abort();
    }, options);
    addEventListener("pointerup", () => over.abort(), options);
    addEventListener("pointercancel", () => over.abort(), options);
  }

  function drawBox(down) {
    const keep = down.ctrlKey || down.metaKey || down.shiftKey ? [...selection.ids()] : [];
    const from = { x: down.clientX, y: down.clientY + scroller.scrollTop };
    const box = h("div", { class: "files-box" });
    const over = new AbortController();
    let last = down;
    let timer = 0;
    const draw = () => {
      const start = { x: from.x, y: from.y - scroller.scrollTop };
      const area = { left: Math.min(start.x, last.clientX), right: Math.max(start.x, last.clientX), top: Math.min(start.y, last.clientY), bottom: Math.max(start.y, last.clientY) };
      if (!box.isConnected) {
        if (area.right - area.left < SLACK_PX && area.bottom - area.top < SLACK_PX) return;
        document.body.append(box);
      }
      const view = scroller.getBoundingClientRect();
      const seen = { left: Math.max(area.left, view.left), top: Math.max(area.top, view.top), right: Math.min(area.right, view.right), bottom: Math.min(area.bottom, view.bottom) };
      Object.assign(box.style, { left: `${seen.left}px`, top: `${seen.top}px`, width: `${seen.right - seen.left}px`, height: `${seen.bottom - seen.top}px` });
      selection.set([...keep, ...list.within(area).map((file) => file.file_id)]);
    };
    const roll = () => {
      const view = scroller.getBoundingClientRect();
      const speed = last.clientY > view.bottom - EDGE_PX ? 12 : last.clientY < view.top + EDGE_PX ? -12 : 0;
      if (speed && box.isConnected) {
        scroller.scrollTop += speed;
        draw();
      }
      timer = requestAnimationFrame(roll);
    };
    const end = () => {
      over.abort();
      cancelAnimationFrame(timer);
      if (!box.isConnected && !keep.length) selection.clear(); // a mere click beside everything
      box.remove();
    };
    down.preventDefault();
    roll();
    const options = { signal: over.signal };
    addEventListener("pointermove", (now) => {
      last = now;
      draw();
    }, options);
    addEventListener("pointerup", end, options);
    addEventListener("pointercancel", end, options);
  }
}
