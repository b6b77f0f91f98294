// Calls of the server's API (/api/v1): JSON in and out, refusals as ApiError.

/** Where the server stands, with a "/" at the end; it may be below a path of another server. */
export const ROOT = new URL("../../../../", import.meta.url);

// Whom this page was made for; nobody on pages outside the shell.
const owner = document.body?.dataset.username ?? "";
let token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
let hooks = { signIn: null, prove: null };

/** A refusal, or no answer at all (status 0, code "offline"). */
export class ApiError extends Error {
  /** @param {number} status @param {Object} problem RFC 9457; its own members stay readable there */
  constructor(status, problem, retryAfter = 0) {
    super(problem.detail ?? problem.code);
    this.status = status;
    this.code = problem.code;
    this.detail = problem.detail ?? "";
    /** The File as it is now, with a conflict. */
    this.current = problem.current ?? null;
    /** Seconds to wait, with 429 and 503. */
    this.retryAfter = retryAfter;
    this.requestId = problem.request_id ?? "";
    this.problem = problem;
  }
}

/** The CSRF token of this session, for those who send without `call`. */
export function csrfToken() {
  return token;
}

/** Take the token of a new session. */
export function setCsrfToken(next) {
  token = next;
}

/** Say who asks for a sign-in (401) and for the password (reauth_required); each resolves to true once it is done. */
export function setHooks(next) {
  hooks = { ...hooks, ...next };
}

/** The absolute URL of a path of the server; `query` leaves out what is null or undefined. */
export function url(path, query = {}) {
  const made = new URL(path.replace(/^\//, ""), ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) made.searchParams.set(name, value);
  }
  return made;
}

/**
 * Call the server. A session that has ended is renewed in place, and a proof that is too old as well, then it is tried
 * once more.
 *
 * @param {string} method
 * @param {string} path below /api/v1/, such as "folders/root/children"
 * @param {{query?: Object, body?: any, headers?: Object, signal?: AbortSignal, quiet?: boolean, secret?: boolean}} [options]
 *   `body` is sent as JSON; `quiet` asks the person for nothing; `secret`: the call shows a password or a code, so a 401
 *   says that this is wrong, unless the session has ended as well
 * @returns {Promise<any>} the JSON of the answer, null where there is none
 * @throws {ApiError} and AbortError
 */
export async function call(method, path, options = {}) {
  for (let tries = 0; ; tries += 1) {
    const response = await send(method, path, options);
    if (response.ok) return response.status === 204 ? null : response.json();
    const error = await refusal(response);
    if (error.status === 401 && options.secret && (await isSignedIn())) throw error;
    if (error.code === "forbidden" && method !== "GET" && !tries && (await hasOtherToken())) continue;
    if (error.status === 401) error.detail = ""; // how to sign in, which it tells to programs
    const hook = error.status === 401 ? hooks.signIn : error.code === "reauth_required" ? hooks.prove : null;
    if (!hook || tries || options.quiet || !(await hook())) throw error;
  }
}

export const get = (path, query, options) => call("GET", path, { query, ...options });
export const post = (path, body, options) => call("POST", path, { body, ...options });
export const patch = (path, body, options) => call("PATCH", path, { body, ...options });
export const del = (path, query, options) => call("DELETE", path, { query, ...options });

/**
 * What GET /me says. The session may be another by now, for all tabs share it: then its token counts from now on, and a
 * page that was made for somebody else gives way to one for who is signed in.
 *
 * @throws {ApiError} as `call`
 */
export async function whoAmI(options = {}) {
  const me = await get("me", {}, options);
  if (owner && me.user.username !== owner) {
    location.reload(); // the person may stay, where files are on their way: nothing may go on in another's name
    throw new ApiError(403, { code: "stranger" });
  }
  if (me.csrf_token) token = me.csrf_token;
  return me;
}

async function isSignedIn() {
  return (await send("GET", "me", {})).ok;
}

/** Whether a change was refused because another tab has signed in anew; the new token is known then. */
async function hasOtherToken() {
  const before = token;
  await whoAmI({ quiet: true }).catch(() => {});
  return token !== before;
}

async function send(method, path, { query, body, headers, signal }) {
  const request = { method, signal, headers: { Accept: "application/json", ...headers } };
  if (method !== "GET") request.headers["X-CSRF-Token"] = token;
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(url(`api/v1/${path}`, query), request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline" });
  }
}

async function refusal(response) {
  let problem = { code: "internal" };
  try {
    problem = await response.json();
  } catch {
    // A proxy in between answers with a page of its own.
  }
  return new ApiError(response.status, problem, Number(response.headers.get("Retry-After") ?? 0));
}
