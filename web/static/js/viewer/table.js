// A table of text: the first row stays on top, rows that are not seen are not in the page.

import { h } from "../core/dom.js";
import { number, shown } from "../core/format.js";
import { t } from "../core/text.js";
import { windowed } from "../core/windowed.js";
import { readTable } from "./csv.js";

const MOST = 5000;
const WIDEST = 40;
const ROW_REM = 2;
const LETTER_REM = 0.5;

/** Show a table. @param {AbortSignal} signal ends it */
export function showTable(file, text, isWhole, signal) {
  const table = readTable(text, MOST + 1);
  const [head = [], ...rows] = table.rows;
  const widths = measure(table.rows);
  const line = (cells, index, role) => h("div", { class: "viewer-row", role: "row", "aria-rowindex": index + 1 },
    widths.map((width, column) => h("div", { class: "viewer-cell", role, title: cells[column] || null, style: { "inline-size": `${width * LETTER_REM}rem` } }, cells[column] ?? "")));
  const host = h("div", { class: "viewer-rows", role: "rowgroup" });
  const grid = h("div", { class: "viewer-table", role: "table", tabindex: 0, "aria-label": shown(file.name), "aria-rowcount": rows.length + 1, "aria-colcount": widths.length },
    h("div", { class: "viewer-table-head", role: "rowgroup" }, line(head, 0, "columnheader")), host);
  const rowHeight = ROW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize);
  host.style.inlineSize = `${widths.reduce((sum, width) => sum + width * LETTER_REM + 1.5, 0)}rem`;
  requestAnimationFrame(() => {
    if (signal.aborted) return;
    const list = windowed({ scroller: grid, host, rowHeight, render: (index) => line(rows[index], index + 1, "cell") });
    list.setCount(rows.length);
    signal.addEventListener("abort", () => list.close(), { once: true });
  });
  if (table.isWhole && isWhole) return grid;
  return h("div", { class: "viewer-table-part" }, h("p", { class: "viewer-note" }, t("viewer.first_rows", { rows: number(rows.length) })), grid);
}

function measure(rows) {
  const widths = [];
  for (const row of rows.slice(0, 200)) {
    row.forEach((cell, column) => (widths[column] = Math.min(WIDEST, Math.max(widths[column] ?? 4, cell.length + 1))));
  }
  return widths;
}
