// What people order: of all items, or of some.

import { State } from "./items.js";
import { decide } from "./outcomes.js";

const UNDO_MS = 10_000;

/** Orders by name: each takes the engine, the items, what else was said, and whether all are meant. */
export const ORDERS = {
  pause(engine, items, _, isAll) {
    if (isAll) {
      engine.hold("person");
      return;
    }
    for (const item of items) {
      item.gate.shut();
      engine.setAside(item);
      engine.told(item);
    }
    engine.settled(); // another may go in its place
  },

  go_on(engine, items, _, isAll) {
    for (const item of items) {
      item.gate.open();
      engine.told(item);
    }
    if (isAll) engine.goOn();
    else engine.settled();
  },

  /** What was opened for them is given up after ten seconds, in which it can be taken back. */
  cancel(engine, items) {
    for (const item of items) {
      if (item.isOver) continue;
      const before = item.state === State.ACTIVE ? State.READY : item.state;
      item.cancelled = { before, timer: setTimeout(() => end(engine, item), UNDO_MS) };
      item.controller.abort(new DOMException("It was cancelled.", "AbortError"));
      engine.settle(item, { state: State.CANCELLED });
    }
  },

  undo(engine, items) {
    for (const item of items) {
      if (!item.cancelled) continue;
      clearTimeout(item.cancelled.timer);
      item.state = item.cancelled.before;
      item.cancelled = null;
      item.controller = new AbortController();
      item.rewind();
      engine.remember(item);
      if (item.state === State.READY) engine.ready(item);
      else if (item.state === State.WAITING) engine.check(item);
    }
  },

  retry(engine, items) {
    for (const item of items) if (item.state === State.PROBLEM && !item.note?.proposal) again(engine, item);
  },

  /** Take the name that was proposed, or a file that was left out as litter. */
  accept(engine, items) {
    for (const item of items) {
      if (item.note?.proposal === undefined && item.note?.key !== "litter") continue;
      item.path = item.note.proposal ?? item.path;
      engine.remember(item);
      engine.check(item);
    }
  },

  /** Take another file in place of one that could not be read. */
  choose(engine, [item], { found }) {
    if (found.size !== item.size || found.mtimeMs !== item.mtimeMs) engine.forget(item);
    item.take(found);
    if (item.recordKey === null) engine.remember(item);
    else engine.opened(item);
    again(engine, item);
  },

  /** Say what happens where a name is taken: "rename", "replace" or "skip". */
  decide(engine, items, { choice, forAll }) {
    for (const item of items) {
      if (item.state !== State.ASKING) continue;
      if (forAll) item.batch.policy = choice;
      decide(engine, item, choice);
    }
  },

  /** Take those that are over off the list. */
  clear(engine, items) {
    engine.ledger.clear(items.filter((item) => item.isOver && !item.cancelled));
  },
};

function again(engine, item) {
  item.restarts = 0;
  item.rewind();
  engine.check(item);
}

function end(engine, item) {
  item.cancelled = null;
  engine.giveUp(item.uploadId);
  engine.ledger.clear([item]);
}
