// The calls of the API that an upload needs (api.md, Upload and Tree).

import { ApiError, call as plainCall, csrfToken, get as plainGet, setCsrfToken, url } from "../core/api.js";

const PAGE = 10_000;
const RENEWALS = 3;

let owner = null; // the account whose files these are

/** Say whose files go from here on. */
export function sendFor(userId) {
  owner = userId;
}

export const whoAmI = (signal) => plainGet("me", {}, { signal });
export const openUpload = (body, signal) => post("uploadRequest", body, { signal });
export const openUploads = (files, signal) => post("uploadRequest", { files, bundle: true }, { signal });
export const append = (id, from, chunks, signal) => post(`uploads/${id}/chunks`, { from, chunks }, { signal });
export const progress = (id, from, signal) => get(`uploads/${id}`, { from }, { signal });
export const commit = (id, signal) => post(`uploads/${id}/commit`, undefined, { signal });
export const commitAll = (ids, signal) => post("uploads/commit", { upload_ids: ids }, { signal });
export const giveUp = (id) => del(`uploads/${id}`);
export const makeFolder = (path, signal) => post("folders", { path, parents: true }, { signal });
export const fileAt = (path, signal) => get("files", { path }, { signal });

const get = (path, query, options) => call("GET", path, { query, ...options });
const post = (path, body, options) => call("POST", path, { body, ...options });
const del = (path) => call("DELETE", path);

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

/** Whether somebody who may send these files is signed in; who is not is asked to. */
export async function isOwnerHere() {
  return (await whoAmI()).user.user_id === owner;
}

/**
 * Call in the name of the owner alone. Reads show the token too: else somebody who has signed in meanwhile, in another tab,
 * would answer for what is there already. A new session of the owner's is taken up.
 */
async function call(method, path, options = {}) {
  for (let tries = 1; ; tries += 1) {
    const shown = csrfToken();
    try {
      return await plainCall(method, path, { ...options, quiet: true, headers: { "X-CSRF-Token": shown } });
    } catch (error) {
      if (error.status !== 403 || tries > RENEWALS) throw error;
      const { user, csrf_token: token } = await plainGet("me", {}, { signal: options.signal, quiet: true });
      if (user.user_id !== owner) throw new ApiError(403, { code: "stranger" });
      if (token === shown) throw error;
      setCsrfToken(token);
    }
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
