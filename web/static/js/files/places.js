// Where entries are: their addresses here and on the server.

import { url } from "../core/api.js";
import { href } from "../core/router.js";

/** The names of a path from the home down. */
export const namesOf = (path) => path.split("/").filter(Boolean);

/** The address of a folder in the shell, or of a file's content. */
export function addressOf(file) {
  if (file.kind === "folder") return href("files", namesOf(file.path));
  return url(`api/v1/files/${file.file_id}/content`).href;
}

/** Whether a path leads to a folder or to something below it. */
export const isWithin = (path, folder) => folder === "/" || path === folder || path.startsWith(`${folder}/`);

/** The path of the folder that an entry is in. */
export const parentPath = (path) => path.slice(0, path.lastIndexOf("/")) || "/";

/** The address of a small picture: of this version, so that a browser keeps it. */
export const thumbnailOf = (file, edge = 256) =>
  url(`api/v1/files/${file.file_id}/thumbnail`, { size: edge, version_id: file.version_id }).href;

/** Whether an entry of `parent` is a shared folder of its own. */
export const isMount = (file, parent) => file.kind === "folder" && parent !== null && file.space_id !== parent.space_id;

/** Whether one may do something with an entry: "read", "write" or "share". */
export const may = (file, right) => file.permissions.includes(right);
