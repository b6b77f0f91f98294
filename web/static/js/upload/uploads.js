// The one queue of this browser, whichever tab has it: files and orders go to the tab that does, and news come from it.

import { signIn } from "../shell/session.js";
import { Board } from "./board.js";
import { Desk } from "./desk.js";
import { Engine } from "./engine.js";
import { allowed, scanHandles } from "./handles.js";
import { holdLease } from "./lease.js";
import { Records } from "./records.js";
import { Search } from "./search.js";
import { isOwnerHere, sendFor } from "./wire.js";

const NAME = "cairn-upload";
const REQUESTS = 3; // more make listings wait for seconds
const REQUESTS_COARSE = 2;

export class Uploads {
  board = new Board();
  /** The random name of this tab. */
  me = randomName();
  #profile;
  #records;
  #channel;
  #lease = null;
  #engine = null;
  #desk = null;
  #canResume = false;
  #handed = new Map(); // batches of this tab: id to {batch, pieces, isClosed}
  #tabs = new Set();
  #closing = new AbortController();
  /** Called when this tab hands something in, and when the question about taken names is to be put again. */
  onAdding = () => {};
  askAgain = () => {};

  /**
   * Join the tabs of this browser.
   * @param {object} profile  The answer of `me`.
   */
  static join(profile) {
    return new Uploads(profile).#start();
  }

  constructor(profile) {
    this.#profile = profile;
    sendFor(profile.user.user_id);
    this.#records = new Records(profile.user.user_id);
    this.#channel = new BroadcastChannel(`${NAME}-${profile.user.user_id}`);
    this.#channel.onmessage = ({ data }) => this.#heard(data);
    addEventListener("pagehide", (event) => {
      if (event.persisted) return;
      this.#say({ kind: "bye" });
      this.#closing.abort();
    });
  }

  /** Whether this tab has the queue: with it the files go. */
  get isOwner() {
    return this.#engine !== null;
  }

  /** Whether small files are kept in the browser, so that they go on by themselves after a crash. */
  get keepsCopies() {
    return localStorage.getItem(this.#copiesKey) === "1";
  }

  set keepsCopies(keeps) {
    if (keeps) localStorage.setItem(this.#copiesKey, "1");
    else localStorage.removeItem(this.#copiesKey);
  }

  get #copiesKey() {
    return `${NAME}-copies-${this.#profile.user.user_id}`; // nobody decides it for another
  }

  /**
   * Hand in files as they are found.
   * @param {string} folder  An absolute path.
   * @param {AsyncIterable<import("./scan.js").Piece>} pieces
   * @param {{id?: string, handles?: Promise<FileSystemHandle[]>}} [options]
   */
  async add(folder, pieces, { id = randomName(), handles } = {}) {
    const batch = { id, tab: this.me, folder };
    const handed = { batch, pieces: [], isClosed: false };
    this.#handed.set(id, handed);
    this.onAdding();
    try {
      for await (const piece of pieces) {
        handed.pieces.push(piece);
        this.#hand({ kind: "piece", batch, piece });
      }
    } finally {
      handed.isClosed = true;
      this.#hand({ kind: "close", id });
    }
    const kept = (await handles) ?? [];
    if (kept.length > 0) await this.#records.keepHandles(id, kept);
  }

  /**
   * Go on with what earlier runs left, of files that were chosen again.
   * @param {AsyncIterable<import("./scan.js").Piece>} pieces
   * @returns {Promise<number>} how many were among them
   */
  async resume(pieces) {
    const search = new Search(await this.#records.all());
    for await (const { files } of pieces) search.look(files);
    for (const [id, { folder, files }] of search.found) await this.add(folder, [{ files, folders: [] }], { id });
    return search.count;
  }

  /** The same, of files to which the browser kept a way. To be called from a click. */
  async resumeKept() {
    const batches = new Set((await this.#records.all()).map(({ batch }) => batch));
    const handles = (await Promise.all([...batches].map((batch) => this.#records.handlesOf(batch)))).flat();
    return this.resume(scanHandles(await allowed(handles)));
  }

  /** See to it that the owner of the files is signed in, and go on. */
  async signIn() {
    try {
      if ((await isOwnerHere()) || (await signIn())) this.order("go_on");
    } catch (error) {
      if (!error.status) throw error; // who does not want to may do so later
    }
  }

  /** Order something; see orders.js, and "discard" of what earlier runs left. */
  order(name, values = {}) {
    this.#hand({ kind: "order", name, values });
  }

  async #start() {
    const heard = { won: () => this.#won(), lost: () => this.#lost(), signal: this.#closing.signal };
    this.#lease = await holdLease(`${NAME}-${this.#profile.user.user_id}`, this.me, heard);
    this.#say({ kind: "hello" });
    return this;
  }

  // The tab that has the queue

  async #won() {
    const requests = matchMedia("(pointer: coarse)").matches ? REQUESTS_COARSE : REQUESTS;
    const engine = new Engine(this.#profile, this.#records, { requests, onBeat: () => this.#lease?.beat() });
    this.#engine = engine;
    const unfinished = await this.#records.all();
    const kept = await this.#records.pruneHandles(new Set(unfinished.map(({ batch }) => batch)));
    const abandoned = await this.#records.takePacks();
    this.#canResume = kept > 0;
    if (this.#engine !== engine) return;
    const desk = new Desk(engine, this.#records, unfinished, () => this.keepsCopies);
    this.#desk = desk;
    engine.ledger.onTold = (told) => this.#tell(told);
    engine.giveUpAll(abandoned);
    desk.takeCopies(this.me);
    this.#say({ kind: "mine" });
    this.#handAgain();
    engine.ledger.announce();
  }

  #lost() {
    this.#engine?.end();
    this.#engine = null;
    this.#desk = null;
    this.#say({ kind: "hello" });
  }

  #tell(told) {
    const message = { ...told, status: this.#status() };
    this.#show(message);
    if (this.#tabs.size > 0) this.#say({ kind: "told", told: message }); // ten thousand rows are not copied for nobody
  }

  #show(told) {
    this.board.apply(told);
    if (this.board.isBusy || this.board.totals.count.asking) return;
    for (const [id, { isClosed }] of this.#handed) {
      if (isClosed && told.status.batches.includes(id)) this.#handed.delete(id); // nobody will need them again
    }
  }

  #status() {
    const { unfinished, asking } = this.#desk;
    return {
      held: this.#engine.held,
      batches: this.#desk.batches,
      reading: this.#desk.reading,
      isReachable: this.#engine.isReachable,
      unfinished: unfinished.length,
      unfinishedPath: unfinished[0]?.path ?? "",
      unfinishedBytes: unfinished.reduce((sum, { size }) => sum + size, 0),
      canResume: this.#canResume,
      asking: asking.map(({ id, tab }) => ({ id, tab: this.#tabs.has(tab) ? tab : this.me })),
    };
  }

  #do({ kind, batch, piece, id, name, values }) {
    if (kind === "piece") this.#desk.take(batch, piece);
    else if (kind === "close") this.#desk.close(id);
    else if (name === "discard") this.#desk.discard();
    else this.#desk.order(name, values);
  }

  // Between tabs

  #hand(message) {
    if (this.#desk) this.#do(message);
    else this.#say(message);
  }

  #say(message) {
    this.#channel.postMessage({ from: this.me, ...message });
  }

  #heard(message) {
    if (message.kind === "told") {
      if (!this.#desk) this.#show(message.told);
    } else if (message.kind === "mine") {
      if (this.#desk) this.#lost(); // this tab was asleep, and does not know yet
      else this.#say({ kind: "hello" });
      this.#handAgain(); // the tab that had the queue is gone, and our files with it
    } else if (message.kind === "bye") {
      this.#tabs.delete(message.from);
      this.#desk?.closeAll(message.from);
    } else if (this.#desk) {
      this.#tabs.add(message.from);
      if (message.kind === "hello") this.#greet();
      else this.#do(message);
    }
  }

  /** Show the whole queue to a tab that has just come. */
  #greet() {
    this.#say({ kind: "told", told: { ...this.#engine.ledger.snapshot(), isWhole: true, status: this.#status() } });
  }

  /** Hand in again what this tab had handed in and is not over, as far as this tab was told. */
  #handAgain() {
    const over = new Set();
    for (const { batch, path, state } of this.board.rows.values()) {
      if (["done", "skipped", "cancelled"].includes(state)) over.add(`${batch}/${path}`);
    }
    this.board.rows.clear();
    for (const { batch, pieces, isClosed } of this.#handed.values()) {
      for (const { files, folders } of pieces) {
        const left = files.filter(({ path }) => !over.has(`${batch.id}/${path.normalize("NFC")}`));
        if (left.length + folders.length > 0) this.#hand({ kind: "piece", batch, piece: { files: left, folders } });
      }
      if (isClosed) this.#hand({ kind: "close", id: batch.id });
    }
  }
}

function randomName() {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join("");
}
