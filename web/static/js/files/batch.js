// The same call for many entries: some at a time, and one that fails holds up no other.

import { h } from "../core/dom.js";
import { number, percent } from "../core/format.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";

const WIDTH = 6;
const PATIENCE_MS = 700;
const FOR_EVER_MS = 2 ** 31 - 1;

/**
 * Run something for each entry.
 *
 * @template T
 * @param {T[]} items
 * @param {(item: T) => Promise<any>} run
 * @returns {Promise<{done: {item: T, value: any}[], failed: {item: T, error: Error}[]}>} each in the order of `items`
 */
export async function forEach(items, run) {
  const results = new Array(items.length);
  let next = 0;
  const progress = telling(items.length);
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      try {
        results[at] = { item: items[at], value: await run(items[at]) };
      } catch (error) {
        results[at] = { item: items[at], error };
      }
      progress.at(next);
    }
  };
  await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, worker));
  progress.end();
  return { done: results.filter((one) => !one.error), failed: results.filter((one) => one.error) };
}

/** A note of how far it is, once it takes long. Screen readers are told of its beginning alone. */
function telling(count) {
  const share = h("span", { "aria-hidden": "true" });
  let note = null;
  const timer = setTimeout(() => {
    const text = h("span", {}, t("files.working", { count, number: number(count) }), " ", share);
    note = toast(text, { ms: FOR_EVER_MS });
  }, PATIENCE_MS);
  return {
    at(done) {
      share.textContent = percent(done / count);
    },
    end() {
      clearTimeout(timer);
      note?.close();
    },
  };
}
