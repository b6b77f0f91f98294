// The strip at the side on which one drags through the years.

import { h } from "../core/dom.js";
import { month as monthName } from "../core/format.js";
import { t } from "../core/text.js";
import { monthAt } from "./layout.js";
import { beginOf } from "./timeline.js";

const APART_PX = 22;
const NOON_MS = 86_400_000 * 1.5;
const SHOWN_MS = 1200;

export class Scrubber {
  #grid;
  #months = () => [];
  #timer = 0;

  /** @param {{grid: Object, months: () => Object[], signal: AbortSignal}} options */
  constructor({ grid, months, signal }) {
    this.#grid = grid;
    this.#months = months;
    this.bubble = h("span", { class: "photos-bubble", "aria-hidden": "true" });
    this.thumb = h("span", { class: "photos-thumb" }, this.bubble);
    this.years = h("div", { class: "photos-years", "aria-hidden": "true" });
    this.element = h("div", { class: "photos-scrubber", role: "slider", tabindex: 0, "aria-orientation": "vertical", "aria-label": t("photos.scrubber"), "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0 },
      this.years, this.thumb);
    const drag = (event) => {
      if (!this.element.hasPointerCapture(event.pointerId)) return;
      const box = this.element.getBoundingClientRect();
      this.#go(Math.min(1, Math.max(0, (event.clientY - box.top) / box.height)) * this.#grid.plan.height);
    };
    this.element.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.element.setPointerCapture(event.pointerId);
      this.element.classList.add("dragging");
      drag(event);
    }, { signal });
    this.element.addEventListener("pointermove", drag, { signal });
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, () => this.element.classList.remove("dragging"), { signal });
    this.element.addEventListener("keydown", (event) => this.#onKey(event), { signal });
  }

  #go(top) {
    this.#grid.scroller.scrollTop = top;
  }

  #onKey(event) {
    const { tops } = this.#grid.plan;
    const now = this.#now();
    const year = (number) => this.#months()[number]?.month.slice(0, 4);
    const to = {
      ArrowDown: () => now + 1,
      ArrowUp: () => now - 1,
      PageDown: () => this.#months().findIndex((_, number) => number > now && year(number) !== year(now)),
      PageUp: () => this.#months().findIndex((_, number) => year(number) === year(Math.max(0, this.#months().findIndex((one) => one.month.startsWith(year(now))) - 1))),
      Home: () => 0,
      End: () => tops.length - 1,
    }[event.key]?.();
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0 && to < tops.length) this.#go(tops[to]);
  }

  #now() {
    const { scroller, plan } = this.#grid;
    const end = scroller.scrollHeight - scroller.clientHeight;
    return end - scroller.scrollTop < 2 && end > 0 ? plan.tops.length - 1 : monthAt(plan.tops, scroller.scrollTop + 1);
  }

  /** Put the years where they are. */
  arrange() {
    const { plan, scroller } = this.#grid;
    const months = this.#months();
    this.element.hidden = plan.height <= scroller.clientHeight || months.length < 2;
    const labels = [];
    let last = -APART_PX;
    months.forEach(({ month }, number) => {
      if (number && months[number - 1].month.slice(0, 4) === month.slice(0, 4)) return;
      const at = (plan.tops[number] / plan.height) * scroller.clientHeight;
      if (at - last < APART_PX) return;
      last = at;
      labels.push(h("span", { class: "photos-year", style: { "inset-block-start": `${(100 * plan.tops[number]) / plan.height}%` } }, month.slice(0, 4)));
    });
    this.years.replaceChildren(...labels);
    this.element.setAttribute("aria-valuemax", Math.max(0, months.length - 1));
    this.follow();
  }

  /** Show where one is. */
  follow() {
    const { plan, scroller } = this.#grid;
    const months = this.#months();
    if (!months.length) return;
    const number = this.#now();
    const name = monthName(beginOf(months[number].month) + NOON_MS);
    this.thumb.style.insetBlockStart = `${(100 * scroller.scrollTop) / Math.max(1, plan.height)}%`;
    this.bubble.textContent = name;
    this.element.setAttribute("aria-valuenow", number);
    this.element.setAttribute("aria-valuetext", name);
    this.element.classList.add("moving");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.element.classList.remove("moving"), SHOWN_MS);
  }
}
