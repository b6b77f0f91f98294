// Looks at the place of each item before a byte of it is read: is it new, there already, or is its name taken?

import { State } from "./items.js";
import { Listings } from "./listings.js";
import { compare } from "./verdict.js";
import * as wire from "./wire.js";

const AT_ONCE = 4;
const KEPT_MS = 30_000; // how long a listing counts: what is new since is found when the upload is requested

export class Checker {
  #engine;
  #waiting = [];
  #running = 0;
  #listings = null;
  #listedMs = 0;

  constructor(engine) {
    this.#engine = engine;
  }

  get isBusy() {
    return this.#running > 0;
  }

  take(items) {
    this.#waiting.push(...items);
    while (this.#running < AT_ONCE && this.#running < this.#waiting.length) {
      this.#running += 1;
      this.#work();
    }
  }

  /** Note what was made: the next file of its name is to be compared with it. */
  made(file) {
    this.#listings?.note(file).catch(() => {}); // a folder that cannot be listed is told of where it is asked for
  }

  async #work() {
    for (let item = this.#waiting.shift(); item && !this.#engine.signal.aborted; item = this.#waiting.shift()) {
      if (item.state !== State.WAITING) continue;
      try {
        await this.#check(item);
      } catch (error) {
        this.#engine.failed(item, error);
      }
    }
    this.#running -= 1;
    if (this.#running === 0) this.#engine.settled();
  }

  async #check(item) {
    const engine = this.#engine;
    if (item.isFolder) {
      await this.#makeFolder(item);
      return;
    }
    const existing = await this.#since(item.batch.begunMs).find(item.target, item.batch.folder);
    if (item.state !== State.WAITING) return;
    const verdict = compare(item, existing);
    if (verdict === "same") {
      item.saved = item.size;
      engine.settle(item, { state: State.SKIPPED, note: { key: "same" } });
    } else if (verdict === "new" || item.policy === "rename" || existing.version_id === item.base) {
      item.existing = existing;
      engine.ready(item);
    } else {
      engine.refused(item, { code: "name_taken", current: existing });
    }
  }

  async #makeFolder(item) {
    try {
      await this.#engine.ask(() => wire.makeFolder(item.target, this.#engine.signal));
    } catch (error) {
      if (error.current?.kind !== "folder") throw error;
    }
    this.#engine.settle(item, { state: State.DONE });
  }

  /** What is there, as it was at a time or later: a file that was deleted since the last batch is not there any more. */
  #since(ms) {
    if (!this.#listings || this.#listedMs < ms || performance.now() - this.#listedMs > KEPT_MS) {
      this.#listings = new Listings((call, signal) => this.#engine.ask(call, signal), this.#engine.signal);
      this.#listedMs = performance.now();
    }
    return this.#listings;
  }
}
