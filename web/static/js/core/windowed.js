// A list of rows of one height, of which only those near the visible part are in the page. A short one is there whole.

const OVERSCAN = 10;
const PLAIN = 300;
const FIRST = 1;
const STEP = 20;
const STEP_MS = 40;

/**
 * Show a windowed list. The rows are placed by `transform` within `host`, which gets the height of all of them, and
 * stand in the page in their order. Up to `plain` rows are there all, a moment after the first.
 *
 * @param {{scroller: HTMLElement, host: HTMLElement, rowHeight: number, columns?: number,
 *   plain?: number, render: (index: number) => HTMLElement, recycled?: (row: HTMLElement, index: number) => void}} options `host` lies
 *   inside `scroller` and has `position: relative`; with `columns` a row holds that many items, and `render` is asked
 *   for items; it may answer with a row that it made before, which then only changes its place; `recycled` hears of
 *   rows that leave
 */
export function windowed({ scroller, host, rowHeight, columns = 1, plain = PLAIN, render, recycled }) {
  let shown = new Map();
  const off = new AbortController();
  let count = 0;
  let kept = -1;
  let frame = 0;
  let growing = 0;
  let beyond = FIRST; // lines beyond the visible ones: those that are seen come first, and a short list gets all in the end

  function range() {
    const top = scroller.getBoundingClientRect().top - host.getBoundingClientRect().top;
    const first = Math.floor(top / rowHeight) - beyond;
    const last = Math.ceil((top + scroller.clientHeight) / rowHeight) + beyond;
    return [Math.max(0, first) * columns, Math.min(count, Math.max(0, last) * columns)];
  }

  function wanted() {
    const [from, to] = range();
    const indexes = [];
    for (let index = from; index < to; index += 1) indexes.push(index);
    if (kept >= 0 && kept < from) indexes.unshift(kept);
    if (kept >= to && kept < count) indexes.push(kept);
    return indexes;
  }

  function draw() {
    frame = 0;
    let indexes = wanted();
    if (shown.size && !indexes.some((index) => index !== kept && shown.has(index))) {
      // Somebody rushes by: again what is seen comes first, and the rest once it stays in view.
      beyond = Math.min(beyond, FIRST);
      clearTimeout(growing);
      growing = 0;
      indexes = wanted();
    }
    const here = new Set(indexes);
    for (const [index, row] of shown) if (!here.has(index)) drop(index, row);
    arrange(indexes);
  }

  function redraw() {
    const before = shown;
    shown = new Map();
    host.style.height = `${Math.ceil(count / columns) * rowHeight}px`;
    const indexes = wanted();
    for (const index of indexes) make(index);
    const here = new Set(shown.values());
    for (const [index, row] of before) if (!here.has(row)) leave(index, row);
    arrange(indexes);
  }

  function arrange(indexes) {
    let next = host.firstElementChild;
    for (const index of indexes) {
      const row = shown.get(index) ?? make(index);
      if (row === next) next = row.nextElementSibling;
      else host.insertBefore(row, next);
    }
    if (count > plain) beyond = Math.min(beyond, OVERSCAN);
    if (shown.size < count && (beyond < OVERSCAN || count <= plain)) growing ||= setTimeout(grow, STEP_MS);
  }

  function grow() {
    growing = 0;
    beyond = beyond < OVERSCAN ? OVERSCAN : beyond + STEP;
    draw();
  }

  function make(index) {
    const row = render(index);
    row.style.position = "absolute";
    row.style.insetInlineStart = `${((index % columns) * 100) / columns}%`;
    row.style.inlineSize = `${100 / columns}%`;
    row.style.transform = `translateY(${Math.floor(index / columns) * rowHeight}px)`;
    shown.set(index, row);
    return row;
  }

  function drop(index, row) {
    shown.delete(index);
    leave(index, row);
  }

  function leave(index, row) {
    recycled?.(row, index);
    row.remove();
  }

  const later = () => (frame ||= requestAnimationFrame(draw));
  scroller.addEventListener("scroll", later, { passive: true, signal: off.signal });
  const watcher = new ResizeObserver(later);
  watcher.observe(scroller);

  return {
    /** Say how many items there are; rows that are shown stay. */
    setCount(next) {
      count = next;
      host.style.height = `${Math.ceil(count / columns) * rowHeight}px`;
      for (const [index, row] of shown) if (index >= count) drop(index, row);
      draw();
    },
    /** Draw all rows again, for `next` items: some may have come, gone or changed places. */
    refresh(next = count) {
      count = next;
      redraw();
    },
    /** Change the measures of a row, as from list to grid or to a phone. */
    measure(next) {
      rowHeight = next.rowHeight ?? rowHeight;
      columns = next.columns ?? columns;
      redraw();
    },
    /** Keep the row of an item in the page wherever one scrolls: the one that has the focus; -1 for none. */
    keep(index) {
      kept = index;
      draw();
    },
    /** Bring an item into view; `margin` px of the top are covered by something else. */
    reveal(index, margin = 0) {
      const top = Math.floor(index / columns) * rowHeight + host.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
      if (top < margin) scroller.scrollTop += top - margin;
      else if (top + rowHeight > scroller.clientHeight) scroller.scrollTop += top + rowHeight - scroller.clientHeight;
      draw();
    },
    rowHeight: () => rowHeight,
    /** The row of an item, undefined where it is not in the page. */
    row: (index) => shown.get(index),
    /** The first item in the page, and the one behind the last. */
    range,
    close() {
      off.abort();
      watcher.disconnect();
      cancelAnimationFrame(frame);
      clearTimeout(growing);
    },
  };
}
