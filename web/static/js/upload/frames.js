// Bundles: many chunks in one body, as frames of 32 bytes SHA-256, 4 bytes length, and the bytes.

const HEAD = 36;

/**
 * A chunk and where its bytes are: in a Blob of their own, or as a frame that is part of a Blob of frames.
 * @typedef {{sha256: string, size: number, body?: Blob, frame?: {blob: Blob, from: number, to: number}}} Chunk
 */

/**
 * Return a body of chunks, which the browser reads while it sends: as an ArrayBuffer it went ten times slower. Frames that
 * stand side by side are taken as one, as each part of a Blob costs the browser as much as some hundred KiB.
 * @param {Chunk[]} chunks
 */
export function bundleOf(chunks) {
  const parts = [];
  for (const { sha256, size, body, frame } of chunks) {
    const last = parts.at(-1);
    if (!frame) parts.push(headOf(sha256, size), body);
    else if (last?.blob === frame.blob && last.to === frame.from) last.to = frame.to;
    else parts.push({ ...frame });
  }
  if (parts.length === 1 && parts[0].blob) return sliceOf(parts[0]);
  return new Blob(parts.map((part) => (part.blob ? sliceOf(part) : part)));
}

export function bundleSize(chunks) {
  return chunks.reduce((sum, { size }) => sum + HEAD + size, 0);
}

/** The bytes of a chunk. */
export function bytesOf({ body, frame }) {
  return body ?? frame.blob.slice(frame.from + HEAD, frame.to);
}

/**
 * Put contents into one Blob of frames.
 * @param {{bytes: Uint8Array, sha256: string}[]} contents
 * @returns {Chunk[]}  In the same order.
 */
export function framed(contents) {
  let from = 0;
  const places = contents.map(({ bytes }) => ({ from, to: (from += HEAD + bytes.length) }));
  const all = new Uint8Array(from);
  contents.forEach(({ bytes, sha256 }, index) => {
    all.set(headOf(sha256, bytes.length), places[index].from);
    all.set(bytes, places[index].from + HEAD);
  });
  const blob = new Blob([all]);
  return contents.map(({ bytes, sha256 }, index) => ({ sha256, size: bytes.length, frame: { blob, ...places[index] } }));
}

function headOf(sha256, size) {
  const head = new Uint8Array(HEAD);
  for (let index = 0; index < 32; index += 1) head[index] = Number.parseInt(sha256.slice(2 * index, 2 * index + 2), 16);
  new DataView(head.buffer).setUint32(32, size);
  return head;
}

function sliceOf({ blob, from, to }) {
  return from === 0 && to === blob.size ? blob : blob.slice(from, to);
}

/** Split chunks, in order, into bodies of at most `limit` bytes, each with at least one chunk and at most `most`. */
export function* bodiesOf(chunks, limit, most) {
  let body = [];
  let size = 0;
  for (const chunk of chunks) {
    if (body.length > 0 && (size + HEAD + chunk.size > limit || body.length === most)) {
      yield body;
      body = [];
      size = 0;
    }
    body.push(chunk);
    size += HEAD + chunk.size;
  }
  if (body.length > 0) yield body;
}
