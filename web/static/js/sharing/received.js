// What another app shared with this one (the manifest's share_target): the worker has kept it, and here it is asked about.
// Any page of any site can send such a form, so nothing of it is uploaded before a person has seen what it is.

import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { shown, size } from "../core/format.js";
import { go, here, href } from "../core/router.js";
import { t } from "../core/text.js";
import { scanFiles } from "../upload/scan.js";
import { take } from "../upload/start.js";

const NAME = "cairn-shared";
const STORE = "files";
const LISTED = 8;

/** Start; once, by the shell. */
export async function start() {
  if (here().view !== "files" || !here().query.has("shared")) return;
  const files = await taken();
  await go(href("files"), { replace: true });
  const more = files.length - LISTED;
  const { result } = openDialog({
    title: t("shared_in.title", { count: files.length }),
    sticky: true,
    body: files.length
      ? [h("ul", { class: "shared-in" }, files.slice(0, LISTED).map((file) => h("li", {}, `${shown(file.name)} · ${size(file.size)}`))),
        more > 0 && h("p", { class: "soft" }, t("shared_in.more", { count: more })), h("p", {}, t("shared_in.text"))]
      : h("p", {}, t("shared_in.none")),
    actions: files.length
      ? [{ label: t("core.cancel"), value: false }, { label: t("shared_in.upload"), kind: "primary", value: true }]
      : [{ label: t("core.close"), kind: "primary", value: false }],
  });
  if (await result) take("/", scanFiles(files));
}

/** What the worker has kept, which keeps it no longer. @returns {Promise<File[]>} */
async function taken() {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite");
    const all = transaction.objectStore(STORE).getAll();
    transaction.objectStore(STORE).clear();
    transaction.oncomplete = () => resolve(all.result);
    transaction.onabort = () => reject(transaction.error);
  }).finally(() => database.close());
}
