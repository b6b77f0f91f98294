// The photos of one's whole view by month, the newest first: how many there are is known at once, which they are comes
// where one looks.

import { get } from "../core/api.js";

const PAGE = 200;
const LARGEST = 1000;
const AT_ONCE = 2;

/** How much later than UTC this clock is. The server counts by it, and so do the months here, in summer and winter. */
const OFFSET_MIN = -new Date().getTimezoneOffset();

/** Which month a time is in. */
export const monthOf = (ms) => new Date(ms + OFFSET_MIN * 60_000).toISOString().slice(0, 7);

/** When a month begins, and with `after` 1 the next one. */
export function beginOf(month, after = 0) {
  const [year, number] = month.split("-").map(Number);
  return Date.UTC(year, number - 1 + after, 1) - OFFSET_MIN * 60_000;
}

/**
 * @typedef {{month: string, count: number, items: Object[], isStale: boolean}} Month `items` may have fewer than `count`
 */
export class Timeline {
  /** @type {Month[]} */
  months = [];
  #signal;
  #onChange;
  #running = new Map();
  #wanted = () => [];

  /** @param {{signal: AbortSignal, onChange: (months: Set<string>) => void}} options */
  constructor({ signal, onChange }) {
    this.#signal = signal;
    this.#onChange = onChange;
  }

  /** Ask how many there are. What was known of months with as many as before is kept. @returns {Promise<boolean>} whether anything changed */
  async count() {
    const { items } = await get("photos/months", { offset_min: OFFSET_MIN }, { signal: this.#signal });
    const known = new Map(this.months.map((one) => [one.month, one]));
    const isSame = items.length === this.months.length && items.every(({ month, photos }) => known.get(month)?.count === photos);
    this.months = items.map(({ month, photos }) => {
      const before = known.get(month);
      if (before?.count === photos) return before;
      return { month, count: photos, items: before?.items.slice(0, photos) ?? [], isStale: true };
    });
    return !isSame;
  }

  /** Take out photos that are gone. */
  drop(ids) {
    const gone = new Set(ids);
    for (const month of this.months) {
      const left = month.items.filter((file) => !gone.has(file.file_id));
      month.count -= month.items.length - left.length;
      month.items = left;
    }
    this.months = this.months.filter(({ count }) => count);
  }

  /** Forget nothing, but ask again where one looks: something has changed that counts do not tell. */
  markStale() {
    for (const month of this.months) month.isStale = true;
  }

  /** Say which months are looked at now; asked again whenever there is time for another one. */
  want(months) {
    this.#wanted = months;
    this.#next();
  }

  /** Load a month to its end. */
  async load(number) {
    const month = this.months[number];
    if (!month) return;
    if (!this.#running.has(month.month)) {
      this.#running.set(month.month, this.#fetch(number).finally(() => {
        this.#running.delete(month.month);
        this.#next();
      }));
    }
    await this.#running.get(month.month);
  }

  isWhole(number) {
    const month = this.months[number];
    return !month.isStale && month.items.length >= month.count;
  }

  #next() {
    if (this.#signal.aborted) return;
    for (const number of this.#wanted()) {
      if (this.#running.size >= AT_ONCE) return;
      const month = this.months[number];
      if (month && !this.isWhole(number) && !this.#running.has(month.month)) this.load(number).catch(() => {});
    }
  }

  async #fetch(number) {
    const { month, count } = this.months[number];
    let [query, got] = [{ before_ms: beginOf(month, 1) }, []];
    for (;;) {
      const limit = Math.min(LARGEST, Math.max(PAGE, count - got.length));
      const { items, next } = await get("photos", { ...query, limit }, { signal: this.#signal });
      got = got.concat(items);
      if (next === null || got.length >= count || (items.length && monthOf(items.at(-1).mtime_ms) < month)) {
        this.#take(number, got, next === null);
        return;
      }
      query = { after: next };
    }
  }

  // A page goes on into the months behind; the last of those is there in part.
  #take(number, items, isEnd) {
    const changed = new Set();
    const groups = new Map();
    for (const item of items) {
      const month = monthOf(item.mtime_ms);
      if (!groups.has(month)) groups.set(month, []);
      groups.get(month).push(item);
    }
    const last = [...groups.keys()].at(-1);
    this.months.slice(number).forEach((month, index) => {
      const found = groups.get(month.month) ?? (index ? null : []);
      if (!found) return;
      const isWhole = isEnd || month.month !== last || found.length >= month.count;
      if (!isWhole && month.items.length >= found.length && !month.isStale) return;
      month.items = found;
      month.isStale = false;
      if (isWhole && found.length !== month.count) month.count = found.length; // counted a moment before
      changed.add(month.month);
    });
    this.#onChange(changed);
  }
}
