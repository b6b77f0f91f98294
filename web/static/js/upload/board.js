// What is shown of the queue, in every tab: rows by id, and what they add up to.

export class Board {
  rows = new Map();
  /** See `Ledger.totals`; beside them what `uploads.js` adds. */
  totals = { count: {}, paused: 0, files: 0, filesDone: 0, bytes: 0, through: 0, saved: 0, perSecond: 0, secondsLeft: null };
  status = { held: null, batches: [], reading: 0, isReachable: true, unfinished: 0, unfinishedPath: "", unfinishedBytes: 0, canResume: false, asking: [] };
  #listeners = new Set();

  /** Call `listener` after each change. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {{rows: object[], removed: number[], totals: object, status: object, isWhole?: boolean}} told */
  apply({ rows, removed, totals, status, isWhole }) {
    if (isWhole) this.rows.clear();
    for (const id of removed) this.rows.delete(id);
    for (const row of rows) this.rows.set(row.id, row);
    this.totals = totals;
    this.status = status;
    for (const listener of [...this.#listeners]) listener(this);
  }

  /** Whether anything is still to be done without a person. */
  get isBusy() {
    const { waiting = 0, ready = 0, active = 0 } = this.totals.count;
    return waiting + ready + active + this.status.reading > 0;
  }

  /** Whether nothing goes on until a person says so: all together were paused, or each. */
  get isPaused() {
    const { waiting = 0, ready = 0, active = 0 } = this.totals.count;
    return this.status.held !== null || (this.totals.paused > 0 && this.totals.paused === waiting + ready + active);
  }
}
