// Brings chunks to the server: in few bodies, at most so many at once, again and again until they are through.

import { bundleOf, bundleSize, bytesOf } from "./frames.js";
import { Slots } from "./slots.js";
import { Sizes } from "./sizes.js";
import { Past } from "./past.js";
import { SendError, UnreadableError } from "./workers.js";
import { signed } from "./wire.js";

const STALE_URL = new Set(["url_expired", "bad_signature"]);
const STRIKES = 3; // of one body that was damaged on its way

export class Courier {
  #net;
  #hash;
  #patience;
  #slots;
  #past;
  sizes;

  constructor({ net, hash, patience, requests, limits }) {
    this.#net = net;
    this.#past = new Past();
    this.#hash = hash;
    this.#patience = patience;
    this.#slots = new Slots(requests);
    this.sizes = new Sizes(limits.bundle_size);
  }

  /**
   * Send chunks in one body.
   * @param {import("./frames.js").Chunk[]} chunks
   * @param {object} way
   * @param {string} way.url  The bundle's.
   * @param {() => Promise<string>} way.freshUrl
   * @param {import("./gate.js").Gate} way.gate
   * @param {AbortSignal} way.signal
   * @param {(bytes: number) => void} way.onSent  Hears how much of the body has left.
   * @returns {Promise<Chunk[]>}  Those whose bytes are no longer what was hashed.
   */
  async send(chunks, way) {
    let { url } = way;
    let rest = chunks;
    const spoilt = [];
    for (let strikes = 0; rest.length > 0; ) {
      try {
        await this.#through(rest, url, way);
        return spoilt;
      } catch (error) {
        if (error instanceof UnreadableError) {
          const unreadable = await this.#unreadable(rest);
          if (unreadable.length === 0) throw error;
          spoilt.push(...unreadable);
          rest = rest.filter((chunk) => !unreadable.includes(chunk));
        } else if (error.code === "chunk_mismatch") {
          rest = rest.slice(error.problem.frame ?? 0);
          if (await this.#isSpoilt(rest[0])) spoilt.push(rest.shift());
          else if ((strikes += 1) >= STRIKES) throw error;
        } else if (STALE_URL.has(error.code)) {
          if ((strikes += 1) >= STRIKES) throw error;
          url = await way.freshUrl();
        } else if (error.status === 413 && rest.length > 1) {
          this.sizes.refused(bundleSize(rest));
          const half = rest.slice(0, Math.ceil(rest.length / 2));
          spoilt.push(...(await this.send(half, { ...way, url })));
          rest = rest.slice(half.length);
        } else {
          throw error;
        }
      }
    }
    return spoilt;
  }

  /**
   * Send one chunk past the server, to the object server behind it; `way` is that of `send`.
   * @returns {Promise<boolean>}  False if that led nowhere: then it is to go in a body like all others.
   */
  async sendPast(chunk, way) {
    if (!this.#past.isOpen) return false;
    try {
      const { url, headers } = chunk.direct;
      const put = async (signal) => {
        if (!this.#past.isOpen) throw new SendError(0); // one before it found out, while it waited for its slot
        try {
          await this.#past.put(url, bytesOf(chunk), { headers, signal, onSent: way.onSent });
        } catch (error) {
          if (error.status === 0) this.avoidPast(); // still in the slot, or the next would begin
          throw error;
        }
      };
      await this.#paused(put, way);
      return true;
    } catch (error) {
      if (!(error instanceof SendError)) throw error;
      return false;
    }
  }

  /** Send nothing past the server for a while: what went there does not reach it. */
  avoidPast() {
    this.#past.avoid();
  }

  end() {
    this.#past.end();
  }

  /** Send one body. */
  async #through(chunks, url, way) {
    await this.#paused((signal) => this.#timed(chunks, url, signal, way.onSent), way);
  }

  /** Do `work` when there is a slot for it, after each pause anew. */
  async #paused(work, { gate, signal, onSent }) {
    for (;;) {
      await gate.pass(signal);
      const ends = AbortSignal.any([signal, gate.signal]);
      try {
        await this.#slots.run(() => work(ends), ends);
        return;
      } catch (error) {
        onSent(0);
        if (error.name !== "Paused") throw error;
      }
    }
  }

  async #timed(chunks, url, signal, onSent) {
    const send = async () => {
      const begunMs = performance.now();
      await this.#net.put(signed(url), bundleOf(chunks), { signal, onSent });
      this.sizes.took(bundleSize(chunks), (performance.now() - begunMs) / 1000);
    };
    // Where nothing came back it may be the file rather than the network.
    await this.#patience.run(send, signal, async (error) => {
      onSent(0);
      if (error.status === 0 && (await this.#unreadable(chunks)).length > 0) throw new UnreadableError();
    });
  }

  async #unreadable(chunks) {
    const found = await Promise.all(
      chunks.map(async (chunk) => {
        try {
          await bytesOf(chunk).slice(0, 1).arrayBuffer();
          return false;
        } catch {
          return true;
        }
      }),
    );
    return chunks.filter((_, index) => found[index]);
  }

  async #isSpoilt(chunk) {
    try {
      return (await this.#hash.hash(bytesOf(chunk))) !== chunk.sha256;
    } catch {
      return true;
    }
  }
}
