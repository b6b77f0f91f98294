// Uploads: what takes files in every view, at once; and the queue with its panel, once it is needed or nobody waits.

import { toastError } from "../core/toast.js";
import { startIntake } from "./intake.js";

const SOON_MS = 1000;
const LATEST_MS = 5000;

let context = null;
let begun = null;

/** Start the uploader; once, by the shell. */
export function start(shell) {
  context = shell;
  startIntake(take);
  // Earlier runs may have left something, and another tab may be at work. Without a server there is nothing to upload to.
  whenIdle(() => begin().catch(() => {}));
}

/** Upload what was found to a folder, an absolute path; a refusal is told. */
export async function take(folder, pieces, handles) {
  try {
    await (await begin()).add(folder, pieces, { handles });
  } catch (error) {
    toastError(error);
  }
}

/** Join the queue of this browser, and show it; once it worked, once. */
function begin() {
  begun ??= join().catch((error) => {
    begun = null;
    throw error;
  });
  return begun;
}

async function join() {
  const { join: joinQueue } = await import("./queue.js");
  return joinQueue(context);
}

/** Do `work` when the page has been painted and has nothing else to do. */
function whenIdle(work) {
  if (globalThis.requestIdleCallback) requestIdleCallback(work, { timeout: LATEST_MS });
  else setTimeout(work, SOON_MS);
}
