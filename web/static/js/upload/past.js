// The way past the server: chunks that an object server takes itself, by addresses that the server has signed.

import { NetWorker } from "./workers.js";

const AVOIDED_MS = 600_000; // after a try that led nowhere: not each chunk is to wait for that

export class Past {
  #workers = new Map(); // origin to the worker that may reach it
  #closedUntilMs = 0;

  get isOpen() {
    return performance.now() >= this.#closedUntilMs;
  }

  avoid() {
    this.#closedUntilMs = performance.now() + AVOIDED_MS;
  }

  /** As a `NetWorker` does. */
  put(url, body, options) {
    const { origin } = new URL(url);
    if (!this.#workers.has(origin)) this.#workers.set(origin, new NetWorker(undefined, origin));
    return this.#workers.get(origin).put(url, body, options);
  }

  end() {
    for (const worker of this.#workers.values()) worker.end();
    this.#workers.clear();
  }
}
