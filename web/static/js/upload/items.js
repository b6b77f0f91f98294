// One file on its way, and what is told of it.

import { Gate } from "./gate.js";

/** Where an item stands. The panel has a tab for each group of these. */
export const State = {
  WAITING: "waiting", // nothing is known of its place yet
  ASKING: "asking", // something else has its name: somebody must decide
  READY: "ready",
  ACTIVE: "active",
  DONE: "done",
  PROBLEM: "problem",
  SKIPPED: "skipped",
  CANCELLED: "cancelled",
};

/** What is being done with an active one. */
export const Phase = { READING: "reading", CHECKING: "checking", SENDING: "sending", FINISHING: "finishing" };

const UNSURE = 0.95; // what is sent and not yet a file counts so much

// Each tab counts from elsewhere: an order that was meant for the queue of a tab that is gone means nothing in another.
let next = Math.floor(Math.random() * 2 ** 48);

export class Item {
  /**
   * @param {object} batch  {id, folder}
   * @param {string} path  Relative, as the server takes it.
   * @param {import("./scan.js").Found | null} found  None for a folder with nothing in it.
   * @param {Gate} gate  The queue's.
   */
  constructor(batch, path, found, gate) {
    this.id = next;
    next += 1;
    this.batch = batch;
    this.path = path;
    this.isFolder = found === null;
    this.take(found ?? { file: null, size: 0, mtimeMs: 0 });
    this.state = State.WAITING;
    this.phase = null;
    /** Bytes that the server has, those that it had before, and those of requests under way. */
    this.through = 0;
    this.saved = 0;
    this.flying = 0;
    /** Why it is a problem or was skipped: {key, detail?, proposal?}. */
    this.note = null;
    /** What else has its name; what is to be done then: null, "rename", "replace"; and the version to be replaced. */
    this.existing = null;
    this.policy = null;
    this.base = null;
    this.uploadId = null;
    this.recordKey = null;
    /** The bytes, where the browser keeps them. */
    this.copy = null;
    this.restarts = 0;
    this.losses = 0;
    /** The pack that it is in. */
    this.run = null;
    /** While a cancel can be taken back: {before, timer}. */
    this.cancelled = null;
    this.gate = new Gate(gate);
    this.controller = new AbortController();
  }

  /** Take this file's bytes. */
  take({ file, size, mtimeMs }) {
    this.file = file;
    this.size = size;
    this.mtimeMs = mtimeMs;
  }

  /** Where it goes, as an absolute path. */
  get target() {
    return `${this.batch.folder === "/" ? "" : this.batch.folder}/${this.path}`;
  }

  /** How much of it is done, from 0 to 1. */
  get share() {
    if (this.state === State.DONE) return 1;
    return this.size === 0 ? 0 : UNSURE * Math.min(1, (this.through + this.flying) / this.size);
  }

  get isOver() {
    return [State.DONE, State.PROBLEM, State.SKIPPED, State.CANCELLED].includes(this.state);
  }

  /** Begin its counts anew. */
  rewind() {
    this.through = 0;
    this.saved = 0;
    this.flying = 0;
    this.phase = null;
    this.run = null;
  }

  /** Where it goes, as an upload request says it. */
  wish() {
    const wish = { path: this.target, size: this.size, mtime_ms: this.mtimeMs, parents: true };
    if (this.policy === "rename") wish.on_conflict = "rename";
    if (this.policy === "replace") wish.base_version = this.base;
    return wish;
  }
}
