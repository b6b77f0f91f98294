// What is done with entries of the trash, and what is said of it.

import { get } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { shown } from "../core/format.js";
import { go, href } from "../core/router.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";
import { purgeAll, restoreAll } from "../files/batch.js";

const PAGE = 1000;

/** Bring entries back to where they were; the first refusal is thrown when the others are through. */
export async function restore(items) {
  const { done, failed } = await restoreAll(items);
  const back = done.map(({ value }) => value);
  if (back.length) tell(back);
  throwFirst(failed);
}

function tell(back) {
  const [first] = back;
  const folder = first.path.split("/").filter(Boolean).slice(0, -1);
  const text = back.length === 1 ? t("trash.restored_one", { path: shown(first.path) }) : t("trash.restored", { count: back.length });
  toast(text, { kind: "good", action: { label: t("trash.show"), run: () => go(href("files", folder)) } });
}

/** Remove entries for good, if the person is sure. @returns {Promise<boolean>} whether anything was done */
export async function purge(items) {
  const [first] = items;
  const sure = await confirm({
    title: items.length === 1 ? t("trash.purge_one", { name: shown(first.name) }) : t("trash.purge_title", { count: items.length }),
    text: t("trash.purge_text"),
    action: t("trash.purge"),
    danger: true,
  });
  if (sure) await removeAll(items);
  return sure;
}

/** Empty the trash, if the person is sure. @param {number} count how many are known of @param {boolean} isMore of the rest */
export async function emptyTrash(count, isMore) {
  const sure = await confirm({
    title: t("trash.empty_sure"),
    text: isMore ? t("trash.purge_text") : t("trash.empty_count", { count }),
    action: t("trash.empty"),
    danger: true,
  });
  if (!sure) return false;
  const began = (await get("trash", { limit: 1 })).items[0]?.deleted_ms ?? 0;
  for (let after = null; ;) {
    const { items, next } = await get("trash", { limit: PAGE, after });
    // What came in since the question was asked stays: nobody has seen it.
    await removeAll(items.filter((item) => item.deleted_ms <= began));
    if (!next) break;
    after = next;
  }
  toast(t("trash.emptied"), { kind: "good" });
  return true;
}

/** Remove each for good; the first refusal is thrown once all had their turn. */
async function removeAll(items) {
  const { failed } = await purgeAll(items);
  throwFirst(failed);
}

function throwFirst(failed) {
  const fault = failed.find(({ error }) => error.status !== 404); // else somebody else was there before
  if (fault) throw fault.error;
}
