// New folders and new text files.

import { ApiError, csrfToken, post, url } from "../core/api.js";
import { prompt } from "../core/dialog.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { nameProblem, refusalText } from "./names.js";
import { trashSilently } from "./trashing.js";
import { undoable } from "./undo.js";

/** Ask for a name and make a folder in another one. @param {Object} parent its File @returns {Promise<Object | null>} */
export function askForFolder(parent, isTaken = () => false, { title, value } = { title: t("files.new_folder"), value: t("files.new_folder_name") }) {
  return askForName({ title, value, isTaken, make: (name) => post("folders", { parent_id: parent.file_id, name }) });
}

/** Make a folder in the one that is open. @returns {Promise<Object | null>} its File */
export async function newFolder(folder, words) {
  const file = await askForFolder(folder.file, folder.isTaken, words);
  return file && made(folder, file, t("files.made_folder", { name: shown(file.name) }));
}

/** Make a folder that others are to put files into. @returns {Promise<Object | null>} its File */
export const newDropBox = (folder) => newFolder(folder, { title: t("files.new_drop"), value: t("files.new_drop_name") });

/** Make an empty text file in the folder that is open. @returns {Promise<Object | null>} its File */
export async function newTextFile(folder) {
  const above = folder.file.path === "/" ? "" : folder.file.path;
  const file = await askForName({
    title: t("files.new_text"), value: t("files.new_text_name"), isTaken: folder.isTaken, make: (name) => putEmpty(`${above}/${name}`),
  });
  return file && made(folder, file, t("files.made_file", { name: shown(file.name) }));
}

function askForName({ title, value, isTaken, make }) {
  const run = async (name) => {
    const wrong = nameProblem(name) || (isTaken(name) ? t("files.name_taken") : "");
    if (wrong) throw new Error(wrong);
    try {
      return await make(name);
    } catch (error) {
      throw new Error(refusalText(error));
    }
  };
  return prompt({ title, label: t("files.name"), action: t("files.create"), value, run });
}

function made(folder, file, text) {
  folder.put([file]);
  undoable(text, async () => {
    await trashSilently([file]);
    folder.remove([file.file_id]);
  });
  return file;
}

async function putEmpty(path) {
  const response = await fetch(url("api/v1/files/content", { path }), {
    method: "PUT",
    headers: { "X-CSRF-Token": csrfToken(), "If-None-Match": "*", Accept: "application/json" },
  });
  const reply = await response.json();
  if (!response.ok) throw new ApiError(response.status, reply);
  return reply;
}
