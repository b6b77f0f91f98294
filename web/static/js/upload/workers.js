// The two workers, as the page sees them: calls that answer.

/** A file that can no longer be read: it was changed, moved or deleted. */
export class UnreadableError extends Error {
  name = "UnreadableError";
}

/** A body that did not come through: no answer, or one that refuses. */
export class SendError extends Error {
  name = "SendError";

  /** @param {number} status  0 where there was no answer. */
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? `status ${status}`);
    this.status = status;
    this.code = problem?.code ?? (status === 0 ? "offline" : "unknown");
    this.problem = problem ?? {};
    this.retryAfter = Number(retryAfter) || 0;
  }
}

class Worked {
  #worker;
  #waiting = new Map();
  #next = 1;

  constructor(script, onTold) {
    this.#worker = new Worker(new URL(script, import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => {
      if (data.id === undefined) onTold?.(data);
      else this.#waiting.get(data.id)?.(data);
    };
  }

  /** Send a job; `heard` gets what comes back about it. @returns {number} its id */
  begin(job, heard) {
    const id = this.#next;
    this.#next += 1;
    this.#waiting.set(id, heard);
    this.#worker.postMessage({ id, ...job });
    return id;
  }

  tell(message) {
    this.#worker.postMessage(message);
  }

  forget(id) {
    this.#waiting.delete(id);
  }

  /** Send a job that is answered once. */
  ask(job) {
    return new Promise((resolve, reject) => {
      const id = this.begin(job, (answer) => {
        this.forget(id);
        if (answer.error) reject(unreadable(answer.error));
        else resolve(answer);
      });
    });
  }

  end() {
    this.#worker.terminate();
  }
}

/** Reads, cuts and hashes. */
export class HashWorker {
  #worked;

  /** What it works with, once it is known: {hasher, scanner}. */
  ready;

  constructor() {
    this.ready = new Promise((resolve) => {
      this.#worked = new Worked("hash_worker.js", resolve);
    });
  }

  /** @returns {Promise<({chunks: object[]} | {error: object})[]>} for each file its chunks, or why it cannot be read */
  async small(files) {
    return (await this.#worked.ask({ kind: "small", files })).results;
  }

  async hash(blob) {
    return (await this.#worked.ask({ kind: "hash", blob })).sha256;
  }

  /**
   * Cut a file from a chunk's beginning on. Yields groups of chunks; say with `room` what was dealt with.
   * @returns {{groups: AsyncGenerator<object[]>, room: (bytes: number) => void, stop: () => void}}
   */
  cut(file, cut, from) {
    const ready = [];
    let wake = () => {};
    const id = this.#worked.begin({ kind: "cut", file, cut, from }, (answer) => {
      ready.push(answer);
      wake();
    });
    const stop = () => {
      this.#worked.tell({ kind: "stop", id });
      this.#worked.forget(id);
      ready.push({ chunks: [], done: true });
      wake();
    };
    async function* groups() {
      for (;;) {
        while (ready.length === 0) {
          await new Promise((resolve) => {
            wake = resolve;
          });
        }
        const { chunks, done, error } = ready.shift();
        if (error) throw unreadable(error);
        if (chunks.length > 0) yield chunks;
        if (done) return;
      }
    }
    return { groups: groups(), room: (bytes) => this.#worked.tell({ kind: "room", id, bytes }), stop };
  }

  end() {
    this.#worked.end();
  }
}

/** Sends bodies. */
export class NetWorker {
  #worked;

  /**
   * @param {() => void} [onBeat]  Called every second, in the background too.
   * @param {string} [origin]  Where it is to send, if not to this server. It stands in the script's address, for the
   *   response says what a worker may reach, and is kept for good.
   */
  constructor(onBeat, origin = "") {
    this.#worked = new Worked(`net_worker.js${origin && `?to=${encodeURIComponent(origin)}`}`, onBeat);
  }

  /**
   * @param {string} url
   * @param {Blob} body
   * @param {{signal: AbortSignal, onSent?: (bytes: number) => void, headers?: Record<string, string>}} options
   */
  put(url, body, { signal, onSent, headers }) {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const abort = () => this.#worked.tell({ kind: "abort", id });
      const id = this.#worked.begin({ kind: "put", url, body, headers }, (answer) => {
        if (answer.sent !== undefined) {
          onSent?.(answer.sent);
          return;
        }
        this.#worked.forget(id);
        signal.removeEventListener("abort", abort);
        if (signal.aborted) reject(signal.reason);
        else if (answer.status >= 200 && answer.status < 300) resolve();
        else reject(new SendError(answer.status ?? 0, answer.problem, answer.retryAfter));
      });
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  end() {
    this.#worked.end();
  }
}

function unreadable({ name, message }) {
  return new UnreadableError(`${name}: ${message}`);
}
