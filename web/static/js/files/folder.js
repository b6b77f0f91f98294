// The folder that is open: its entries, page by page in the server's order, kept in step with what changes.

import { ApiError, get } from "../core/api.js";
import { comparing } from "./order.js";
import { follow } from "./feed.js";
import { isWithin, namesOf } from "./places.js";

const FIRST = 300;
const PAGE = 1000;
const AT_ONCE = 20_000;

/**
 * The model of an open folder.
 *
 * @typedef {"loading" | "ready" | "failed" | "gone"} Status
 * @param {{signal: AbortSignal, sorting: {sort: string, order: string}}} options
 */
export function folderModel({ signal, sorting }) {
  let turn = 0;
  let off = new AbortController();
  let entries = [];
  let byId = new Map();
  let after = null;
  let loading = null;
  let meanwhile = null; // what has changed since the entries that are on their way were asked for
  const listeners = new Set();
  let feed = null;
  const model = {
    /** @type {Status} */
    status: "loading",
    /** The File of the folder, null until it is known. */
    file: null,
    error: null,
    /** How many entries there are, those not loaded yet too. */
    total: 0,
    sorting,
    entries: () => entries,
    find: (id) => byId.get(id),
    isWhole: () => after === null,
    /** Whether an entry that is loaded has this name: the server knows of all. */
    isTaken: (name) => entries.some((file) => file.name === name.normalize("NFC")),
    open,
    reload: () => load(turn),
    sortBy,
    loadAll,
    put: (files) => apply(files, []),
    remove: (ids) => apply([], ids),
    /** Hear of what happens, `({what: "opened" | "page" | "changed" | "status", removed, added})`, until `signal` aborts. */
    subscribe(listener, within) {
      listeners.add(listener);
      within?.signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
  signal.addEventListener("abort", () => off.abort());
  return model;

  function tell(event) {
    for (const listener of listeners) listener(event);
  }

  function become(status, error = null) {
    model.status = status;
    model.error = error;
    tell({ what: "status" });
  }

  /** Show another folder. @param {string[]} path names from the home down @param {Object} [known] its File, if known */
  async function open(path, known = null) {
    const mine = (turn += 1);
    off.abort();
    off = new AbortController();
    model.path = path;
    model.file = known;
    become("loading");
    try {
      feed ??= follow({ signal, changed, lost: () => load(turn) }).catch((error) => {
        feed = null;
        throw error;
      });
      const [file] = await Promise.all([known ?? get("files", { path: `/${path.join("/")}` }, { signal: off.signal }), feed]);
      if (mine !== turn) return;
      if (file.kind !== "folder") return tell({ what: "file", file });
      model.file = file;
      await load(mine);
    } catch (error) {
      failed(error, mine);
    }
  }

  async function load(mine) {
    if (!model.file) return open(model.path);
    off.abort();
    off = new AbortController();
    loading = null;
    const since = (meanwhile = []);
    try {
      const page = await get(`folders/${model.file.file_id}/children`, { ...model.sorting, limit: FIRST }, { signal: off.signal });
      if (mine !== turn) return;
      entries = page.items;
      byId = new Map(entries.map((file) => [file.file_id, file]));
      after = page.next;
      model.total = Math.max(page.total, entries.length);
      model.status = "ready";
      model.error = null;
      tell({ what: "opened" });
      if (meanwhile === since) meanwhile = null;
      for (const changes of since) changed(changes);
      if (after !== null && model.total <= AT_ONCE) loadAll().catch(() => {});
    } catch (error) {
      failed(error, mine);
    }
  }

  function failed(error, mine) {
    if (error.name === "AbortError" || mine !== turn) return;
    if (!(error instanceof ApiError)) throw error;
    meanwhile = null;
    become(error.status === 404 ? "gone" : "failed", error);
  }

  /** Load the pages that are still to come. */
  function loadAll() {
    if (after === null) return Promise.resolve();
    if (!loading) {
      const mine = more(turn, off.signal).finally(() => {
        if (loading === mine) loading = null;
      });
      loading = mine;
    }
    return loading;
  }

  async function more(mine, within) {
    while (after !== null) {
      const page = await get(`folders/${model.file.file_id}/children`, { ...model.sorting, limit: PAGE, after }, { signal: within });
      if (mine !== turn || within.aborted) return;
      const fresh = page.items.filter((file) => !byId.has(file.file_id));
      for (const file of fresh) byId.set(file.file_id, file);
      entries = [...entries, ...fresh];
      after = page.next;
      model.total = after === null ? entries.length : Math.max(model.total, entries.length);
      tell({ what: "page", added: fresh });
    }
  }

  function sortBy(next) {
    model.sorting = next;
    return load(turn);
  }

  function changed(changes) {
    const { file } = model;
    meanwhile?.push(changes);
    if (model.status === "gone" && changes.some(bringsBack)) return void open(model.path);
    if (!file || model.status === "loading") return;
    const own = changes.find((change) => change.file.file_id === file.file_id);
    if (own?.type === "delete") return become("gone");
    if (own && own.file.path !== file.path) movedTo(own.file);
    else if (own) model.file = own.file;
    const here = changes.filter((change) => change.file.file_id !== file.file_id);
    const isHere = (change) => change.type === "upsert" && change.file.parent_id === file.file_id;
    apply(here.filter(isHere).map((change) => change.file), here.filter((change) => !isHere(change)).map((change) => change.file.file_id));
    // A folder above that has another name, or is gone, is no change of what is below it. The feed repeats those that stay.
    const isAbove = (change) => change.type === "upsert" && isWithin(model.file.path, change.file.path);
    if (here.some((change) => change.file.kind === "folder" && !isHere(change) && !isAbove(change))) checkPlace(turn);
  }

  function bringsBack({ type, file }) {
    return type === "upsert" && file.kind === "folder" && file.path !== "/" && isWithin(`/${model.path.join("/")}`, file.path);
  }

  function movedTo(file) {
    model.file = file;
    model.path = namesOf(file.path);
    tell({ what: "moved" });
  }

  async function checkPlace(mine) {
    try {
      const file = await get(`files/${model.file.file_id}`, {}, { signal: off.signal });
      if (mine !== turn) return;
      if (file.path !== model.file.path) movedTo(file);
      else model.file = file;
    } catch (error) {
      if (error.status === 404 && mine === turn) become("gone");
    }
  }

  /** Put Files in their places, and take entries out. */
  function apply(files, gone) {
    const compare = comparing(model.sorting.sort, model.sorting.order);
    const removed = gone.filter((id) => byId.has(id));
    const fresh = files.filter((file) => (byId.get(file.file_id)?.seq ?? -1) <= file.seq);
    const added = fresh.filter((file) => !byId.has(file.file_id));
    if (!removed.length && !fresh.length) return;
    const leaving = new Set([...removed, ...fresh.map((file) => file.file_id)]);
    for (const id of leaving) byId.delete(id);
    const staying = entries.filter((file) => !leaving.has(file.file_id));
    const last = staying.at(-1);
    // What belongs behind the last page that is loaded comes with its own page.
    const placed = fresh.filter((file) => after === null || (last && compare(file, last) <= 0)).sort(compare);
    for (const file of placed) byId.set(file.file_id, file);
    entries = merge(staying, placed, compare);
    model.total = after === null ? entries.length : Math.max(entries.length, model.total + added.length - removed.length);
    tell({ what: "changed", removed, added });
  }
}

function merge(entries, placed, compare) {
  if (!placed.length) return entries;
  const merged = [];
  let at = 0;
  for (const file of placed) {
    const to = placeOf(entries, file, compare, at);
    for (; at < to; at += 1) merged.push(entries[at]);
    merged.push(file);
  }
  for (; at < entries.length; at += 1) merged.push(entries[at]);
  return merged;
}

function placeOf(entries, file, compare, from) {
  let low = from;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(entries[middle], file) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
