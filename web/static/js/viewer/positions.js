// Where one stopped in a long film or audio book, kept in this browser.

const NAME = "cairn-positions";
const MOST = 200;
const LONG_S = 300;
const EDGE_S = 10;

/** Where to go on, in seconds; 0 for the beginning. */
export function positionOf(fileId) {
  return read()[fileId] ?? 0;
}

/** Keep where one is; near the beginning or the end, and in what is short, nothing is kept. */
export function keepPosition(fileId, seconds, duration) {
  const kept = read();
  delete kept[fileId];
  if (duration >= LONG_S && seconds > EDGE_S && seconds < duration - EDGE_S) kept[fileId] = Math.floor(seconds);
  const newest = Object.entries(kept).slice(-MOST);
  try {
    localStorage.setItem(NAME, JSON.stringify(Object.fromEntries(newest)));
  } catch {
    // Full, or forbidden: then nothing is kept.
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(NAME)) ?? {};
  } catch {
    return {};
  }
}
