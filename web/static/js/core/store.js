// A value that others watch.

/**
 * Make a store.
 *
 * @template T
 * @param {T} initial an object
 * @returns {{get: () => T, set: (patch: Partial<T>) => void,
 *   subscribe: (listener: (now: T, before: T) => void, options?: {signal?: AbortSignal}) => () => void}}
 */
export function store(initial) {
  let value = initial;
  const listeners = new Set();
  return {
    get: () => value,
    set(patch) {
      const before = value;
      if (Object.keys(patch).every((key) => Object.is(before[key], patch[key]))) return;
      value = { ...before, ...patch };
      for (const listener of [...listeners]) listener(value, before);
    },
    /** Call `listener` after each change, until `signal` aborts or what is returned is called. */
    subscribe(listener, { signal } = {}) {
      listeners.add(listener);
      const end = () => listeners.delete(listener);
      signal?.addEventListener("abort", end, { once: true });
      return end;
    },
  };
}
