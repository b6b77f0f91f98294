// The worker that reads files, cuts them and hashes the chunks. Its answer alone may carry 'wasm-unsafe-eval'.
//
// In:  {kind: "cut", id, file, cut, from}   one larger file; chunks come in groups, always of the same ones
//      {kind: "room", id, bytes}            so much of it was dealt with
//      {kind: "stop", id}
//      {kind: "small", id, files: [{file, cut}]}
//      {kind: "hash", id, blob}
// Out: {kind: "ready", hasher, scanner} · {id, chunks, done} · {id, results} · {id, sha256} · {id, error}
//
// A chunk of a larger file carries a slice of it, which the browser reads once more when it sends. Those of small files carry
// their bytes, all in one Blob: to open two hundred files again, or to keep two hundred Blobs, takes longer than to keep 8 MiB.

import { Cutting, makeScanner } from "./chunker.js";
import { framed } from "./frames.js";
import { makeHasher, toHex } from "./hasher.js";

const READ = 8 * 1024 * 1024;
const GROUP = 16; // chunks told at once: an upload that is resumed repeats the very lists it sent before
const AHEAD = 256 * 1024 * 1024; // bytes that are hashed and not yet dealt with
const READERS = 16; // small files open at once

/** The larger files: id to what was told of it. */
const jobs = new Map();
let turn = Promise.resolve(); // one larger file is cut at a time: its window is the scanner's

const parts = Promise.all([makeHasher(), makeScanner(), makeScanner()]);
parts.then(([hasher, scanner]) => postMessage({ kind: "ready", hasher: hasher.name, scanner: scanner.name }));

addEventListener("message", ({ data }) => {
  if (data.kind === "cut") {
    const job = { ahead: 0, stopped: false, wake: () => {} };
    jobs.set(data.id, job);
    turn = turn.then(() => answer(data.id, () => cutFile(data, job))).then(() => jobs.delete(data.id));
  } else if (data.kind === "room") {
    const job = jobs.get(data.id);
    if (job) {
      job.ahead -= data.bytes;
      job.wake();
    }
  } else if (data.kind === "stop") {
    const job = jobs.get(data.id);
    if (job) {
      job.stopped = true;
      job.wake();
    }
  } else if (data.kind === "small") {
    answer(data.id, () => cutSmall(data));
  } else if (data.kind === "hash") {
    answer(data.id, () => hashBlob(data));
  }
});

/** Do the work; tell what kept it from being done. */
async function answer(id, work) {
  try {
    await work();
  } catch (error) {
    postMessage({ id, error: { name: error.name, message: error.message } });
  }
}

async function cutFile({ id, file, cut, from }, job) {
  const [hasher, scanner] = await parts;
  const cutting = new Cutting(scanner, cut);
  let group = [];
  let next = job.stopped ? null : read(file, from);
  for (let at = from; !job.stopped; ) {
    const bytes = await next;
    at += bytes.length;
    const atEnd = at >= file.size;
    next = atEnd ? null : read(file, at);
    next?.catch(() => {}); // it is told where it is awaited
    cutting.push(bytes);
    const hashed = [...cutting.chunks(atEnd)].map(async ({ offset, size, bytes: content }) => ({
      offset: from + offset,
      size,
      sha256: toHex(await hasher.digest(content)),
      body: file.slice(from + offset, from + offset + size),
    }));
    for (const chunk of await Promise.all(hashed)) {
      group.push(chunk);
      job.ahead += chunk.size;
      if (group.length === GROUP) {
        postMessage({ id, chunks: group, done: false });
        group = [];
      }
    }
    if (atEnd) {
      postMessage({ id, chunks: group, done: true });
      return;
    }
    while (job.ahead > AHEAD && !job.stopped) {
      await new Promise((resolve) => {
        job.wake = resolve;
      });
    }
  }
}

async function cutSmall({ id, files }) {
  const [hasher, , scanner] = await parts;
  const results = new Array(files.length);
  let next = 0;
  const reader = async () => {
    while (next < files.length) {
      const index = next;
      next += 1;
      results[index] = await cutWhole(files[index], hasher, scanner);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  const chunks = framed(results.flatMap(({ contents }) => contents ?? []));
  let at = 0;
  const told = results.map(({ contents, error }) => (error ? { error } : { chunks: chunks.slice(at, (at += contents.length)) }));
  postMessage({ id, results: told });
}

/** Return the bytes of each chunk of a file that fits the window, and their hash; or why it cannot be read. */
async function cutWhole({ file, cut }, hasher, scanner) {
  try {
    const bytes = await read(file, 0);
    const cutting = new Cutting(scanner, cut);
    cutting.push(bytes); // no other file comes between this and the last of its chunks
    const hashed = [...cutting.chunks(true)].map(async ({ offset, size, bytes: content }) => ({
      sha256: toHex(await hasher.digest(content)),
      bytes: bytes.subarray(offset, offset + size),
    }));
    return { contents: await Promise.all(hashed) };
  } catch (error) {
    return { error: { name: error.name, message: error.message } };
  }
}

async function hashBlob({ id, blob }) {
  const [hasher] = await parts;
  postMessage({ id, sha256: toHex(await hasher.digest(new Uint8Array(await blob.arrayBuffer()))) });
}

/** Read the next bytes of a file; it must be as long as it was. */
async function read(file, from) {
  const to = Math.min(file.size, from + READ);
  const part = from === 0 && to === file.size ? file : file.slice(from, to);
  const bytes = new Uint8Array(await part.arrayBuffer());
  if (bytes.length !== to - from) throw new DOMException("The file is shorter than it was.", "NotReadableError");
  return bytes;
}
