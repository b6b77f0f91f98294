// So many at once: those who come later wait their turn.

export class Slots {
  #free;
  #waiting = [];

  constructor(count) {
    this.#free = count;
  }

  /** Do `work` when there is a slot for it; throws the reason of `signal` if that comes first. */
  async run(work, signal) {
    await this.#take(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }

  async #take(signal) {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting = this.#waiting.filter((waiter) => waiter !== go);
        reject(signal.reason);
      };
      const go = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      this.#waiting.push(go);
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}
