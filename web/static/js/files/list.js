// The entries of a folder on the screen, as a list or a grid: windowed, with one of them in the tab order.

import { h, phone } from "../core/dom.js";
import { windowed } from "../core/windowed.js";
import { isCut, onHeld } from "./clipboard.js";
import { fillRow, markSelected, waitingRow } from "./rows.js";

const LINE_REM = 2.75;
const PHONE_LINE_REM = 3.5;
const TILE_REM = 10;
const PHONE_TILE_REM = 7;
const CAPTION_REM = 2.5;

/**
 * Make a list.
 *
 * @param {{label: string, selection: Object, heads?: HTMLElement, whereOf?: (file: Object) => Node,
 *   found?: () => string, wanted?: () => void, signal: AbortSignal}} options `heads` is the row of column heads;
 *   `whereOf` tells the place of entries of several folders; `found` is what was looked for in their names; `wanted`
 *   hears that entries are in view that are not loaded
 */
export function fileList({ selection, heads = null, whereOf = () => null, found = () => "", wanted = () => {}, signal }) {
  const host = h("div", { class: "files-rows", role: "rowgroup" });
  const grid = h("div", { class: "files-grid", role: "grid", "aria-multiselectable": "true", hidden: true },
    heads && h("div", { role: "rowgroup", class: "files-heads" }, heads), host);
  const scroller = h("div", { class: "files-scroller" }, grid);
  const made = new Map();
  let layout = "list";
  let items = [];
  let places = new Map();
  let total = 0;
  let parent = null;
  let current = null;
  let columns = 1;
  const view = windowed({ scroller, host, rowHeight: lineHeight(), render, recycled });

  function render(index) {
    const file = items[index];
    if (!file) {
      wanted();
      return waitingRow(layout, rowIndex(index));
    }
    const was = made.get(file.file_id);
    if (was?.file === file && was.layout === layout) {
      was.row.setAttribute("aria-rowindex", rowIndex(index));
      return was.row;
    }
    const row = was?.row ?? h("div", { role: "row", tabindex: "-1" });
    if (!row.classList.contains("renaming")) {
      fillRow(row, file, { layout, index: rowIndex(index), isSelected: selection.has(file.file_id), where: whereOf(file), found: found(), parent });
    }
    row.classList.toggle("cut", isCut(file.file_id));
    row.tabIndex = file.file_id === tabStop() ? 0 : -1;
    made.set(file.file_id, { row, file, layout });
    return row;
  }

  function recycled(row) {
    const id = row.dataset.id;
    if (made.get(id)?.row === row) made.delete(id);
  }

  const rowIndex = (index) => index + (layout === "list" && heads ? 2 : 1);
  const tabStop = () => (places.has(current) ? current : items[0]?.file_id);

  function markTabStop() {
    const stop = tabStop();
    for (const [id, { row }] of made) row.tabIndex = id === stop ? 0 : -1;
  }

  function measure() {
    const rem = remPx();
    grid.classList.toggle("tiles", layout === "grid");
    if (layout === "list") {
      columns = 1;
      view.measure({ rowHeight: lineHeight(), columns });
      return;
    }
    const width = host.clientWidth || scroller.clientWidth;
    columns = Math.max(2, Math.floor(width / ((phone.matches ? PHONE_TILE_REM : TILE_REM) * rem)));
    view.measure({ rowHeight: Math.floor(width / columns + CAPTION_REM * rem), columns });
  }

  function become(id) {
    current = id;
    view.keep(places.get(id) ?? -1);
    markTabStop();
  }

  const list = {
    element: scroller,
    grid,
    host,
    items: () => items,
    at: (index) => items[index],
    indexOf: (id) => places.get(id) ?? -1,
    layout: () => layout,
    columns: () => columns,
    pageSize: () => Math.max(1, Math.floor(scroller.clientHeight / view.rowHeight()) - 1) * columns,
    /** Show these entries, of which there are `count` in all, in a folder. */
    show(next, count, folder) {
      const had = host.contains(document.activeElement) && document.activeElement.getAttribute("role") === "row";
      const before = places.get(current) ?? 0;
      items = next;
      total = count;
      parent = folder;
      places = new Map(items.map((file, index) => [file.file_id, index]));
      const wasHidden = grid.hidden;
      grid.hidden = total === 0;
      if (wasHidden && total) measure(); // what is hidden has no width
      grid.setAttribute("aria-rowcount", total + (layout === "list" && heads ? 1 : 0));
      if (!places.has(current)) current = (had && items[Math.min(before, items.length - 1)]?.file_id) || null;
      view.keep(places.get(current) ?? -1);
      view.refresh(total);
      markTabStop();
      if (had && !host.contains(document.activeElement) && current) list.focus(places.get(current));
    },
    setLabel: (label) => grid.setAttribute("aria-label", label),
    setLayout(next) {
      layout = next;
      grid.setAttribute("aria-rowcount", total + (layout === "list" && heads ? 1 : 0));
      measure();
      if (current) view.reveal(places.get(current) ?? 0, headHeight());
    },
    /** Forget which entry had the focus, and go to the top: another folder is shown. */
    reset() {
      current = null;
      scroller.scrollTop = 0;
    },
    /** Give an entry the focus. */
    focus(index) {
      const file = items[index];
      if (!file) return;
      become(file.file_id);
      view.reveal(index, headHeight());
      view.row(index)?.focus({ preventScroll: true });
    },
    /** Bring an entry into view, and let the tab key come to it. */
    reveal(id) {
      if (!places.has(id)) return;
      become(id);
      view.reveal(places.get(id), headHeight());
    },
    /** The entry that has the focus, or had it last. */
    current: () => items[places.get(current) ?? -1] ?? null,
    /** The entry whose row holds an element. */
    fileOf: (element) => items[places.get(element?.closest?.("[data-id]")?.dataset.id) ?? -1] ?? null,
    row: (id) => made.get(id)?.row,
    refill(id) {
      const was = made.get(id);
      if (!was) return;
      made.set(id, { ...was, file: null });
      view.refresh();
    },
    /** The entries within a box in viewport coordinates. */
    within(box) {
      const origin = host.getBoundingClientRect();
      const width = origin.width / columns;
      const height = view.rowHeight();
      const span = (from, to, unit, last) => [Math.max(0, Math.floor(from / unit)), Math.min(last, Math.floor(to / unit))];
      const [top, bottom] = span(box.top - origin.top, box.bottom - origin.top, height, Math.ceil(items.length / columns) - 1);
      const rtl = document.dir === "rtl";
      const [left, right] = rtl ? span(origin.right - box.right, origin.right - box.left, width, columns - 1)
        : span(box.left - origin.left, box.right - origin.left, width, columns - 1);
      const found = [];
      for (let line = top; line <= bottom; line += 1) {
        for (let column = left; column <= right; column += 1) if (items[line * columns + column]) found.push(items[line * columns + column]);
      }
      return found;
    },
  };

  const headHeight = () => (layout === "list" && heads ? heads.offsetHeight : 0);

  host.addEventListener("focusin", (event) => {
    const file = list.fileOf(event.target);
    if (file && file.file_id !== current) become(file.file_id);
  });
  onHeld(() => {
    for (const [id, { row }] of made) row.classList.toggle("cut", isCut(id));
  }, { signal });
  selection.subscribe(() => {
    for (const [id, { row }] of made) markSelected(row, selection.has(id));
  }, { signal });
  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (scroller.clientWidth === width) return;
    width = scroller.clientWidth;
    measure();
  });
  watcher.observe(scroller);
  signal.addEventListener("abort", () => {
    watcher.disconnect();
    view.close();
  }, { once: true });
  return list;
}

const remPx = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const lineHeight = () => (phone.matches ? PHONE_LINE_REM : LINE_REM) * remPx();
