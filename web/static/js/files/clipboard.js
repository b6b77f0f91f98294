// Cut, copy and paste within the app: entries, not their content.

const EMPTY = { mode: null, files: [] };
let held = EMPTY;
const listeners = new Set();

/** What is held. @returns {{mode: "move" | "copy" | null, files: Object[]}} */
export const clipboard = () => held;

/** Hold entries until they are pasted. */
export function hold(mode, files) {
  become({ mode, files });
}

/** Hold nothing any more. */
export function letGo() {
  become(EMPTY);
}

/** Whether an entry was cut, and waits to be pasted. */
export const isCut = (id) => held.mode === "move" && held.files.some((file) => file.file_id === id);

/** Hear when something else is held. */
export function onHeld(listener, { signal }) {
  listeners.add(listener);
  signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
}

function become(next) {
  held = next;
  for (const listener of listeners) listener();
}
