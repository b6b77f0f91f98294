// What a refusal means for a file, and what people decide where a name is taken.

import { State } from "./items.js";
import { choicesFor, compare } from "./verdict.js";
import { UnreadableError } from "./workers.js";

const TAKEN = new Set(["name_taken", "conflict"]);
const BUSY_MS = 5000;

/** Codes for which rows.js has a sentence of its own. */
const KNOWN = new Set(["forbidden", "not_found", "locked"]);

export class Outcomes {
  #engine;

  constructor(engine) {
    this.#engine = engine;
  }

  /** @param {{code: string, status?: number, detail?: string, current?: object}} problem */
  refused(item, problem) {
    const engine = this.#engine;
    if (TAKEN.has(problem.code) && problem.current) this.#taken(item, problem.current);
    else if (problem.status === 507) {
      engine.hold("full");
      engine.again(item);
    } else if (problem.status === 429) {
      setTimeout(() => engine.again(item), BUSY_MS);
    } else {
      const key = KNOWN.has(problem.code) ? problem.code : "refused";
      engine.settle(item, { state: State.PROBLEM, note: { key, detail: problem.detail ?? problem.code } });
    }
  }

  failed(item, error) {
    const engine = this.#engine;
    if (engine.signal.aborted || item.state === State.CANCELLED) return;
    if (error instanceof UnreadableError) {
      engine.settle(item, { state: State.PROBLEM, note: { key: "unreadable" } });
    } else if (error.status) {
      this.refused(item, { ...error.problem, status: error.status, code: error.code });
    } else {
      engine.settle(item, { state: State.PROBLEM, note: { key: "refused", detail: error.message } });
    }
  }

  #taken(item, current) {
    if (item.isFolder || current.path !== item.target) {
      this.#engine.settle(item, { state: State.PROBLEM, note: { key: "in_the_way" } });
      return;
    }
    if (compare(item, current) === "same") {
      item.saved = item.size;
      this.#engine.settle(item, { state: State.SKIPPED, note: { key: "same" } });
      return;
    }
    item.existing = current;
    item.policy = null;
    if (item.batch.policy) decide(this.#engine, item, item.batch.policy);
    else this.#engine.settle(item, { state: State.ASKING });
  }
}

/** Do with an item whose name is taken what was decided: "rename", "replace" or "skip". */
export function decide(engine, item, choice) {
  const chosen = choicesFor(item.existing).includes(choice) ? choice : "rename";
  if (chosen === "skip") {
    engine.settle(item, { state: State.SKIPPED, note: { key: "kept" } });
    return;
  }
  item.policy = chosen;
  item.base = chosen === "replace" ? item.existing.version_id : null;
  engine.again(item);
}
