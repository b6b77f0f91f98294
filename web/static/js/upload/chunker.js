// Where a file is cut into chunks: FastCDC 2020, in the same places as the server and the sync client cut. The golden
// vectors in tests/contract hold all three to them.

import { plainScanner } from "./scan_plain.js";
import { wasmScanner } from "./scan_wasm.js";

/**
 * Smallest, average and largest chunk in bytes. All equal means pieces of a fixed size.
 * @typedef {{smallest: number, average: number, largest: number}} Cut
 */

/**
 * What finds cuts in a window of bytes.
 * @typedef {object} Scanner
 * @property {string} name
 * @property {Uint8Array} window  16 MiB; what is to be cut is written here.
 * @property {(at: number, mid: number, end: number, cut: Cut) => number} scan  The place between `at` and `end` where
 *   the hash, begun at `at`, shows a cut; `end` if none. Before `mid` fewer places count.
 */

/** Twice the largest chunk that a server takes: a rest that is not yet cut, and what is read next. */
export const WINDOW = 16 * 1024 * 1024;
const LARGEST_CHUNK = 8 * 1024 * 1024;

/** How a file is cut, by the server's own numbers; a large one more coarsely, as its list may have only so many chunks. */
export function cutFor(size, chunker, mostChunks) {
  for (const factor of [1, 2, 4]) {
    if (size <= mostChunks * chunker.min_size * factor) {
      return {
        smallest: chunker.min_size * factor,
        average: chunker.average_size * factor,
        largest: Math.min(chunker.max_size * factor, LARGEST_CHUNK),
      };
    }
  }
  return { smallest: LARGEST_CHUNK, average: LARGEST_CHUNK, largest: LARGEST_CHUNK };
}

/** The fastest scanner that this browser allows: WebAssembly, which a policy may forbid, or plain JavaScript. */
export async function makeScanner() {
  try {
    return await wasmScanner();
  } catch {
    return plainScanner();
  }
}

/** A window that moves over a content. */
export class Cutting {
  #scanner;
  #cut;
  #start = 0;
  #held = 0;
  #offset = 0;

  /** @param {Scanner} scanner  One cutting at a time uses it. */
  constructor(scanner, cut) {
    this.#scanner = scanner;
    this.#cut = cut;
  }

  /** Take the next bytes: at most as many as the window has beside one largest chunk. */
  push(bytes) {
    const { window } = this.#scanner;
    window.copyWithin(0, this.#start, this.#held);
    this.#held -= this.#start;
    this.#start = 0;
    window.set(bytes, this.#held);
    this.#held += bytes.length;
  }

  /**
   * Yield the next chunks: all but those that what follows could change.
   * @returns {Generator<{offset: number, size: number, bytes: Uint8Array}>}  The bytes are the window's, until the next
   *   `push`.
   */
  *chunks(atEnd) {
    while (this.#start < this.#held && (atEnd || this.#held - this.#start >= this.#cut.largest)) {
      const size = this.#length(this.#held - this.#start);
      yield { offset: this.#offset, size, bytes: this.#scanner.window.subarray(this.#start, this.#start + size) };
      this.#start += size;
      this.#offset += size;
    }
  }

  #length(available) {
    const { smallest, average, largest } = this.#cut;
    if (available <= smallest) return available;
    const most = Math.min(available, largest);
    if (smallest === largest) return most;
    const centre = Math.min(average, most);
    const [at, mid, end] = [smallest, centre, most].map((length) => this.#start + length - (length % 2));
    const found = this.#scanner.scan(at, mid, end, this.#cut);
    return found === end ? most : found - this.#start;
  }
}
