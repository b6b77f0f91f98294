// An entry of its own in the history, of the same address, for what lies over a view: the back button of a phone
// closes it, and the router leaves the view below alone.

let leaving = Promise.resolve();

/**
 * Make an entry.
 *
 * @param {() => void} onBack one has gone back; the entry is gone by then
 * @returns {Promise<() => void>} takes the entry away again
 */
export async function pushEntry(onBack) {
  await leaving; // going back takes a moment, and must not meet the next entry
  const off = new AbortController();
  history.pushState({ over: true }, "", location.href);
  addEventListener("popstate", () => {
    off.abort();
    onBack();
  }, { signal: off.signal });
  return () => {
    if (off.signal.aborted) return;
    off.abort();
    leaving = new Promise((resolve) => addEventListener("popstate", resolve, { once: true }));
    history.back();
  };
}
