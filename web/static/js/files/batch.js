// The same for many entries: several in one call, or some calls at a time; one that fails holds up no other.

import { ApiError, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { number, percent } from "../core/format.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";

const WIDTH = 6;
const LOT = 200;
const PATIENCE_MS = 700;
const FOR_EVER_MS = 2 ** 31 - 1;

/** Move entries to the trash. Resolves as `forEach` does. */
export const trashAll = (files) => inLots(files, "files/trash", (lot) => ({ file_ids: lot.map((file) => file.file_id) }));

/** Bring entries back from the trash; each value is the File as it is now. */
export const restoreAll = (files) => inLots(files, "trash/restore", (lot) => ({ trash_ids: lot.map((file) => file.file_id) }));

/** Remove entries of the trash for good. */
export const purgeAll = (files) => inLots(files, "trash/purge", (lot) => ({ trash_ids: lot.map((file) => file.trash_id) }));

/** Copy files: `copyOf` says of each what the copy takes, with its `file_id`; each value is the File that was made. */
export const copyAll = (items, copyOf) => inLots(items, "files/copy", (lot) => ({ copies: lot.map(copyOf) }));

/** Change entries: `changeOf` says of each what PATCH takes; each value is the File as it is now. */
export const changeAll = (items, changeOf) => inLots(items, "files/change", (lot) => ({ changes: lot.map(changeOf) }));

async function inLots(items, path, bodyOf) {
  const results = [];
  const progress = telling(items.length);
  for (let at = 0; at < items.length; at += LOT) {
    const lot = items.slice(at, at + LOT);
    let answers;
    try {
      ({ results: answers } = await post(path, bodyOf(lot)));
    } catch (error) {
      answers = lot.map(() => error);
    }
    for (const [index, item] of lot.entries()) results.push(outcome(item, answers[index]));
    progress.at(results.length);
  }
  progress.end();
  return sorted(results);
}

function outcome(item, answer) {
  if (answer instanceof Error) return { item, error: answer };
  return answer.status ? { item, error: new ApiError(answer.status, answer) } : { item, value: answer.file };
}

const sorted = (results) => ({ done: results.filter((one) => !one.error), failed: results.filter((one) => one.error) });

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
  return sorted(results);
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
