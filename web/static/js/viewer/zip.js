// What a zip says of itself: the list at its end (PKWARE's APPNOTE 6.3.10, 4.3 and 4.5). Nothing is unpacked, and what
// stands there is text and numbers that somebody wrote, perhaps to do harm: all of it has its limit.

const TAIL = 66_048; // the end record with the longest comment, and those of large archives before it
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_ENTRIES = 10_000;
const LONGEST = 1000; // letters of a name

const END = { signature: 0x06054b50, size: 22 };
const LOCATOR = { signature: 0x07064b50, size: 20 };
const LARGE_END = { signature: 0x06064b50, size: 56 };
const ENTRY = { signature: 0x02014b50, size: 46 };
const LARGE = 0xffffffff; // says that the true number stands in the field of large archives
const LARGE_FIELD = 0x0001;
const TIME_FIELD = 0x5455;

// Bytes from 128 on as old programs mean them (code page 437).
const OLD = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

/** It is no zip, or a broken one. */
export class NotZip extends Error {}

/**
 * Read the list of a zip, up to 10,000 entries and 4 MiB of it.
 *
 * @param {(from: number, to: number) => Promise<Uint8Array>} read gives a range of the file
 * @param {number} size of the file
 * @returns {Promise<{entries: {name: string, isFolder: boolean, size: number, time: number | null}[], isWhole: boolean}>}
 *   in the archive's order; `time` in Unix ms
 * @throws {NotZip}
 */
export async function readZip(read, size) {
  const tailAt = Math.max(0, size - TAIL);
  const tail = size >= END.size ? await read(tailAt, size) : new Uint8Array();
  const part = (from, to) => (from >= tailAt ? tail.subarray(from - tailAt, to - tailAt) : read(from, to));
  const end = await findEnd(tail, tailAt, part);
  const from = end.at - end.length; // and not where it says: a program may stand before the archive
  if (from < 0) throw new NotZip();
  return entriesIn(await part(from, from + Math.min(end.length, MOST_BYTES)), end.length);
}

/** Find the record that tells how long the list is, which ends where that record begins. */
async function findEnd(tail, tailAt, part) {
  const view = viewOf(tail);
  let at = tail.length - END.size;
  while (at >= 0 && !(is(view, at, END) && at + END.size + view.getUint16(at + 20, true) === tail.length)) at -= 1;
  if (at < 0) throw new NotZip();
  const locator = at - LOCATOR.size;
  if (locator < 0 || !is(view, locator, LOCATOR)) return { at: tailAt + at, length: view.getUint32(at + 12, true) };
  const largeAt = number64(view, locator + 8);
  if (largeAt + LARGE_END.size > tailAt + locator) throw new NotZip();
  const large = viewOf(await part(largeAt, largeAt + LARGE_END.size));
  if (!is(large, 0, LARGE_END)) throw new NotZip();
  return { at: largeAt, length: number64(large, 40) };
}

function entriesIn(bytes, length) {
  const view = viewOf(bytes);
  const entries = [];
  let at = 0;
  while (entries.length < MOST_ENTRIES && is(view, at, ENTRY)) {
    const nameAt = at + ENTRY.size;
    const moreAt = nameAt + view.getUint16(at + 28, true);
    const commentAt = moreAt + view.getUint16(at + 30, true);
    const next = commentAt + view.getUint16(at + 32, true);
    if (next > bytes.length) break;
    const fields = fieldsIn(new DataView(bytes.buffer, bytes.byteOffset + moreAt, commentAt - moreAt));
    const name = text(bytes.subarray(nameAt, moreAt));
    entries.push({
      name: name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name,
      isFolder: name.endsWith("/"),
      size: sizeOf(view, at, fields.get(LARGE_FIELD)),
      time: timeOf(view, at, fields.get(TIME_FIELD)),
    });
    at = next;
  }
  if (!entries.length && length) throw new NotZip();
  return { entries, isWhole: at === length };
}

function fieldsIn(view) {
  const fields = new Map();
  for (let at = 0; at + 4 <= view.byteLength;) {
    const size = view.getUint16(at + 2, true);
    if (at + 4 + size > view.byteLength) break;
    fields.set(view.getUint16(at, true), new DataView(view.buffer, view.byteOffset + at + 4, size));
    at += 4 + size;
  }
  return fields;
}

function sizeOf(view, at, large) {
  const size = view.getUint32(at + 24, true);
  return size === LARGE && large?.byteLength >= 8 ? number64(large, 0) : size;
}

/** The moment where it is told; else what a clock showed where the archive was made, taken as one here. */
function timeOf(view, at, told) {
  if (told?.byteLength >= 5 && told.getUint8(0) & 1) return told.getInt32(1, true) * 1000;
  const [time, day] = [view.getUint16(at + 12, true), view.getUint16(at + 14, true)];
  const month = (day >> 5) & 15;
  if (!month || month > 12 || !(day & 31)) return null;
  return new Date(1980 + (day >> 9), month - 1, day & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2).getTime();
}

/** A name: UTF-8 wherever it can be, as not all who write that say so. */
function text(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : OLD[byte - 128])).join("");
  }
}

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const is = (view, at, { signature, size }) => at + size <= view.byteLength && view.getUint32(at, true) === signature;
const number64 = (view, at) => Number(view.getBigUint64(at, true));
