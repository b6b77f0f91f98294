// Into the trash, and back.

import { get } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { number, shown } from "../core/format.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { forEach, restoreAll, trashAll } from "./batch.js";
import { isMount, may } from "./places.js";
import { undoable } from "./undo.js";

const going = new Set(); // ids of what is on its way there, however often somebody presses the key

/** Move entries of a folder to the trash; what that cannot undo is asked about before. */
export async function trash(folder, chosen) {
  const files = chosen.filter((file) => !going.has(file.file_id));
  for (const file of files) going.add(file.file_id);
  try {
    await trashEach(folder, files);
  } finally {
    for (const file of files) going.delete(file.file_id);
  }
}

async function trashEach(folder, files) {
  let mounts;
  try {
    mounts = await mountsAmong(files, folder.file);
  } catch (error) {
    toastError(error);
    return;
  }
  if (mounts.length && !(await askAbout(mounts))) return;
  const { done, failed } = await trashAll(files);
  const gone = done.map(({ item }) => item);
  folder.remove(gone.map((file) => file.file_id));
  if (failed.length) toastError(failed[0].error);
  if (!gone.length) return;
  const values = { count: gone.length, number: number(gone.length), name: shown(gone[0].name) };
  const kept = gone.filter((file) => !mounts.includes(file) || may(file, "share"));
  if (!kept.length) toast(t("files.left", values));
  else undoable(t("files.trashed", values), () => bringBack(folder, kept));
}

/** The shared folders among entries; those that a search found lie in folders of their own, which are asked for. */
async function mountsAmong(files, parent) {
  if (parent) return files.filter((file) => isMount(file, parent));
  const { done, failed } = await forEach(files.filter((file) => file.kind === "folder"), (file) => get(`files/${file.parent_id}`));
  if (failed.length) throw failed[0].error;
  return done.filter(({ item, value }) => isMount(item, value)).map(({ item }) => item);
}

/** Move entries to the trash without a word: what one takes back. */
export async function trashSilently(files) {
  const { failed } = await trashAll(files);
  if (failed.length) throw failed[0].error;
}

async function bringBack(folder, files) {
  const { done, failed } = await restoreAll(files);
  folder.put(done.map(({ value }) => value).filter((file) => file.parent_id === folder.file?.file_id));
  if (failed.length) throw failed[0].error;
}

function askAbout(mounts) {
  const owns = mounts.some((file) => may(file, "share"));
  const values = { count: mounts.length, name: shown(mounts[0].name) };
  return confirm({
    title: owns ? t("files.trash_shared", values) : t("files.leave", values),
    text: owns ? t("files.trash_shared_text") : t("files.leave_text"),
    action: owns ? t("files.to_trash") : t("files.leave_action"),
    danger: true,
  });
}
