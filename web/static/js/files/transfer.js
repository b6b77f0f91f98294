// Moving and copying into a folder, whichever way somebody asked for it: a dialog, a drag, a paste.

import { post } from "../core/api.js";
import { number, shown } from "../core/format.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { changeAll, copyAll, forEach } from "./batch.js";
import { isWithin } from "./places.js";
import { trashSilently } from "./trashing.js";
import { undoable } from "./undo.js";

/** @typedef {"move" | "copy"} Mode */

/** Whether an entry could go into a folder: not into itself, and not to where it is. */
export function fits(file, target, mode) {
  if (!target.permissions.includes("write")) return false;
  if (file.kind === "folder" && isWithin(target.path, file.path)) return false;
  return mode === "copy" || file.parent_id !== target.file_id;
}

/** What a folder is called. */
export const folderName = (file) => (file.path === "/" ? t("nav.files") : shown(file.name));

/**
 * Move or copy entries into a folder; where a name is in use there, somebody is asked.
 *
 * @param {Mode} mode
 * @param {Object[]} files
 * @param {Object} target the folder's File
 * @param {Object} folder the model of the one that is open
 * @returns {Promise<Object[]>} the Files as they are there
 */
export async function transfer(mode, files, target, folder) {
  const fitting = files.filter((file) => fits(file, target, mode));
  if (!fitting.length) {
    toast(mode === "move" ? t("files.cannot_move") : t("files.cannot_copy"), { kind: "error" });
    return [];
  }
  const first = await sendAll(mode, fitting.map((file) => ({ file, how: file.parent_id === target.file_id ? "rename" : "fail" })), target);
  const isConflict = ({ error }) => error.code === "name_taken" && error.current;
  const decided = await decide(mode, first.failed.filter(isConflict), target);
  const second = await sendAll(mode, decided, target);
  const made = [
    ...first.done.map(({ item, value }) => ({ before: item.file, after: value, isNew: true })),
    ...second.done.map(({ item, value }) => ({ before: item.file, after: value, isNew: item.how === "rename" })),
  ];
  const refused = [...first.failed.filter((one) => !isConflict(one)), ...second.failed];
  if (mode === "move") folder.remove(made.map(({ before }) => before.file_id));
  if (folder.file?.file_id === target.file_id) folder.put(made.map(({ after }) => after));
  if (refused.length) toastError(refused[0].error);
  if (made.length) tell(mode, made, target, folder);
  return made.map(({ after }) => after);
}

async function sendAll(mode, items, { file_id: parent_id }) {
  if (mode === "move") return changeAll(items, ({ file, how }) => ({ file_id: file.file_id, parent_id, on_conflict: how }));
  const wanted = ({ file, how }) => ({ parent_id, name: file.name, on_conflict: how });
  // A folder takes as long as what is in it: each is a call of its own, which ends before anybody loses patience.
  const isFolder = ({ file }) => file.kind === "folder";
  const folders = await forEach(items.filter(isFolder), (item) => post(`files/${item.file.file_id}/copy`, wanted(item)));
  const files = await copyAll(items.filter((item) => !isFolder(item)), (item) => ({ file_id: item.file.file_id, ...wanted(item) }));
  return { done: [...folders.done, ...files.done], failed: [...folders.failed, ...files.failed] };
}

async function decide(mode, conflicts, target) {
  if (!conflicts.length) return [];
  const { askAboutConflicts } = await import("./conflicts.js");
  return askAboutConflicts(mode, conflicts.map(({ item, error }) => ({ file: item.file, current: error.current })), folderName(target));
}

function tell(mode, made, target, folder) {
  const values = { count: made.length, number: number(made.length), name: shown(made[0].after.name), folder: folderName(target) };
  const text = mode === "move" ? t("files.moved", values) : t("files.copied", values);
  const fresh = made.filter(({ isNew }) => isNew);
  // What replaced something is a version of that now: its versions bring the old content back.
  if (fresh.length) undoable(text, () => (mode === "move" ? moveBack(fresh, folder) : dropCopies(fresh, folder)));
  else toast(text);
}

async function moveBack(made, folder) {
  const { done, failed } = await changeAll(made, ({ before }) =>
    ({ file_id: before.file_id, parent_id: before.parent_id, name: before.name, on_conflict: "rename" }));
  const back = done.map(({ value }) => value);
  folder.remove(back.filter((file) => file.parent_id !== folder.file?.file_id).map((file) => file.file_id));
  folder.put(back.filter((file) => file.parent_id === folder.file?.file_id));
  if (failed.length) throw failed[0].error;
}

async function dropCopies(made, folder) {
  const copies = made.map(({ after }) => after);
  await trashSilently(copies);
  folder.remove(copies.map((file) => file.file_id));
}
