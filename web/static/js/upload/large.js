// One larger file: hashed while its chunks are sent, and resumed where an earlier run was cut off.

import { bodiesOf } from "./frames.js";
import { Phase, State } from "./items.js";
import * as wire from "./wire.js";

const COMMITS = 5; // a server that loses what it had taken, again and again

/** The chunk list was cut in another way, or the upload is gone: it is begun anew. */
class Outdated extends Error {}

/** The bytes are no longer what was hashed. */
class Changed extends Error {}

/**
 * Bring a file to the server and settle it.
 * @param {import("./items.js").Item} item
 * @param {import("./engine.js").Work} work
 */
export async function sendLarge(item, work) {
  const upload = new LargeUpload(item, work);
  try {
    work.settle(item, { state: State.DONE, file: await upload.send() });
  } catch (error) {
    upload.end();
    if (upload.isCancelled) return; // whoever did it has settled it
    if (error instanceof Outdated) {
      work.forget(item);
      work.again(item);
    } else if (error instanceof Changed) {
      work.forget(item);
      work.changed(item);
    } else if (error.status === 409 || error.status === 403 || error.status === 404) {
      work.forget(item);
      work.refused(item, error.problem);
    } else {
      work.failed(item, error);
    }
  }
}

class LargeUpload {
  #item;
  #work;
  #signal;
  #cancelling;
  #controller = new AbortController();
  #bundleUrl = null;
  #chunks = []; // as they were declared: {offset, size, sha256}
  #needed = []; // declared, wanted, and not yet on their way
  #wanted = new Set(); // hashes of what was sent or will be: the same content twice goes once
  #flying = new Map(); // body to bytes that have left
  #sending = new Set();

  constructor(item, work) {
    this.#item = item;
    this.#work = work;
    this.#cancelling = item.controller.signal;
    this.#signal = AbortSignal.any([this.#cancelling, work.signal, this.#controller.signal]);
  }

  get isCancelled() {
    return this.#cancelling.aborted;
  }

  async send() {
    const item = this.#item;
    this.#work.enter(item, Phase.READING);
    while (this.#end < item.size) {
      await item.gate.pass(this.#signal);
      await this.#cutOn();
    }
    await this.#flush();
    this.#work.enter(item, Phase.FINISHING);
    return this.#commit();
  }

  /** End whatever still runs. */
  end() {
    this.#controller.abort(new Error("ended"));
  }

  get #end() {
    const last = this.#chunks.at(-1);
    return last ? last.offset + last.size : 0;
  }

  /** Cut, declare and send from where the chunk list ends; return at the end of the file or where it is paused. */
  async #cutOn() {
    const { file, size, gate } = this.#item;
    const cutting = this.#work.hash.cut(file, this.#work.cutOf(size), this.#end);
    const ends = AbortSignal.any([this.#signal, gate.signal]); // while it is paused, the next file is to be read
    const stop = () => cutting.stop();
    ends.addEventListener("abort", stop, { once: true });
    try {
      for await (const group of cutting.groups) {
        await this.#declare(group, cutting.room);
        if (ends.aborted) break;
      }
      this.#signal.throwIfAborted();
    } finally {
      ends.removeEventListener("abort", stop);
      cutting.stop();
    }
  }

  async #declare(group, room) {
    const from = this.#chunks.length;
    const list = group.map(({ sha256, size }) => ({ sha256, size }));
    const answer = await (from === 0 ? this.#open(list) : this.#append(from, list));
    this.#bundleUrl = answer.bundle_url;
    this.#chunks.push(...group.map(({ offset, size, sha256 }) => ({ offset, size, sha256 })));
    answer.chunks.forEach((place, index) => {
      if (place.needed && !this.#wanted.has(place.sha256)) {
        this.#wanted.add(place.sha256);
        const chunk = { ...group[index], direct: place.direct, room: () => room(place.size) };
        if (chunk.direct) this.#track(this.#bringPast(chunk));
        else this.#needed.push(chunk);
        return;
      }
      room(place.size);
      this.#account(place.size, true);
    });
    this.#work.enter(this.#item, this.#needed.length > 0 || this.#sending.size > 0 ? Phase.SENDING : Phase.CHECKING);
    this.#sendWhole();
  }

  /** Go on with the upload that an earlier run opened, or open one. */
  async #open(list) {
    if (this.#item.uploadId) {
      try {
        return await this.#append(0, list);
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        this.#work.forget(this.#item);
      }
    }
    const body = { ...this.#item.wish(), append: true, bundle: true, chunks: list };
    const answer = await this.#work.ask(() => wire.openUpload(body, this.#signal), this.#signal);
    this.#item.uploadId = answer.upload_id;
    this.#work.opened(this.#item);
    return answer;
  }

  async #append(from, list) {
    try {
      return await this.#work.ask(() => wire.append(this.#item.uploadId, from, list, this.#signal), this.#signal);
    } catch (error) {
      if (error.status === 409 || error.status === 404) throw new Outdated();
      throw error;
    }
  }

  /** Send what fills bodies. */
  #sendWhole() {
    const bodies = [...bodiesOf(this.#needed, this.#work.courier.sizes.body, this.#work.limits.bundle_frames)];
    this.#needed = bodies.pop() ?? [];
    for (const body of bodies) this.#send(body);
  }

  /** Send what is left, and wait until everything is through. */
  async #flush() {
    do {
      for (const body of bodiesOf(this.#needed, this.#work.courier.sizes.body, this.#work.limits.bundle_frames)) {
        this.#send(body);
      }
      this.#needed = [];
      await Promise.all(this.#sending);
    } while (this.#needed.length > 0); // what led nowhere past the server
  }

  #send(body) {
    this.#track(this.#bring(body));
  }

  #track(bringing) {
    const sending = bringing.finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    sending.catch((error) => this.#controller.abort(error)); // heard in `send`, by way of the signal
  }

  async #bring(body) {
    const spoilt = await this.#work.courier.send(body, {
      url: this.#bundleUrl,
      freshUrl: () => this.#freshUrl(),
      ...this.#wayOf(body),
    });
    if (spoilt.length > 0) throw new Changed();
    this.#through(body);
  }

  async #bringPast(chunk) {
    const body = [chunk];
    if (await this.#work.courier.sendPast(chunk, this.#wayOf(body))) {
      this.#through(body);
    } else {
      this.#flying.delete(body);
      this.#needed.push(chunk);
    }
  }

  #wayOf(body) {
    return { gate: this.#item.gate, signal: this.#signal, onSent: (bytes) => this.#fly(body, bytes) };
  }

  #through(body) {
    this.#flying.delete(body);
    for (const chunk of body) {
      chunk.room?.();
      this.#account(chunk.size, false);
    }
  }

  #fly(body, bytes) {
    this.#flying.set(body, bytes);
    this.#item.flying = [...this.#flying.values()].reduce((sum, part) => sum + part, 0);
    this.#work.told(this.#item);
  }

  async #commit() {
    for (let tries = 0; tries < COMMITS; tries += 1) {
      await this.#item.gate.pass(this.#signal);
      try {
        const { uploadId } = this.#item;
        return (await this.#work.ask(() => wire.commit(uploadId, this.#signal), this.#signal)).file;
      } catch (error) {
        if (error.code !== "missing_chunks") throw error;
        this.#work.courier.avoidPast();
        await this.#sendMissing();
      }
    }
    throw new Error("The server lost the content again and again.");
  }

  async #sendMissing() {
    for (let from = 0; from !== null; ) {
      const start = from;
      const state = await this.#work.ask(() => wire.progress(this.#item.uploadId, start, this.#signal), this.#signal);
      this.#bundleUrl = state.bundle_url;
      for (const { index, size } of state.missing) {
        const chunk = this.#chunks[index];
        this.#needed.push({ ...chunk, body: this.#item.file.slice(chunk.offset, chunk.offset + chunk.size) });
        this.#account(-size, false);
      }
      from = state.next_from;
    }
    await this.#flush();
  }

  async #freshUrl() {
    const { uploadId } = this.#item;
    const state = await this.#work.ask(() => wire.progress(uploadId, this.#chunks.length, this.#signal), this.#signal);
    this.#bundleUrl = state.bundle_url;
    return state.bundle_url;
  }

  #account(bytes, isSaved) {
    const item = this.#item;
    item.through = Math.max(0, item.through + bytes);
    if (isSaved) item.saved += bytes;
    item.flying = [...this.#flying.values()].reduce((sum, part) => sum + part, 0);
    this.#work.told(item);
  }
}
