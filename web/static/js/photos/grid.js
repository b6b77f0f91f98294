// The gallery on the screen: of all months only the rows near the visible part are in the page.

import { h } from "../core/dom.js";
import { month as monthName, number as spelled } from "../core/format.js";
import { t } from "../core/text.js";
import { between, layOut, monthAt, rowTop } from "./layout.js";
import { mark, tile, waitingTile } from "./tiles.js";
import { beginOf } from "./timeline.js";

const NEAR_PX = 700;
const NOON_MS = 86_400_000 * 1.5;

export class Grid {
  plan = layOut([], 1);
  #timeline;
  #selection;
  #sections = new Map();
  #rows = new Map();
  #frame = 0;
  #current = 0;
  #due = -1; // the photo that gets the focus once it has come

  /** @param {{timeline: Object, selection: Object, signal: AbortSignal, onScroll: () => void}} options */
  constructor({ timeline, selection, signal, onScroll }) {
    this.#timeline = timeline;
    this.#selection = selection;
    this.host = h("div", { class: "photos-host" });
    this.scroller = h("div", { class: "photos-scroller", tabindex: -1 }, this.host);
    this.scroller.addEventListener("scroll", () => {
      this.draw();
      onScroll();
    }, { passive: true, signal });
    const watcher = new ResizeObserver(() => this.arrange());
    watcher.observe(this.scroller);
    signal.addEventListener("abort", () => watcher.disconnect());
    selection.subscribe(() => this.#rows.forEach(({ element }) => {
      for (const one of element.querySelectorAll("[data-id]")) mark(one, selection.has(one.dataset.id));
    }), { signal });
  }

  /** Lay everything out anew; what is at the top stays there, and the photo that has the focus keeps it. */
  arrange() {
    const months = this.#timeline.months;
    const anchor = this.#anchor();
    const held = this.#held();
    this.plan = layOut(months, this.host.clientWidth);
    this.host.style.blockSize = `${this.plan.height}px`;
    this.host.style.setProperty("--photo", `${this.plan.tile}px`);
    this.host.style.setProperty("--photo-gap", `${this.plan.gap}px`);
    this.#sections.forEach((section) => section.remove());
    this.#sections.clear();
    this.#rows.clear();
    if (anchor) this.scroller.scrollTop = this.#topOf(anchor);
    if (held) {
      const index = this.indexOf(held.id);
      held.index = Math.min(index < 0 ? held.index : index, this.plan.total - 1);
      this.#current = Math.max(0, held.index);
    }
    this.draw(true, held);
  }

  /** The photo that has the focus, by its number, and the class of that button of it; null where none has. */
  #held() {
    const button = document.activeElement;
    const photo = this.host.contains(button) && button.closest(".photo[data-index]");
    return photo ? { id: photo.dataset.id, index: Number(photo.dataset.index), button: button.classList[0] } : null;
  }

  #anchor() {
    if (!this.plan.tops.length || this.scroller.scrollTop < 1) return null;
    const number = monthAt(this.plan.tops, this.scroller.scrollTop);
    const next = this.plan.tops[number + 1] ?? this.plan.height;
    return { month: this.shownMonths?.[number], part: (this.scroller.scrollTop - this.plan.tops[number]) / Math.max(1, next - this.plan.tops[number]) };
  }

  #topOf({ month, part }) {
    const number = this.#timeline.months.findIndex((one) => one.month <= month);
    if (number < 0) return this.plan.height;
    const next = this.plan.tops[number + 1] ?? this.plan.height;
    return this.plan.tops[number] + part * (next - this.plan.tops[number]);
  }

  /** The numbers of the months that are seen. */
  seen() {
    const from = this.scroller.scrollTop;
    return between(this.plan, this.#timeline.months, from - 200, from + this.scroller.clientHeight + 200).heads;
  }

  draw(now = false, held = this.#held()) {
    if (now) {
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      this.#draw(held);
    } else this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw(this.#held());
    });
  }

  #draw(held) {
    const months = this.#timeline.months;
    this.shownMonths = months.map(({ month }) => month);
    const from = this.scroller.scrollTop - NEAR_PX;
    const { rows, heads } = between(this.plan, months, from, from + this.scroller.clientHeight + 2 * NEAR_PX);
    if (held?.index >= 0) this.#stay(held.index, rows, heads);
    const near = new Set(heads);
    for (const [number, section] of this.#sections) {
      if (near.has(number)) continue;
      section.remove();
      this.#sections.delete(number);
    }
    for (const number of heads) if (!this.#sections.has(number)) this.#addSection(number);
    const wanted = new Set(rows.map(([month, row]) => `${month} ${row}`));
    for (const [key, { element, month }] of this.#rows) {
      if (wanted.has(key)) continue;
      if (this.#sections.has(month)) element.remove();
      this.#rows.delete(key);
    }
    for (const [month, row] of rows) this.#addRow(month, row);
    this.#giveFocus(held);
  }

  /** The row of a photo is drawn too, however far away one has scrolled. */
  #stay(index, rows, heads) {
    const month = monthAt(this.plan.starts, index);
    const row = Math.floor((index - this.plan.starts[month]) / this.plan.columns);
    if (!heads.includes(month)) heads.push(month);
    if (!rows.some(([one, other]) => one === month && other === row)) rows.push([month, row]);
  }

  // A row that was made anew has lost the focus; one that was waited for has never had it.
  #giveFocus(held) {
    const isFree = held || document.activeElement === document.body;
    const due = isFree && this.element(this.#due)?.querySelector(".photo-open");
    if (due || !isFree) this.#due = -1;
    const button = due || (held && this.element(held.index)?.querySelector(`.${held.button}`));
    if (button && button !== document.activeElement) button.focus({ preventScroll: true });
  }

  #addSection(number) {
    const { month, count } = this.#timeline.months[number];
    const name = monthName(beginOf(month) + NOON_MS);
    const id = `photos-${month}`;
    const section = h("section", { class: "photos-month", "aria-labelledby": id, style: { transform: `translateY(${this.plan.tops[number]}px)` } },
      h("h2", { class: "photos-head", id }, name, h("span", { class: "photos-count" }, t("photos.count", { count, number: spelled(count) }))),
      h("div", { class: "photos-grid", role: "grid", "aria-label": name, "aria-rowcount": Math.ceil(count / this.plan.columns), "aria-colcount": this.plan.columns }));
    this.#sections.set(number, section);
    const behind = [...this.#sections.keys()].filter((one) => one > number).sort((one, other) => one - other)[0];
    this.host.insertBefore(section, this.#sections.get(behind) ?? null);
  }

  #addRow(month, row) {
    const key = `${month} ${row}`;
    const { items, count } = this.#timeline.months[month];
    const start = row * this.plan.columns;
    const end = Math.min(count, start + this.plan.columns);
    const has = items.slice(start, end).map((file) => `${file.file_id} ${file.version_id} ${file.name}`).join("\n");
    const before = this.#rows.get(key);
    if (before?.has === has && before.element.isConnected) return;
    const cells = [];
    for (let place = start; place < end; place += 1) {
      const index = this.plan.starts[month] + place;
      cells.push(items[place] ? tile(items[place], index, this.#selection.has(items[place].file_id)) : waitingTile());
    }
    const top = row * (this.plan.tile + this.plan.gap);
    const element = h("div", { class: "photos-row", role: "row", "aria-rowindex": row + 1, style: { transform: `translateY(${top}px)` } }, cells);
    const grid = this.#sections.get(month).querySelector("[role=grid]");
    if (before?.element.isConnected) before.element.replaceWith(element);
    else {
      const next = [...grid.children].find((one) => Number(one.getAttribute("aria-rowindex")) > row + 1);
      grid.insertBefore(element, next ?? null);
    }
    this.#rows.set(key, { element, month, has });
    this.#markStop();
  }

  /** The photo with a number among all, undefined where it has not come. */
  at(index) {
    const month = monthAt(this.plan.starts, index);
    return this.#timeline.months[month]?.items[index - this.plan.starts[month]];
  }

  /** The number of a photo among all; -1 where it is not. */
  indexOf(fileId) {
    for (const [month, { items }] of this.#timeline.months.entries()) {
      const place = items.findIndex((file) => file.file_id === fileId);
      if (place >= 0) return this.plan.starts[month] + place;
    }
    return -1;
  }

  element(index) {
    return this.host.querySelector(`.photo[data-index="${index}"]`);
  }

  get current() {
    return this.#current;
  }

  /** Give a photo the focus, wherever it is; one that is still on its way gets it when it comes. */
  focus(index) {
    this.#current = index;
    this.reveal(index);
    this.#markStop();
    const photo = this.element(index)?.querySelector(".photo-open");
    photo?.focus({ preventScroll: true });
    this.#due = photo ? -1 : index;
  }

  become(index) {
    this.#current = index;
    this.#due = -1;
    this.#markStop();
  }

  // One stop of the tab key: the photo that had the focus, else the first that is there.
  #markStop() {
    const all = [...this.host.querySelectorAll(".photo-open")];
    const stop = this.element(this.#current)?.querySelector(".photo-open") ?? all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  }

  reveal(index) {
    const month = monthAt(this.plan.starts, index);
    const top = rowTop(this.plan, month, Math.floor((index - this.plan.starts[month]) / this.plan.columns));
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop + 60) this.scroller.scrollTop = Math.max(0, top - 70);
    else if (top + this.plan.tile > scrollTop + clientHeight - 20) this.scroller.scrollTop = top + this.plan.tile - clientHeight + 24;
    this.draw(true);
  }
}

