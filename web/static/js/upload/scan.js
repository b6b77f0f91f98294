// What was dropped, pasted or chosen, as files with their paths. Large folders come a piece at a time.

const PIECE = 200;
const ASKED = 16; // entries asked for their files at once: each answer stops the page for a moment, and they come in one go
const SLICE_MS = 10; // of the page's time at once

/**
 * @typedef {{path: string, file: File | null, size: number, mtimeMs: number}} Found  `path` is relative, such as
 *   "Photos/2026/a.jpg". Size and time are asked for once: each question to a chosen file waits for the disk. No `file`:
 *   there is something that cannot be read.
 * @typedef {{files: Found[], folders: string[]}} Piece  `folders` are those with nothing in them.
 */

/**
 * Take hold of what a drop or a paste carries. To be called while the event is handled: later it is gone.
 * @param {DataTransfer} transfer
 * @returns {AsyncGenerator<Piece>}
 */
export function scanTransfer(transfer) {
  const entries = [];
  const files = [];
  const items = [...transfer.items].filter((item) => item.kind === "file");
  for (const item of items) {
    const entry = item.webkitGetAsEntry?.();
    if (entry) entries.push(entry);
    else files.push(item.getAsFile()); // a pasted picture; a folder would only look like a file here
  }
  if (items.length === 0) files.push(...transfer.files);
  return scanEntries(entries, files.filter(Boolean));
}

/** @param {Iterable<File>} files  Of a file or folder input. */
export async function* scanFiles(files) {
  let piece = [];
  let begunMs = performance.now();
  for (const file of [...files]) {
    piece.push(found(file.webkitRelativePath || file.name, file));
    if (piece.length < PIECE && performance.now() - begunMs < SLICE_MS) continue;
    yield { files: piece, folders: [] };
    await breath(); // so that the page answers to people in between
    piece = [];
    begunMs = performance.now();
  }
  if (piece.length > 0) yield { files: piece, folders: [] };
}

function found(path, file) {
  return { path, file, size: file.size, mtimeMs: file.lastModified };
}

/** One that went away since, or may not be read, keeps no other from going. */
function unreadable(path) {
  return { path, file: null, size: 0, mtimeMs: 0 };
}

async function* scanEntries(entries, files) {
  yield* scanFiles(files);
  for (const entry of entries) yield* scanEntry(entry);
}

async function* scanEntry(entry) {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    yield { files: await filesOf([entry]), folders: [] };
    return;
  }
  const reader = entry.createReader();
  let isEmpty = true;
  for (;;) {
    const batch = await new Promise((resolve) => reader.readEntries(resolve, () => resolve(null)));
    if (batch === null) {
      yield { files: [unreadable(path)], folders: [] };
      return;
    }
    if (batch.length === 0) break; // one batch is not all: browsers give a hundred at a time
    isEmpty = false;
    for (const piece of piecesOf(batch.filter((child) => child.isFile))) {
      yield { files: await filesOf(piece), folders: [] };
    }
    for (const folder of batch.filter((child) => child.isDirectory)) yield* scanEntry(folder);
  }
  if (isEmpty) yield { files: [], folders: [path] };
}

async function filesOf(entries) {
  const files = [];
  for (let at = 0; at < entries.length; at += ASKED) files.push(...(await Promise.all(entries.slice(at, at + ASKED).map(fileOf))));
  return files;
}

async function fileOf(entry) {
  const path = entry.fullPath.replace(/^\//, "");
  const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
  return file ? found(path, file) : unreadable(path);
}

function* piecesOf(list) {
  for (let at = 0; at < list.length; at += PIECE) yield list.slice(at, at + PIECE);
}

function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
