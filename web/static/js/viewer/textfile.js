// Text as it is in a file: its encoding and line ends are kept, and a save says what it grew from.

import { ApiError, csrfToken, get, url } from "../core/api.js";
import { SHOWN } from "./kinds.js";

const MARK = "\ufeff";

/**
 * @typedef {{text: string, isWhole: boolean, isUtf8: boolean, hasMark: boolean, lineEnd: "\n" | "\r\n", etag: string}} Text
 *   `text` has "\n" alone; `isWhole`: it is all of the file
 */

/** Fetch a file as text, the first part where it is long. @returns {Promise<Text>} */
export async function loadText(src, size, signal) {
  const headers = size > SHOWN ? { Range: `bytes=0-${SHOWN - 1}` } : {};
  const response = await fetch(src, { headers, signal });
  if (!response.ok) throw await refusal(response);
  return { ...decode(new Uint8Array(await response.arrayBuffer()), size <= SHOWN), etag: response.headers.get("ETag") };
}

/** Bytes as text: UTF-8, UTF-16 with its mark, or else as old Windows programs wrote. */
export function decode(bytes, isWhole) {
  const { text, isUtf8 } = read(bytes, isWhole);
  const hasMark = text.startsWith(MARK);
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  return { text: (hasMark ? text.slice(1) : text).replaceAll("\r\n", "\n"), isWhole, isUtf8, hasMark, lineEnd };
}

function read(bytes, isWhole) {
  for (const [first, second, name] of [[0xff, 0xfe, "utf-16le"], [0xfe, 0xff, "utf-16be"]]) {
    if (bytes[0] === first && bytes[1] === second) return { text: new TextDecoder(name, { ignoreBOM: true }).decode(bytes), isUtf8: false };
  }
  try {
    // The end of a first part may cut a letter in two: a stream waits for its rest.
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !isWhole }), isUtf8: true };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(bytes), isUtf8: false };
  }
}

/**
 * Save text in place of what it grew from.
 *
 * @param {Object} file
 * @param {Text} base
 * @param {string} text
 * @param {{path?: string, condition?: Object}} [as] another path; conditions in place of "as it was"
 * @returns {Promise<Object>} the File as it is then
 * @throws {ApiError} `precondition_failed` where it has changed meanwhile
 */
export async function saveText(file, base, text, { path = file.path, condition = { "If-Match": base.etag } } = {}) {
  const body = new Blob([base.hasMark ? MARK : "", text.replaceAll("\n", base.lineEnd)]);
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(url("api/v1/files/content", { path }), {
      method: "PUT",
      body,
      headers: { "X-CSRF-Token": csrfToken(), "X-Mtime-Ms": String(Date.now()), "Content-Type": file.content_type, Accept: "application/json", ...condition },
    });
    if (response.ok) return response.json();
    const error = await refusal(response);
    if (error.status !== 401 || tries) throw error;
    await get("me"); // asks for the password in place
  }
}

/** What a server that refuses says of it. @returns {Promise<ApiError>} */
export async function refusal(response) {
  const problem = await response.json().catch(() => ({ code: "internal" }));
  return new ApiError(response.status, problem);
}
