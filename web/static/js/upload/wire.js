// The calls of the API that an upload needs (api.md, Upload and Tree).

import { call, del, get, post, url } from "../core/api.js";

const PAGE = 10_000;

export const whoAmI = (signal) => get("me", {}, { signal });
export const openUpload = (body, signal) => post("uploadRequest", body, { signal });
export const openUploads = (files, signal) => post("uploadRequest", { files, bundle: true }, { signal });
export const append = (id, from, chunks, signal) => post(`uploads/${id}/chunks`, { from, chunks }, { signal });
export const progress = (id, from, signal) => get(`uploads/${id}`, { from }, { signal });
export const commit = (id, signal) => post(`uploads/${id}/commit`, undefined, { signal });
export const commitAll = (ids, signal) => post("uploads/commit", { upload_ids: ids }, { signal });
export const giveUp = (id) => del(`uploads/${id}`);
export const makeFolder = (path, signal) => post("folders", { path, parents: true }, { signal });
export const fileAt = (path, signal) => get("files", { path }, { signal });

/** A signed URL of an answer as this page reaches it. */
export const signed = (path) => url(path).href;

/** Whether the server answers at all. */
export async function answers() {
  try {
    return (await fetch(url("healthz"), { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Everything in a folder, as Files. */
export async function children(id, signal) {
  const files = [];
  let after;
  do {
    const page = await call("GET", `folders/${id}/children`, { query: { limit: PAGE, after }, signal });
    files.push(...page.items);
    after = page.next;
  } while (after);
  return files;
}
