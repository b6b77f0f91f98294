// How large a body may be: larger on a fast link, where each request costs more than its bytes; smaller on a slow one, where
// a request that breaks off loses them.

const MIB = 1024 * 1024;
const LEAST = MIB;
const FIRST = 4 * MIB;
const MOST = 16 * MIB;
const QUICK_S = 0.5;
const SLOW_S = 4;

export class Sizes {
  #ceiling;
  #body;

  /** @param {number} most  Bytes that the server takes in one bundle. */
  constructor(most) {
    this.#ceiling = Math.min(most, MOST);
    this.#body = Math.min(FIRST, this.#ceiling);
  }

  get body() {
    return this.#body;
  }

  /** Note how long a body of `bytes` took. */
  took(bytes, seconds) {
    if (seconds > SLOW_S) this.#body = Math.max(LEAST, this.#body / 2);
    else if (seconds < QUICK_S && bytes > this.#body / 2) this.#body = Math.min(this.#ceiling, this.#body * 2);
  }

  /** Note that something on the way takes no body of this size. */
  refused(bytes) {
    this.#ceiling = Math.max(LEAST / 4, Math.floor(bytes / 2));
    this.#body = Math.min(this.#body, this.#ceiling);
  }
}
