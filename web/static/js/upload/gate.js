// Pause and go on, for the whole queue and for each file. What runs may go on for a moment, then its request ends.

const GRACE_MS = 2000;

/** Why a request was ended: it is to be sent again once the gate is open. */
export class Paused extends Error {
  name = "Paused";
}

export class Gate {
  #above;
  #waiting = [];
  #controller = new AbortController();
  #timer = null;
  isShut = false;

  /** @param {Gate | null} above  One that counts too. */
  constructor(above = null) {
    this.#above = above;
  }

  /** Whether nothing stands in the way. */
  get isOpen() {
    return !this.isShut && (this.#above?.isOpen ?? true);
  }

  /** Ends when what goes through is to be ended. */
  get signal() {
    return this.#above ? AbortSignal.any([this.#controller.signal, this.#above.signal]) : this.#controller.signal;
  }

  shut() {
    if (this.isShut) return;
    this.isShut = true;
    this.#timer = setTimeout(() => this.#controller.abort(new Paused()), GRACE_MS);
  }

  open() {
    if (!this.isShut) return;
    this.isShut = false;
    clearTimeout(this.#timer);
    if (this.#controller.signal.aborted) this.#controller = new AbortController();
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Wait until nothing stands in the way; throws the reason of `signal` if that comes first. */
  async pass(signal) {
    for (;;) {
      signal.throwIfAborted();
      await this.#above?.pass(signal);
      if (this.isOpen) return;
      if (this.isShut) await this.#opened(signal);
    }
  }

  #opened(signal) {
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener("abort", abort);
        resolve();
      });
    });
  }
}
