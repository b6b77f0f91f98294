// Files up to the size of a photo, many at a time: hashed, requested, sent and committed together. What fails for one holds
// up no other.

import { bodiesOf } from "./frames.js";
import { Phase, State } from "./items.js";
import * as wire from "./wire.js";

/** From here on a file goes by itself, and is hashed while it is sent: the bytes of a pack stay in memory until they are. */
export const PACKED = 4 * 1024 * 1024;
export const PACK_FILES = 200;
export const PACK_BYTES = 8 * 1024 * 1024;

/**
 * Bring a pack of files to the server and settle each.
 * @param {import("./items.js").Item[]} items
 * @param {import("./engine.js").Work} work
 */
export async function sendPack(items, work) {
  const pack = new Pack(items, work);
  try {
    await pack.send();
  } catch (error) {
    for (const item of pack.items) work.failed(item, error);
  }
  pack.end();
}

class Pack {
  #work;
  #members;
  #bundleUrl = null;
  #noted = null;

  constructor(items, work) {
    this.#work = work;
    this.#members = items.map((item) => ({ item, chunks: [], needed: [], uploadId: null }));
    for (const item of items) item.run = this;
  }

  /** The files that are still this pack's. */
  get items() {
    return this.#active.map(({ item }) => item);
  }

  async send() {
    await this.#hash();
    await this.#request();
    await this.#bring();
    await this.#commit();
  }

  /** Let go of the files, and of their bytes. */
  end() {
    for (const member of this.#members) this.#letGo(member);
    if (this.#noted) this.#work.ledger.packEnded(this.#noted);
  }

  /** Those that are still on their way; one that was cancelled meanwhile is given up. */
  get #active() {
    this.#members = this.#members.filter((member) => {
      const isOurs = member.item.state === State.ACTIVE && member.item.run === this;
      if (!isOurs) this.#letGo(member);
      return isOurs;
    });
    return this.#members;
  }

  async #hash() {
    this.#enter(Phase.READING);
    const members = this.#members;
    const files = members.map(({ item }) => ({ file: item.file, cut: this.#work.cutOf(item.size) }));
    const results = await this.#work.hash.small(files);
    results.forEach(({ chunks, error }, index) => {
      const member = members[index];
      if (error) this.#work.settle(member.item, { state: State.PROBLEM, note: { key: "unreadable" } });
      else member.chunks = chunks;
    });
  }

  async #request() {
    const members = this.#active;
    if (members.length === 0) return;
    this.#enter(Phase.CHECKING);
    const files = members.map(({ item, chunks }) => ({
      ...item.wish(),
      chunks: chunks.map(({ sha256, size }) => ({ sha256, size })),
    }));
    const answer = await this.#work.ask(() => wire.openUploads(files, this.#work.signal));
    this.#bundleUrl = answer.bundle_url;
    answer.uploads.forEach((upload, index) => {
      const member = members[index];
      if (!upload.upload_id) {
        this.#work.refused(member.item, upload);
        return;
      }
      member.uploadId = upload.upload_id;
      upload.chunks.forEach((place, number) => {
        const chunk = member.chunks[number];
        if (place.needed) member.needed.push(chunk);
        else this.#account(member.item, chunk.size, true);
      });
    });
    this.#noted = this.#work.ledger.packOpened(members.map(({ uploadId }) => uploadId).filter(Boolean));
  }

  async #bring() {
    const members = this.#active;
    this.#enter(Phase.SENDING);
    const wanted = new Map(); // the same content twice is sent once
    for (const { item, needed } of members) {
      for (const chunk of needed) {
        const known = wanted.get(chunk.sha256);
        if (known) known.items.push(item);
        else wanted.set(chunk.sha256, { ...chunk, items: [item] });
      }
    }
    const { courier, limits } = this.#work;
    const bodies = bodiesOf(wanted.values(), courier.sizes.body, limits.bundle_frames);
    await Promise.all([...bodies].map((body) => this.#sendBody(body)));
  }

  async #sendBody(body) {
    const { courier, queueGate, signal } = this.#work;
    const flying = new Flight(body, this.#work);
    const spoilt = await courier.send(body, {
      url: this.#bundleUrl,
      freshUrl: () => this.#freshUrl(),
      gate: queueGate,
      signal,
      onSent: (bytes) => flying.at(bytes),
    });
    flying.land(spoilt);
    for (const { items } of spoilt) for (const item of items) this.#work.changed(item);
  }

  async #commit() {
    const members = this.#active;
    if (members.length === 0) return;
    this.#enter(Phase.FINISHING);
    const ids = members.map(({ uploadId }) => uploadId);
    const { results } = await this.#work.ask(() => wire.commitAll(ids, this.#work.signal));
    results.forEach((result, index) => {
      const member = members[index];
      if (result.file) {
        member.uploadId = null;
        this.#work.settle(member.item, { state: State.DONE, file: result.file });
        return;
      }
      this.#giveUp(member);
      if (result.code === "missing_chunks") this.#work.lost(member.item);
      else this.#work.refused(member.item, result);
    });
  }

  async #freshUrl() {
    const { uploadId } = this.#members.find((member) => member.uploadId);
    return (await this.#work.ask(() => wire.progress(uploadId, 0, this.#work.signal))).bundle_url;
  }

  #letGo(member) {
    this.#giveUp(member);
    if (member.item.run === this) member.item.run = null;
  }

  #giveUp(member) {
    this.#work.giveUp(member.uploadId);
    member.uploadId = null;
  }

  #enter(phase) {
    for (const { item } of this.#members) this.#work.enter(item, phase);
  }

  #account(item, bytes, isSaved) {
    item.through += bytes;
    if (isSaved) item.saved += bytes;
    this.#work.told(item);
  }
}

/** What of a body has left, spread over the files in it. */
class Flight {
  #body;
  #work;

  constructor(body, work) {
    this.#body = body;
    this.#work = work;
  }

  at(bytes) {
    let rest = bytes;
    for (const { size, items } of this.#body) {
      for (const item of items) item.flying = Math.max(0, Math.min(size, rest));
      rest -= size;
      if (items.length > 0) this.#work.told(items[0]);
    }
  }

  land(spoilt) {
    for (const chunk of this.#body) {
      chunk.items.forEach((item, index) => {
        item.flying = 0;
        if (spoilt.includes(chunk)) return;
        item.through += chunk.size;
        if (index > 0) item.saved += chunk.size;
        this.#work.told(item);
      });
    }
  }
}
