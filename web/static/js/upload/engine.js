// The queue: decides what is sent next, keeps count, and remembers. One tab of the browser has it.

import { cutFor } from "./chunker.js";
import { Checker } from "./checker.js";
import { Courier } from "./courier.js";
import { Gate } from "./gate.js";
import { State } from "./items.js";
import { sendLarge } from "./large.js";
import { Ledger } from "./ledger.js";
import { Outcomes } from "./outcomes.js";
import { PACKED, PACK_BYTES, PACK_FILES, sendPack } from "./pack.js";
import { Patience } from "./patience.js";
import { HashWorker, NetWorker } from "./workers.js";
import * as wire from "./wire.js";

const PACKS = 4; // at once: while one is sent, others are hashed, requested and committed
const LARGE = 2;
const IDLE_MS = 300; // a pack that is not full waits so long for more
const RESTARTS = 1; // of a file that changed while it was sent
const LOSSES = 5; // of a file, by a server that is killed again and again

/** What those that send files are given; see `Engine`. @typedef {Engine} Work */

export class Engine {
  /** The queue's own gate: everything passes it. */
  queueGate = new Gate();
  /** Why it is shut: null, "person", "session", "stranger" or "full". */
  held = null;
  limits;

  #controller = new AbortController();
  #start;
  #hash = null;
  #net = null;
  #courier = null;
  #chunker;
  #patience;
  #checker;
  #outcomes;
  #small = [];
  #smallBytes = 0;
  #large = [];
  #packs = 0;
  #larges = new Set();
  #idle = null;

  /**
   * @param {object} profile  The answer of `me`.
   * @param {import("./records.js").Records} records
   * @param {object} options
   * @param {number} options.requests  Bodies at once.
   * @param {() => void} options.onBeat  Called every second.
   */
  constructor(profile, records, { requests, onBeat }) {
    this.limits = profile.limits;
    this.#chunker = profile.chunker;
    this.ledger = new Ledger(records);
    this.#patience = new Patience(wire.answers, () => this.ledger.announce());
    this.#start = () => {
      this.#hash = new HashWorker();
      this.#net = new NetWorker(onBeat);
      const parts = { net: this.#net, hash: this.#hash, patience: this.#patience, requests, limits: this.limits };
      this.#courier = new Courier(parts);
    };
    this.#checker = new Checker(this);
    this.#outcomes = new Outcomes(this);
    addEventListener("online", () => this.#patience.wake(), { signal: this.signal });
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Reads, cuts and hashes; like the courier there from the first file on. */
  get hash() {
    return this.#hash;
  }

  get courier() {
    return this.#courier;
  }

  get isReachable() {
    return this.#patience.isReachable;
  }

  end() {
    this.#controller.abort(new DOMException("The queue was closed.", "AbortError"));
    this.#hash?.end();
    this.#net?.end();
    this.#courier?.end();
  }

  // What comes in

  /** Take items: those that wait are checked, the rest is only shown. */
  take(items) {
    if (!this.#hash) this.#start();
    this.ledger.add(items);
    this.#checker.take(items.filter(({ state }) => state === State.WAITING));
  }

  /** Look at the place of an item again, or for the first time. */
  check(item) {
    item.state = State.WAITING;
    item.note = null;
    this.told(item);
    this.#checker.take([item]);
  }

  /** Take a file out of the pack that it is in: it goes in another, once it may. */
  setAside(item) {
    if (item.state === State.ACTIVE && item.run) this.again(item);
  }

  /** Nothing more comes of a batch for now: a pack need not wait. */
  settled() {
    this.#pump(true);
  }

  /** Send an item as soon as it is its turn. */
  ready(item) {
    item.state = State.READY;
    this.told(item);
    if (item.size < PACKED) {
      this.#small.push(item);
      this.#smallBytes += item.size;
    } else {
      this.#large.push(item);
    }
    this.#pump(false);
  }

  // Pause and go on

  hold(reason) {
    this.held ??= reason;
    this.queueGate.shut();
    this.ledger.announce();
  }

  goOn() {
    this.held = null;
    this.queueGate.open();
    this.#patience.wake();
    this.ledger.announce();
    this.#pump(false);
  }

  // What those that send use

  cutOf(size) {
    return cutFor(size, this.#chunker, this.limits.chunks_per_file);
  }

  /** Make a call until it is through; a session that ended and a full disk pause the queue, and then it is made again. */
  async ask(call, signal = this.signal) {
    for (;;) {
      await this.queueGate.pass(signal);
      try {
        return await this.#patience.run(call, signal);
      } catch (error) {
        if (error.status === 401) this.hold("session");
        else if (error.code === "stranger") this.hold("stranger");
        else if (error.status === 507) this.hold("full");
        else throw error;
      }
    }
  }

  enter(item, phase) {
    if (item.phase === phase || item.state !== State.ACTIVE) return;
    item.phase = phase;
    this.told(item);
  }

  told(item) {
    this.ledger.told(item);
  }

  /** Note how it ended; or where it goes on, such as READY. */
  settle(item, { state, note = null, file = null }) {
    if (item.state === State.CANCELLED) {
      if (state !== State.DONE) return;
      clearTimeout(item.cancelled?.timer); // it came too late
      item.cancelled = null;
    }
    item.state = state;
    item.note = note;
    item.flying = 0;
    this.ledger.settled(item);
    if (file) this.#checker.made(file);
  }

  opened(item) {
    this.ledger.opened(item);
  }

  /** Remember an item, and all that may be new about it. */
  remember(item) {
    item.recordKey = null;
    this.ledger.add([item]);
  }

  giveUp(uploadId) {
    if (uploadId) wire.giveUp(uploadId).catch(() => {}); // then it expires
  }

  /** Give up what packs of an earlier queue had opened, one after the other: nobody waits for it. */
  async giveUpAll(uploadIds) {
    for (const id of uploadIds) await wire.giveUp(id).catch(() => {});
  }

  /** Give up what was opened for an item. */
  forget(item) {
    this.giveUp(item.uploadId);
    item.uploadId = null;
    item.rewind();
    this.ledger.opened(item);
  }

  again(item) {
    if (item.state === State.CANCELLED || item.state === State.READY) return;
    item.rewind();
    this.ready(item);
  }

  /** The bytes of an item are not what they were: begin it once more, then ask for it to be chosen anew. */
  changed(item) {
    if (item.restarts >= RESTARTS) {
      this.settle(item, { state: State.PROBLEM, note: { key: "changed" } });
      return;
    }
    item.restarts += 1;
    this.again(item);
  }

  /** The server has lost what it took of an item, as it does when it is killed: send it again, but not for ever. */
  lost(item) {
    item.losses += 1;
    if (item.losses > LOSSES) this.refused(item, { code: "missing_chunks" });
    else this.again(item);
  }

  refused(item, problem) {
    this.#outcomes.refused(item, problem);
  }

  failed(item, error) {
    this.#outcomes.failed(item, error);
  }

  // Whose turn it is

  #pump(isIdle) {
    if (this.held || this.signal.aborted) return;
    this.#pumpLarge();
    while (this.#packs < PACKS && this.#small.length > 0) {
      const isFull = this.#small.length >= PACK_FILES || this.#smallBytes >= PACK_BYTES;
      if (!isFull && !isIdle && this.#checker.isBusy) {
        this.#idle ??= setTimeout(() => {
          this.#idle = null;
          this.#pump(true);
        }, IDLE_MS);
        return;
      }
      const pack = this.#takePack();
      if (pack.length === 0) return;
      this.#packs += 1;
      sendPack(pack, this).finally(() => {
        this.#packs -= 1;
        this.#pump(false);
      });
    }
  }

  #pumpLarge() {
    this.#large = this.#large.filter(isReady);
    // One that is paused for itself keeps what it has, and no other from going.
    while ([...this.#larges].filter(({ gate }) => !gate.isShut).length < LARGE) {
      const next = this.#large.findIndex(({ gate }) => gate.isOpen);
      if (next < 0) return;
      const [item] = this.#large.splice(next, 1);
      this.#larges.add(item);
      item.state = State.ACTIVE;
      sendLarge(item, this).finally(() => {
        this.#larges.delete(item);
        this.#pump(false);
      });
    }
  }

  #takePack() {
    const pack = [];
    let bytes = 0;
    for (const item of this.#small) {
      if (item.state !== State.READY || !item.gate.isOpen) continue;
      if (pack.length === PACK_FILES || (pack.length > 0 && bytes + item.size > PACK_BYTES)) break;
      pack.push(item);
      bytes += item.size;
      item.state = State.ACTIVE;
    }
    this.#small = this.#small.filter(isReady);
    this.#smallBytes = this.#small.reduce((sum, { size }) => sum + size, 0);
    return pack;
  }
}

function isReady({ state }) {
  return state === State.READY;
}
