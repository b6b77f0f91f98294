// What a search has found: pages of the server's answer, kept in step with what is done here.

import { ApiError, get } from "../core/api.js";

const LIMIT = 100;
const TRIES = 20;

/** The model of a search; it can do what the model of a folder can, as far as that makes sense. */
export function resultsModel({ signal }) {
  let entries = [];
  let turn = 0;
  let after = null;
  let query = null;
  let isStale = false;
  let isRefreshing = false;
  const listeners = new Set();
  const model = {
    /** @type {"idle" | "loading" | "ready" | "failed"} */
    status: "idle",
    file: null,
    error: null,
    total: 0,
    entries: () => entries,
    find: (id) => entries.find((file) => file.file_id === id),
    isWhole: () => after === null,
    isTaken: () => false,
    /** Look for something. @param {Object | null} next what GET /search takes; null shows nothing */
    search(next) {
      query = next;
      return load();
    },
    reload: load,
    refresh,
    loadAll: () => Promise.resolve(),
    more,
    put(files) {
      const fresh = new Map(files.map((file) => [file.file_id, file]));
      become(entries.map((file) => fresh.get(file.file_id) ?? file));
    },
    remove(ids) {
      const gone = new Set(ids);
      become(entries.filter((file) => !gone.has(file.file_id)), ids);
    },
    subscribe(listener, within) {
      listeners.add(listener);
      within?.signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
  return model;

  function tell(event) {
    for (const listener of listeners) listener(event);
  }

  function become(next, removed = []) {
    entries = next;
    model.total = entries.length;
    tell({ what: "changed", removed });
  }

  async function load() {
    turn += 1;
    after = null;
    if (!query) {
      model.status = "idle";
      become([]);
      return;
    }
    model.status = "loading";
    tell({ what: "status" });
    await page(turn, []);
  }

  async function more() {
    await page(turn, entries);
  }

  /** Look again for as much as is shown, which stays until it is known: something has changed somewhere. */
  async function refresh() {
    isStale = true;
    if (isRefreshing || model.status !== "ready") return;
    isRefreshing = true;
    while (isStale && model.status === "ready") {
      isStale = false;
      await page((turn += 1), [], Math.max(LIMIT, entries.length));
    }
    isRefreshing = false;
  }

  /** A page may be short, or empty, and have a next one: the server looks at so many names and no more. */
  async function page(mine, before, least = LIMIT) {
    const found = [];
    let next = before.length ? after : null;
    try {
      for (let tries = 0; tries < TRIES && found.length < least && (tries === 0 || next); tries += 1) {
        const reply = await get("search", { ...query, limit: LIMIT, after: next }, { signal });
        if (mine !== turn) return;
        found.push(...reply.items);
        next = reply.next;
      }
      after = next;
      model.status = "ready";
      const staying = new Set([...before, ...found].map((file) => file.file_id));
      become([...before, ...found], entries.map((file) => file.file_id).filter((id) => !staying.has(id)));
    } catch (error) {
      if (mine !== turn || error.name === "AbortError") return;
      if (!(error instanceof ApiError)) throw error;
      model.status = "failed";
      model.error = error;
      tell({ what: "status" });
    }
  }
}
