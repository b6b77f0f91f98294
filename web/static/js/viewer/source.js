// Where the bytes of a file come from: the user's own view, or a link. Both have the same shape.

import { url } from "../core/api.js";

/**
 * @typedef {{thumbnail: (file: Object, size: 256 | 1600) => string, content: (file: Object) => string,
 *   frame: (file: Object) => string, download: (file: Object) => string, canWrite: (file: Object) => boolean,
 *   isCounted?: boolean}} Source `isCounted`: each look at the content counts as a download
 *   `content` shows what is harmless and gives the rest as plain bytes; `frame` is for a PDF in a frame of ours
 */

/** @type {Source} */
export const ownSource = {
  thumbnail: (file, size) => url(`api/v1/files/${file.file_id}/thumbnail`, { size, version_id: file.version_id }).href,
  content: (file) => url(`api/v1/files/${file.file_id}/content`, { version_id: file.version_id }).href,
  frame: (file) => url(`api/v1/files/${file.file_id}/content`, { version_id: file.version_id, frame: 1 }).href,
  download: (file) => url(`api/v1/files/${file.file_id}/content`, { version_id: file.version_id, download: 1 }).href,
  canWrite: (file) => file.permissions.includes("write"),
};

/** The files below a link. @returns {Source} */
export function linkSource(token) {
  const at = (what, file, more) => url(`s/${token}/${what}`, { file_id: file.file_id, ...more }).href;
  return {
    thumbnail: (file, size) => at("thumbnail", file, { size }),
    content: (file) => at("content", file),
    frame: (file) => at("content", file, { frame: 1 }),
    download: (file) => at("content", file, { download: 1 }),
    canWrite: () => false,
    isCounted: true,
  };
}
