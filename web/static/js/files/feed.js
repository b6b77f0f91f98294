// What changes while one looks: pages of the feed, from a cursor of this page's own, so that nothing is missed.

import { get } from "../core/api.js";
import { onChange } from "../core/events.js";

const END_OF_TIME_MS = 2 ** 53;
const LIMIT = 1000;
const LEAST_MS = 250;

/**
 * Follow the feed from now on.
 *
 * @param {{signal: AbortSignal, changed: (changes: Object[]) => void, lost: () => void}} options `changed` gets
 *   changes as GET /sync shows them; `lost` hears that the server was put back: everything is to be read anew
 * @returns {Promise<void>} resolved once nothing that happens from then on is missed
 */
export async function follow({ signal, changed, lost }) {
  let cursor = await now(signal);
  let busy = false;
  let again = false;

  async function pull() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      do {
        again = false;
        await page();
        await new Promise((done) => setTimeout(done, LEAST_MS)); // many small changes come as one
      } while (again && !signal.aborted);
    } finally {
      busy = false;
    }
  }

  async function page() {
    for (let more = true; more && !signal.aborted;) {
      try {
        const reply = await get("sync", { cursor, limit: LIMIT }, { signal });
        cursor = reply.cursor;
        more = reply.has_more;
        if (reply.changes.length) changed(reply.changes);
      } catch (error) {
        if (error.code !== "cursor_reset") return; // the next news asks again
        cursor = await now(signal);
        lost();
        return;
      }
    }
  }

  onChange(pull, { signal });
}

async function now(signal) {
  return (await get("sync", { lastSyncTimestamp: END_OF_TIME_MS, limit: 1 }, { signal })).cursor;
}
