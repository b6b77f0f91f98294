// Trash: what was deleted, the latest first. It comes back to where it was, or goes for good.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { onChange } from "../core/events.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { emptyTrash, purge, restore } from "./trash-actions.js";
import { deletionRow, deletions, isOne } from "./trash-groups.js";
import { trashRow } from "./trash-row.js";
import { openUndo } from "./undo.js";

const PAGE = 200;
const MOST_MORE = 2000; // to have the last deletion whole

/** Show the view. */
export async function mount(container, { signal, setTitle }) {
  setTitle(t("nav.trash"));
  const chosen = new Map();
  const rows = new Map();
  const opened = new Set(); // ids of entries whose deletion shows what it holds
  let items = [];
  let next = null;
  let wanted = PAGE;
  let days = 0;

  const list = h("ul", { class: "trash-list", "aria-label": t("nav.trash") });
  const more = h("button", { type: "button", class: "button", hidden: true, onclick: () => show(items.length + PAGE) }, t("time.more"));
  const all = h("input", { type: "checkbox", "aria-label": t("trash.select_all"), onchange: () => chooseAll(all.checked) });
  const bar = h("div", { class: "trash-bar", role: "toolbar", "aria-label": t("trash.selected_label") });
  const hint = h("p", { class: "soft trash-hint" });
  const menu = h("button", { type: "button", class: "icon-button", "aria-label": t("nav.more"), "aria-haspopup": "menu", onclick: openMore }, icon("ellipsis"));
  const heading = h("h1", {}, t("nav.trash"));
  const page = h("div", { class: "page time-page" },
    h("header", { class: "page-head" }, heading, h("div", { class: "time-tools" }, bar, menu)), hint, list, more);
  const empty = h("div", { class: "empty" }, icon("trash-2", { size: 48 }), h("h1", {}, t("trash.empty_title")),
    h("p", {}, t("trash.empty_text")),
    h("button", { type: "button", class: "button", onclick: () => openUndo() }, t("undo.open")));

  async function show(limit = wanted) {
    wanted = limit;
    const found = { items: [], next: null, days: 0 };
    const isCut = () => found.items.length < limit + MOST_MORE && isOne(...found.items.slice(-2));
    do {
      const part = await get("trash", { limit: Math.min(1000, Math.max(PAGE, limit - found.items.length)), after: found.next }, { signal });
      found.items.push(...part.items);
      Object.assign(found, { next: part.next, days: part.days });
    } while (found.next && (found.items.length < limit || isCut()));
    ({ items, next, days } = found);
    draw();
  }

  function draw() {
    const there = new Set(items.map((item) => item.trash_id));
    for (const id of [...chosen.keys()]) if (!there.has(id)) chosen.delete(id);
    if (!items.length) {
      fill(container, empty);
      return;
    }
    if (!page.isConnected) fill(container, page);
    hint.textContent = days ? t("trash.hint", { count: days }) : t("trash.hint_never");
    const before = list.contains(document.activeElement) ? document.activeElement.closest("li") : null;
    const at = before && controlsOf(before).indexOf(document.activeElement);
    rows.clear();
    fill(list, deletions(items).flatMap((group) => (group.length === 1 ? rowOf(group[0]) : rowsOf(group))));
    const after = before && list.querySelector(`[data-id="${before.dataset.id}"]`);
    if (after) controlsOf(after)[at]?.focus({ preventScroll: true });
    more.hidden = !next;
    drawBar();
  }

  function rowOf(item, isOfMany = false) {
    const row = trashRow(item, { days, isChosen: chosen.has(item.trash_id), isOfMany, onchoose, onrestore, onpurge });
    rows.set(item.trash_id, row);
    return row;
  }

  /** The line of a deletion, and below it what it took where it is open. */
  function rowsOf(group) {
    const isOpen = group.some((item) => opened.has(item.trash_id));
    const row = deletionRow(group, {
      days,
      isOpen,
      chosen: group.filter((item) => chosen.has(item.trash_id)).length,
      onopen() {
        for (const item of group) if (isOpen) opened.delete(item.trash_id); else opened.add(item.trash_id);
        draw();
      },
      onchoose(isChosen) {
        for (const item of group) choose(item, isChosen);
        draw();
      },
      onrestore: () => restoreMany(group),
      onpurge: () => purgeMany(group),
    });
    if (isOpen) return [row, ...group.map((item) => rowOf(item, true))];
    for (const item of group) rows.set(item.trash_id, row);
    return [row];
  }

  function drawBar() {
    const count = chosen.size;
    all.checked = count > 0 && count === items.length;
    all.indeterminate = count > 0 && count < items.length;
    fill(bar,
      h("label", { class: "trash-all" }, all, h("span", {}, count ? t("trash.selected", { count }) : t("trash.all"))),
      count ? [
        h("button", { type: "button", class: "button", onclick: () => restoreMany([...chosen.values()]) }, icon("rotate-ccw", { size: 16 }), t("trash.restore")),
        h("button", { type: "button", class: "button quiet trash-gone", onclick: () => purgeMany([...chosen.values()]) }, t("trash.purge")),
      ] : h("button", { type: "button", class: "button quiet trash-gone", onclick: emptyAll }, t("trash.empty")));
  }

  function choose(item, isChosen) {
    if (isChosen) chosen.set(item.trash_id, item);
    else chosen.delete(item.trash_id);
  }
  function onchoose(item, isChosen) {
    choose(item, isChosen);
    draw();
  }
  function chooseAll(isChosen) {
    chosen.clear();
    if (isChosen) for (const item of items) chosen.set(item.trash_id, item);
    draw();
  }
  const onrestore = (item) => restoreMany([item]);
  const onpurge = (item) => purgeMany([item]);
  const restoreMany = (some) => act(() => restore(some));
  const purgeMany = (some) => act(() => purge(some));
  const emptyAll = () => act(() => emptyTrash(items.length, Boolean(next)));

  /** Do something, and show what is left, also where only part of it came to pass. */
  async function act(run) {
    const at = items.findIndex((item) => rows.get(item.trash_id)?.contains(document.activeElement));
    try {
      if ((await run()) === false) return;
    } catch (error) {
      toastError(error);
    }
    await show().catch(toastError);
    const neighbour = items[Math.min(Math.max(at, 0), items.length - 1)];
    if (document.activeElement === document.body) (rows.get(neighbour?.trash_id)?.querySelector("button") ?? container).focus();
  }

  function openMore() {
    openMenu(menu, [
      { icon: "history", label: t("undo.open"), run: () => openUndo() },
      "-",
      { icon: "trash-2", label: t("trash.empty"), danger: true, run: emptyAll },
    ], { label: t("nav.more") });
  }

  onChange(() => show().catch(() => {}), { signal });
  await show();
}

const controlsOf = (row) => [...row.querySelectorAll("button, input")];
