// The worker that sends bytes. Timers of a page in the background are slowed down; a worker's are not, so it also beats
// the time for the page.
//
// In:  {kind: "put", id, url, body, headers} · {kind: "abort", id}
// Out: {kind: "beat"} every second · {id, sent} · {id, status, problem, retryAfter} · {id, error: "network" | "stalled"}

const BEAT_MS = 1000;
const TOLD_MS = 100; // between two words on how far a request is
const STALLED_MS = 30_000;
const ANSWER_MS = 120_000; // all has left: a disk may be slow

/** Requests under way: id to {request, movedMs, patienceMs}. */
const running = new Map();

addEventListener("message", ({ data }) => {
  if (data.kind === "put") put(data);
  else if (data.kind === "abort") running.get(data.id)?.request.abort();
});

setInterval(() => {
  postMessage({ kind: "beat" });
  const nowMs = performance.now();
  for (const [id, { request, movedMs, patienceMs }] of running) {
    if (nowMs - movedMs > patienceMs) end(id, { error: "stalled" }, request);
  }
}, BEAT_MS);

function put({ id, url, body, headers = {} }) {
  const request = new XMLHttpRequest();
  const state = { request, movedMs: performance.now(), patienceMs: STALLED_MS };
  running.set(id, state);
  let toldMs = 0;
  request.upload.onprogress = ({ loaded }) => {
    state.movedMs = performance.now();
    if (state.movedMs - toldMs < TOLD_MS) return;
    toldMs = state.movedMs;
    postMessage({ id, sent: loaded });
  };
  request.upload.onload = () => {
    state.movedMs = performance.now();
    state.patienceMs = ANSWER_MS;
  };
  request.onload = () => {
    const retryAfter = request.getResponseHeader("Retry-After");
    end(id, { status: request.status, problem: problemOf(request), retryAfter });
  };
  request.onerror = () => end(id, { error: "network" });
  request.onabort = () => end(id, { error: "aborted" });
  request.open("PUT", url);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.send(body);
}

function end(id, told, request) {
  if (running.delete(id)) postMessage({ id, ...told });
  request?.abort();
}

function problemOf(request) {
  if (request.status < 400) return null;
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null; // a proxy's page
  }
}
