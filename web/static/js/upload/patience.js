// What a failed request means: wait, ask for a sign-in, or give up. And the waiting.

const FIRST_S = 1;
const LONGEST_S = 30;
const PROBE_S = 5;

/**
 * Judge a failure. Nothing is known here of files: what is "fail" is told of the file that the request was about.
 * @param {{status: number, code: string, retryAfter?: number}} error
 * @param {number} tries  How often it was tried already, from 1.
 * @returns {{act: "wait" | "unreachable" | "sign_in" | "full" | "smaller" | "fail", seconds?: number}}
 */
export function judge(error, tries, random = Math.random) {
  const { status, code, retryAfter } = error;
  const seconds = jittered(Math.min(LONGEST_S, FIRST_S * 2 ** Math.min(tries - 1, 10)), random);
  if (status === 0 || status === 502 || status === 504) return { act: "unreachable", seconds };
  if (status === 429 || status === 503) return { act: "wait", seconds: retryAfter ? retryAfter + random() : seconds };
  if (status >= 500 && status !== 507) return { act: "wait", seconds };
  if (status === 408) return { act: "wait", seconds };
  if (status === 401) return { act: "sign_in" };
  if (status === 413) return { act: "smaller" };
  if (status === 507) return { act: "full" };
  return { act: "fail", code };
}

/** A time that differs by up to half: those who failed together do not come back together. */
function jittered(seconds, random) {
  return seconds * (0.5 + random());
}

/** Repeats requests until they are through or there is no sense in it, and knows whether the server can be reached. */
export class Patience {
  #probe;
  #onChange;
  #probing = false;
  #wakers = new Set();
  isReachable = true;

  /**
   * @param {() => Promise<boolean>} probe  Tells whether the server answers.
   * @param {() => void} onChange  Called when `isReachable` changes.
   */
  constructor(probe, onChange) {
    this.#probe = probe;
    this.#onChange = onChange;
  }

  /**
   * Do `work` until it is through. Throws what no waiting can mend, and the reason of `signal`.
   * @template T
   * @param {() => Promise<T>} work
   * @param {AbortSignal} signal
   * @param {(error: Error) => void | Promise<void>} [between]  Called before each wait; what it throws ends the tries.
   * @returns {Promise<T>}
   */
  async run(work, signal, between) {
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      try {
        const result = await work();
        this.#reached();
        return result;
      } catch (error) {
        if (error.status === undefined) throw error;
        const { act, seconds } = judge(error, tries);
        if (act === "unreachable") this.#lost();
        else this.#reached();
        if (act !== "unreachable" && act !== "wait") throw error;
        await between?.(error);
        await this.#wait(seconds, signal);
      }
    }
  }

  /** End all waits: the network is back, or somebody wants to try now. */
  wake() {
    for (const wake of [...this.#wakers]) wake();
  }

  #reached() {
    if (this.isReachable) return;
    this.isReachable = true;
    this.#onChange();
    this.wake();
  }

  #lost() {
    if (this.isReachable) {
      this.isReachable = false;
      this.#onChange();
    }
    if (!this.#probing) this.#ask();
  }

  async #ask() {
    this.#probing = true;
    while (!this.isReachable) {
      await new Promise((resolve) => setTimeout(resolve, PROBE_S * 1000));
      if (!this.isReachable && (await this.#probe())) this.#reached();
    }
    this.#probing = false;
  }

  #wait(seconds, signal) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.#wakers.delete(wake);
        settle(value);
      };
      const wake = () => end(resolve);
      const abort = () => end(reject, signal.reason);
      const timer = setTimeout(wake, seconds * 1000);
      this.#wakers.add(wake);
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}
