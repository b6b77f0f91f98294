// Which tab of the browser has the queue. Web Locks tell where there are any, which is on secure pages; else a lease in
// localStorage does, that is renewed every two seconds and runs out after ten. No write there is atomic, so each carries the
// random name of its writer, and counts when it is still there a moment later.

const RENEWED_MS = 2000;
const LASTS_MS = 10_000;
const SETTLES_MS = 150;

/**
 * @param {string} name
 * @param {string} me  This tab's random name.
 * @param {{won: () => void, lost: () => void, signal: AbortSignal}} heard  `won`: this tab has it from now on.
 * @returns {Promise<{beat: () => void}>}  Resolves when it is known who has it for now; call `beat` every second or so.
 */
export function holdLease(name, me, heard) {
  return navigator.locks ? byLock(name, heard) : byStorage(name, me, heard);
}

async function byLock(name, { won, signal }) {
  const keep = () => new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await new Promise((known) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) {
        known();
        navigator.locks.request(name, { signal }, () => (won(), keep())).catch(() => {});
        return null;
      }
      won();
      known();
      return keep();
    });
  });
  return { beat: () => {} };
}

async function byStorage(name, me, { won, lost, signal }) {
  let isMine = false;
  let renewedMs = 0;

  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(name)) ?? { owner: null, untilMs: 0 };
    } catch {
      return { owner: null, untilMs: 0 };
    }
  };
  const write = () => {
    renewedMs = Date.now();
    localStorage.setItem(name, JSON.stringify({ owner: me, untilMs: renewedMs + LASTS_MS }));
  };
  const look = async () => {
    const { owner, untilMs } = read();
    const isFree = owner === null || untilMs < Date.now();
    if (isMine) {
      if (owner === me || isFree) write();
      else {
        isMine = false; // this tab was asleep for long
        lost();
      }
    } else if (isFree) {
      write();
      await new Promise((resolve) => setTimeout(resolve, SETTLES_MS * (1 + Math.random())));
      if (read().owner === me && !isMine) {
        isMine = true;
        won();
      }
    }
  };
  const beat = () => {
    if (Date.now() - renewedMs >= RENEWED_MS && !signal.aborted) look();
  };
  const timer = setInterval(beat, RENEWED_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    if (read().owner === me) localStorage.removeItem(name);
  });
  await look();
  return { beat };
}
