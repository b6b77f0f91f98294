// All items, what they add up to, and what is remembered of them. Changes are told at most four times a second.

import { State } from "./items.js";
import { Rate } from "./rate.js";

const TOLD_MS = 250;
const LEFT_OUT = new Set([State.SKIPPED, State.CANCELLED, State.PROBLEM]);
const PAUSABLE = new Set([State.READY, State.ACTIVE]);
const FORGOTTEN = new Set([State.DONE, State.SKIPPED, State.CANCELLED]);

export class Ledger {
  #records;
  #items = new Map();
  #changed = new Set();
  #gone = [];
  #removed = [];
  #timer = null;
  #rate = new Rate();
  #wire = 0;
  onTold = () => {};

  constructor(records) {
    this.#records = records;
  }

  get items() {
    return this.#items;
  }

  add(items) {
    for (const item of items) {
      this.#items.set(item.id, item);
      this.told(item);
    }
    this.#remember(items.filter((item) => item.file && !FORGOTTEN.has(item.state) && item.recordKey === null));
  }

  told(item) {
    this.#changed.add(item);
    this.announce();
  }

  settled(item) {
    if (FORGOTTEN.has(item.state)) {
      this.#gone.push(item);
      item.file = item.state === State.DONE ? null : item.file; // so that the browser lets go of it
    }
    this.told(item);
  }

  opened(item) {
    if (item.recordKey !== null) this.#records.put({ ...recordOf(item), key: item.recordKey });
  }

  /** Remember the uploads of a pack until it ends: the queue after this one gives them up, for they hold room on the server. */
  packOpened(uploads) {
    return this.#records.addPack(uploads);
  }

  async packEnded(noted) {
    const key = await noted.catch(() => undefined);
    if (key !== undefined) this.#records.dropPack(key);
  }

  /** Take items off the list. */
  clear(items) {
    for (const item of items) {
      this.#items.delete(item.id);
      this.#changed.delete(item);
      this.#removed.push(item.id);
      this.#gone.push(item);
    }
    this.announce();
  }

  /** Tell soon, of changes that are in no item too. */
  announce() {
    this.#timer ??= setTimeout(() => this.#tell(), TOLD_MS);
  }

  /** What everything adds up to, and every row: for one who comes later. */
  snapshot() {
    return { rows: [...this.#items.values()].map(rowOf), removed: [], totals: this.totals() };
  }

  totals(nowMs = performance.now()) {
    const totals = { count: {}, paused: 0, files: 0, filesDone: 0, bytes: 0, through: 0, saved: 0 };
    for (const item of this.#items.values()) {
      totals.count[item.state] = (totals.count[item.state] ?? 0) + 1;
      totals.saved += item.saved;
      if (item.gate.isShut && PAUSABLE.has(item.state)) totals.paused += 1;
      if (LEFT_OUT.has(item.state)) continue;
      totals.files += 1;
      totals.filesDone += item.state === State.DONE ? 1 : 0;
      totals.bytes += item.size;
      totals.through += item.share * item.size;
    }
    totals.perSecond = this.#rate.perSecond();
    totals.secondsLeft = this.#rate.secondsFor(totals.bytes - totals.through, nowMs);
    return totals;
  }

  /** Begin the rate anew, after a pause. */
  resetRate() {
    this.#rate.reset();
  }

  #tell() {
    this.#timer = null;
    const nowMs = performance.now();
    const before = this.totals(nowMs);
    this.#rate.note(before.through, nowMs);
    const rows = [...this.#changed].map(rowOf);
    const removed = this.#removed;
    this.#changed.clear();
    this.#removed = [];
    this.#forget();
    this.onTold({ rows, removed, totals: { ...before, perSecond: this.#rate.perSecond() } });
  }

  async #remember(items) {
    if (items.length === 0) return;
    let keys = [];
    try {
      keys = await this.#records.add(items.map(recordOf));
    } catch {
      for (const item of items) item.copy = null; // the browser has no room for the bytes: then for the names alone
      keys = await this.#records.add(items.map(recordOf)).catch(() => []);
    }
    items.forEach((item, index) => {
      item.recordKey = keys[index] ?? null;
      if (FORGOTTEN.has(item.state)) this.#gone.push(item);
      else if (item.uploadId) this.opened(item);
    });
    this.announce();
  }

  #forget() {
    const keys = this.#gone.map(({ recordKey }) => recordKey).filter((key) => key !== null);
    this.#gone = [];
    if (keys.length > 0) this.#records.remove(keys);
  }
}

function recordOf(item) {
  return {
    batch: item.batch.id,
    folder: item.batch.folder,
    path: item.path,
    size: item.size,
    mtimeMs: item.mtimeMs,
    uploadId: item.uploadId,
    policy: item.policy,
    base: item.base,
    ...(item.copy ? { copy: item.copy } : {}),
  };
}

/** What the panel, and other tabs, are told of an item. */
function rowOf(item) {
  return {
    id: item.id,
    batch: item.batch.id,
    folder: item.batch.folder,
    path: item.path,
    size: item.size,
    state: item.state,
    phase: item.phase,
    share: item.share,
    saved: item.saved,
    isPaused: item.gate.isShut,
    note: item.note,
    mtimeMs: item.mtimeMs,
    existing: item.state === State.ASKING ? item.existing : null,
  };
}
