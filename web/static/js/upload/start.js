// Uploads: what takes files in every view, and the queue with its panel beside all of them.

import { loadStyle } from "../core/dom.js";
import { toastError } from "../core/toast.js";
import { startGuard } from "./guard.js";
import { startIntake } from "./intake.js";
import { Panel } from "./panel.js";
import { startQuestions } from "./questions.js";
import { startTelling } from "./telling.js";
import { Uploads } from "./uploads.js";

let begun = null;
let me = null;

/** Start the uploader; once, by the shell. */
export function start(context) {
  me = context.profile.get().me;
  startIntake(take);
  begin().catch(() => {}); // without a server there is nothing to upload to; whoever hands something in is told
}

async function take(folder, pieces, handles) {
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
  const [uploads] = await Promise.all([Uploads.join(me), loadStyle("css/upload.css")]);
  const panel = new Panel(uploads);
  uploads.onAdding = () => panel.open();
  startQuestions(uploads);
  startTelling(uploads.board);
  startGuard(uploads);
  return uploads;
}
