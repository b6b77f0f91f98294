// What lies in a zip, as a list. Only its end is fetched, where that list stands; nothing is unpacked.

import { h, phone } from "../core/dom.js";
import { dateTime, number, shown, size, when } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { windowed } from "../core/windowed.js";
import { iconOf } from "../files/kinds.js";
import { card } from "./other.js";
import { refusal } from "./textfile.js";
import { NotZip, readZip } from "./zip.js";

const ROW_REM = 2.25;
const ROW_REM_PHONE = 3.5;

export async function show(file, { source, signal }) {
  let found;
  try {
    found = await readZip(reader(source.content(file), signal), file.size);
  } catch (error) {
    if (error instanceof NotZip) return { element: card(file, source, t("viewer.no_archive")) };
    if (error.status === 403) return { element: card(file, source) }; // a link for looking alone
    throw error;
  }
  const scroller = list(file, found.entries, signal);
  return {
    element: h("div", { class: ["viewer-paper", "viewer-archive"] }, h("p", { class: "viewer-note" }, summary(found)), scroller),
    takes: (event) => scroller.contains(event.target) && (event.key === "Home" || event.key === "End"),
  };
}

/** Reads ranges of a file, and never the whole of it where a server gives none. */
function reader(src, signal) {
  return async (from, to) => {
    const response = await fetch(src, { headers: { Range: `bytes=${from}-${to - 1}` }, signal });
    if (response.status === 206) return new Uint8Array(await response.arrayBuffer());
    if (!response.ok) throw await refusal(response);
    await response.body.cancel();
    throw new NotZip();
  };
}

function summary({ entries, isWhole }) {
  const files = entries.filter((entry) => !entry.isFolder);
  if (!isWhole) return t("viewer.archive_part", { count: entries.length, number: number(entries.length) });
  if (!files.length) return t("viewer.archive_empty");
  const sum = files.reduce((all, entry) => all + entry.size, 0);
  return t("viewer.archive_sum", { count: files.length, number: number(files.length), size: size(sum) });
}

function list(file, entries, signal) {
  const host = h("div", { class: "viewer-rows", role: "rowgroup" });
  const table = h("div", { class: "viewer-archive-list", role: "table", tabindex: 0, "aria-label": shown(file.name), "aria-rowcount": entries.length + 1 },
    h("div", { class: "viewer-archive-head", role: "rowgroup" },
      h("div", { class: "viewer-entry", role: "row", "aria-rowindex": 1 },
        [t("viewer.name"), t("viewer.size"), t("viewer.changed")].map((text) => h("span", { role: "columnheader" }, text)))),
    host);
  const height = () => (phone.matches ? ROW_REM_PHONE : ROW_REM) * parseFloat(getComputedStyle(document.documentElement).fontSize);
  requestAnimationFrame(() => {
    if (signal.aborted) return;
    const rows = windowed({ scroller: table, host, rowHeight: height(), render: (index) => row(entries[index], index) });
    rows.setCount(entries.length);
    phone.addEventListener("change", () => rows.measure({ rowHeight: height() }), { signal });
    signal.addEventListener("abort", () => rows.close(), { once: true });
  });
  return table;
}

function row(entry, index) {
  const name = shown(entry.name);
  return h("div", { class: "viewer-entry", role: "row", "aria-rowindex": index + 2 },
    h("span", { class: "viewer-entry-name", role: "cell", title: name },
      icon(entry.isFolder ? "folder" : iconOf({ kind: "file", name: entry.name }), { size: 18 }), h("bdi", {}, name)),
    h("span", { role: "cell" }, entry.isFolder ? "" : size(entry.size)),
    h("span", { role: "cell", title: entry.time === null ? null : dateTime(entry.time) }, entry.time === null ? "" : when(entry.time)));
}
