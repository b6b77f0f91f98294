// News from the server: one stream of events for all tabs of this browser. The tab that leads holds it and tells the rest.

import { ROOT, whoAmI } from "./api.js";

const NAME = "cairn-events";
const LEASE_MS = 10_000;
const BEAT_MS = 2_000;
const LONGEST_WAIT_MS = 30_000;

const me = crypto.getRandomValues(new Uint32Array(2)).join("-");
const listeners = new Set();
let channel = null;
let source = null;
let hasAsked = false;

/**
 * Hear that something may have changed in what the user sees; also each time the stream begins, for what came before.
 * Who wants to know what it was asks `sync` from a cursor of its own.
 *
 * @param {() => void} listener
 * @param {{signal?: AbortSignal}} [options]
 */
export function onChange(listener, { signal } = {}) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
}

/** Start; once, by the shell. */
export function start() {
  channel = new BroadcastChannel(NAME);
  channel.onmessage = tell;
  // Web Locks are there in secure contexts alone; elsewhere a lease in localStorage, renewed by its holder.
  if (navigator.locks) navigator.locks.request(NAME, lead);
  else {
    takeLease();
    setInterval(takeLease, BEAT_MS);
  }
  addEventListener("pagehide", () => {
    source?.close();
    if (readLease().owner === me) localStorage.removeItem(NAME);
  });
}

function lead() {
  connect(1000);
  return new Promise(() => {});
}

function takeLease() {
  const now = Date.now();
  const { owner, until } = readLease();
  if (owner !== me && until > now) {
    source?.close();
    source = null;
    return;
  }
  localStorage.setItem(NAME, JSON.stringify({ owner: me, until: now + LEASE_MS }));
  // No write is atomic: whoever is read back after a turn of the others has won.
  if (!source) setTimeout(() => readLease().owner === me && !source && connect(1000), BEAT_MS / 4);
}

function readLease() {
  try {
    return JSON.parse(localStorage.getItem(NAME)) ?? { owner: "", until: 0 };
  } catch {
    return { owner: "", until: 0 };
  }
}

function connect(waitMs) {
  source = new EventSource(new URL("api/v1/events", ROOT));
  source.onopen = () => {
    hasAsked = false;
    waitMs = 1000;
    tellAll();
  };
  source.addEventListener("change", tellAll);
  source.onerror = async () => {
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    // It was refused, as when the session has ended: a plain call asks for a sign-in, once.
    await whoAmI({ quiet: hasAsked }).catch(() => {});
    hasAsked = true;
    setTimeout(connect, waitMs, Math.min(waitMs * 2, LONGEST_WAIT_MS));
  };
}

function tellAll() {
  channel.postMessage(null);
  tell();
}

function tell() {
  for (const listener of [...listeners]) listener();
}
