// What can be taken back: by the note that tells of it, and by ctrl+Z after that is gone.

import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";

const MOST = 50;
const stack = [];

/**
 * Tell what was done, and how to take it back.
 *
 * @param {string} text
 * @param {() => Promise<void>} undo
 */
export function undoable(text, undo) {
  const entry = { undo, note: null };
  stack.push(entry);
  if (stack.length > MOST) stack.shift();
  entry.note = toast(text, { action: { label: t("files.undo"), run: () => take(entry) } });
}

/** Whether there is something to take back. */
export const canUndo = () => stack.length > 0;

/** Take back what was done last. */
export function undoLast() {
  const entry = stack.at(-1);
  if (entry) take(entry);
  else toast(t("files.nothing_to_undo"), { ms: 3000 });
}

async function take(entry) {
  const at = stack.indexOf(entry);
  if (at < 0) return;
  stack.splice(at, 1);
  entry.note.close();
  try {
    await entry.undo();
    toast(t("files.undone"), { kind: "good", ms: 4000 });
  } catch (error) {
    if (error.code === "offline") stack.push(entry); // it can be taken back once the server is there again
    toastError(error);
  }
}
