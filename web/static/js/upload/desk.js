// Where files are handed in and orders given, in the tab that has the queue.

import { Item, State } from "./items.js";
import { checkPath, fits, isLitter } from "./names.js";
import { ORDERS } from "./orders.js";

const SMALL_COPY = 16 * 1024 * 1024;
const COPIES = 256 * 1024 * 1024; // of all that the browser keeps

/**
 * Files that were handed in together.
 * @typedef {{id: string, tab: string, folder: string, policy: string | null, isOpen: boolean, begunMs: number,
 *   under: Map<string, Item>}} Batch
 *   `under`: what was handed in; a phone may give two files of one name.
 */

export class Desk {
  #engine;
  #records;
  #batches = new Map();
  #known = new Map(); // place of a file to its record, of earlier runs
  #keepsCopies;

  /**
   * @param {import("./engine.js").Engine} engine
   * @param {import("./records.js").Records} records
   * @param {import("./records.js").Record[]} unfinished  Of earlier runs.
   * @param {() => boolean} keepsCopies  Whether small files are to be kept in the browser.
   */
  constructor(engine, records, unfinished, keepsCopies) {
    this.#engine = engine;
    this.#records = records;
    this.#keepsCopies = keepsCopies;
    for (const record of unfinished) {
      const twin = this.#known.get(placeOf(record)); // the same file was on its way twice
      if (twin) this.#drop([twin]);
      this.#known.set(placeOf(record), record);
    }
  }

  /** The batches that have come here. */
  get batches() {
    return [...this.#batches.keys()];
  }

  /** How many batches are still being read from the disk. */
  get reading() {
    return [...this.#batches.values()].filter(({ isOpen }) => isOpen).length;
  }

  /** What earlier runs left, and nobody has handed in again. */
  get unfinished() {
    return [...this.#known.values()];
  }

  /** Batches in which somebody must decide about names, and nothing more is to come. */
  get asking() {
    const asking = new Set();
    const busy = new Set();
    for (const { state, batch } of this.#engine.ledger.items.values()) {
      if (state === State.ASKING) asking.add(batch);
      else if (state === State.WAITING) busy.add(batch);
    }
    return [...asking].filter((batch) => !batch.isOpen && !busy.has(batch)).map(({ id, tab }) => ({ id, tab }));
  }

  /** Take a piece of a batch; see scan.js. */
  take({ id, tab, folder }, { files, folders }) {
    if (!this.#batches.has(id)) this.#batches.set(id, { id, tab, folder, policy: null, isOpen: true, begunMs: performance.now(), under: new Map() });
    const batch = this.#batches.get(id);
    const isNew = (found) => batch.under.get(keyOf(found))?.isOver ?? true; // tabs that change hands may say a thing twice
    const items = [
      ...files.filter(isNew).map((found) => this.#item(batch, found.path, found)),
      ...folders.filter((path) => isNew({ path })).map((path) => this.#item(batch, path, null)),
    ];
    if (this.#keepsCopies()) this.#keep(items);
    this.#engine.take(items);
  }

  /** A batch is complete. */
  close(id) {
    const batch = this.#batches.get(id);
    if (batch) batch.isOpen = false;
    this.#engine.settled();
    this.#engine.ledger.announce();
  }

  /** A tab is gone: nothing more comes of what it read. */
  closeAll(tab) {
    for (const batch of this.#batches.values()) if (batch.tab === tab) this.close(batch.id);
  }

  /** Go on with files whose bytes the browser kept. */
  takeCopies(tab) {
    for (const { batch, folder, path, mtimeMs, copy } of this.unfinished.filter((record) => record.copy)) {
      const file = new File([copy], path.split("/").at(-1), { lastModified: mtimeMs });
      this.take({ id: batch, tab, folder }, { files: [{ path, file, size: copy.size, mtimeMs }], folders: [] });
      this.close(batch);
    }
  }

  /** Forget what earlier runs left. */
  discard() {
    const records = this.unfinished;
    this.#known.clear();
    this.#drop(records);
    for (const batch of new Set(records.map((record) => record.batch))) this.#records.dropHandles(batch);
    this.#engine.ledger.announce();
  }

  /** Do what somebody ordered: of all items, or of those named. */
  order(name, { ids = null, ...values } = {}) {
    const all = this.#engine.ledger.items;
    const items = ids === null ? [...all.values()] : ids.map((id) => all.get(id)).filter(Boolean);
    ORDERS[name](this.#engine, items, values, ids === null);
    if (name === "clear") this.#forgetCleared();
    this.#engine.ledger.announce();
  }

  #forgetCleared() {
    for (const { id, isOpen, under } of this.#batches.values()) {
      for (const [key, item] of under) if (!this.#engine.ledger.items.has(item.id)) under.delete(key);
      if (!isOpen && under.size === 0) this.#batches.delete(id);
    }
  }

  #drop(records) {
    for (const { uploadId } of records) this.#engine.giveUp(uploadId);
    this.#records.remove(records.map(({ key }) => key));
  }

  #item(batch, path, found) {
    const limits = this.#engine.limits;
    const checked = checkPath(path, limits);
    const item = new Item(batch, path.normalize("NFC"), found, this.#engine.queueGate);
    batch.under.set(keyOf(found ?? { path }), item);
    const set = (state, note) => Object.assign(item, { state, note });
    if (isLitter(path.slice(path.lastIndexOf("/") + 1))) set(State.SKIPPED, { key: "litter" });
    else if (!checked.isFine) set(State.PROBLEM, { key: "name", proposal: checked.path });
    else if (!fits(item.target, limits)) set(State.PROBLEM, { key: "path_long" });
    else if (found && !found.file) set(State.PROBLEM, { key: "unreadable" });
    else if (found) this.#recognise(item);
    return item;
  }

  /** Let a file go on with the upload of an earlier run. */
  #recognise(item) {
    const place = placeOf({ folder: item.batch.folder, path: item.path, size: item.size, mtimeMs: item.mtimeMs });
    const record = this.#known.get(place);
    if (!record) return;
    this.#known.delete(place);
    item.recordKey = record.key;
    item.uploadId = record.uploadId;
    item.policy = record.policy;
    item.base = record.base;
    item.copy = record.copy ?? null;
  }

  #keep(items) {
    let room = COPIES;
    for (const { copy, isOver } of this.#engine.ledger.items.values()) room -= copy && !isOver ? copy.size : 0;
    for (const item of items) {
      if (!item.file || item.copy || item.size > Math.min(SMALL_COPY, room)) continue;
      item.copy = item.file;
      room -= item.size;
    }
  }
}

function keyOf({ path, size, mtimeMs }) {
  return JSON.stringify([path, size, mtimeMs]);
}

function placeOf({ folder, path, size, mtimeMs }) {
  return JSON.stringify([folder, path, size, mtimeMs]);
}
