// How fast it goes, and how long it will take.

const WINDOW_MS = 5000;
const STEADY_MS = 3000;
const STEADY = 0.5; // how far the rate may be from its own average, as a share of it

export class Rate {
  #samples = [];
  #steadySince = null;

  /** Note that `bytes` in all are through at `nowMs`. */
  note(bytes, nowMs) {
    if (bytes < (this.#samples.at(-1)?.bytes ?? 0)) this.reset(); // something was taken off the list
    const before = this.perSecond();
    this.#samples.push({ bytes, nowMs });
    while (this.#samples.length > 2 && this.#samples[1].nowMs <= nowMs - WINDOW_MS) this.#samples.shift();
    const now = this.perSecond();
    const isSteady = before > 0 && now > 0 && Math.abs(now - before) <= STEADY * before;
    if (!isSteady) this.#steadySince = null;
    else this.#steadySince ??= nowMs;
  }

  /** Begin anew: after a pause the time that passed tells nothing. */
  reset() {
    this.#samples = [];
    this.#steadySince = null;
  }

  /** Bytes a second, of the last five seconds. */
  perSecond() {
    if (this.#samples.length < 2) return 0;
    const first = this.#samples[0];
    const last = this.#samples[this.#samples.length - 1];
    return last.nowMs > first.nowMs ? ((last.bytes - first.bytes) * 1000) / (last.nowMs - first.nowMs) : 0;
  }

  /** Seconds that `rest` bytes will take; null while nobody can tell. */
  secondsFor(rest, nowMs) {
    const isKnown = this.#steadySince !== null && nowMs - this.#steadySince >= STEADY_MS;
    return isKnown ? rest / this.perSecond() : null;
  }
}
