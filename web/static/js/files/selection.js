// Which entries are selected: by id, so that it survives changes of place.

/**
 * @typedef {{get: () => Set<string>, has: (id: string) => boolean}} Selection
 *
 * @param {{subscribe?: AbortSignal}} [options]
 */
export function selecting() {
  let ids = new Set();
  let anchor = null;
  let isAll = false;
  const listeners = new Set();

  function set(next, { all = false } = {}) {
    isAll = all;
    if (next.size === ids.size && [...next].every((id) => ids.has(id))) return;
    ids = next;
    for (const listener of listeners) listener();
  }

  return {
    ids: () => ids,
    has: (id) => ids.has(id),
    size: () => ids.size,
    /** Whether all entries of the folder are meant, those too that are not loaded yet. */
    isAll: () => isAll,
    /** The id from which a range begins. */
    anchor: () => anchor,
    setAnchor(id) {
      anchor = id;
    },
    /** Select just these. */
    set: (next, options) => set(new Set(next), options),
    clear() {
      set(new Set());
    },
    toggle(id) {
      const next = new Set(ids);
      if (!next.delete(id)) next.add(id);
      anchor = id;
      set(next);
    },
    /** Add entries that were loaded while all are selected. */
    grow(more) {
      if (isAll) set(new Set([...ids, ...more]), { all: true });
    },
    /** Forget entries that are gone. */
    drop(gone) {
      const next = new Set(ids);
      for (const id of gone) next.delete(id);
      set(next, { all: isAll });
    },
    subscribe(listener, { signal }) {
      listeners.add(listener);
      signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}
