// What a camera wrote into a JPEG (CIPA DC-008): read here, from the first part of the file; the server never looks.

import { dateTime } from "../core/format.js";
import { t } from "../core/text.js";

const HEAD = 128 * 1024;
const [MAKE, MODEL, SUB, GPS] = [0x010f, 0x0110, 0x8769, 0x8825];
const [TAKEN, EXPOSURE, APERTURE, ISO, FOCAL, WIDTH, HEIGHT] = [0x9003, 0x829a, 0x829d, 0x8827, 0x920a, 0xa002, 0xa003];
const SIZES = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8 };

/** Give what there is to tell, as pairs of a name and a value. @returns {Promise<[string, string][]>} */
export async function readExif(src) {
  const response = await fetch(src, { headers: { Range: `bytes=0-${HEAD - 1}` } });
  if (!response.ok) return [];
  const view = new DataView(await response.arrayBuffer());
  const start = findExif(view);
  return start ? told(new Directories(view, start)) : [];
}

function told(tiff) {
  const main = tiff.read(tiff.first);
  const sub = main.get(SUB) ? tiff.read(main.get(SUB)[0]) : new Map();
  const gps = main.get(GPS) ? tiff.read(main.get(GPS)[0]) : new Map();
  const make = main.get(MAKE) ?? "";
  const model = main.get(MODEL) ?? "";
  const exposure = sub.get(EXPOSURE)?.[0];
  return [
    sub.get(TAKEN) && [t("viewer.taken"), takenAt(sub.get(TAKEN))],
    (make || model) && [t("viewer.camera"), model.startsWith(make) ? model : `${make} ${model}`],
    exposure && [t("viewer.exposure"), [exposure < 1 ? `1/${Math.round(1 / exposure)} s` : `${exposure} s`,
      sub.get(APERTURE) && `f/${sub.get(APERTURE)[0]}`, sub.get(ISO) && `ISO ${sub.get(ISO)[0]}`, sub.get(FOCAL) && `${Math.round(sub.get(FOCAL)[0])} mm`].filter(Boolean).join(" · ")],
    sub.get(WIDTH) && sub.get(HEIGHT) && [t("viewer.dimensions"), `${sub.get(WIDTH)[0]} × ${sub.get(HEIGHT)[0]}`],
    gps.get(2) && gps.get(4) && [t("viewer.place"), `${degrees(gps.get(2), gps.get(1))} ${degrees(gps.get(4), gps.get(3))}`],
  ].filter(Boolean);
}

function takenAt(text) {
  const [, year, month, day, hour, minute] = text.match(/^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d)/) ?? [];
  return year ? dateTime(new Date(year, month - 1, day, hour, minute).getTime()) : text;
}

function degrees([whole, minutes = 0, seconds = 0], side) {
  return `${(whole + minutes / 60 + seconds / 3600).toFixed(5)}° ${side ?? ""}`;
}

/** Where the TIFF header of a JPEG's EXIF begins; 0 if there is none. */
function findExif(view) {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return 0;
  for (let at = 2; at + 18 < view.byteLength && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    if (view.getUint8(at + 1) === 0xe1 && view.getUint32(at + 4) === 0x45786966) return at + 10;
    if (view.getUint8(at + 1) === 0xda) return 0;
  }
  return 0;
}

class Directories {
  constructor(view, start) {
    this.view = view;
    this.start = start;
    this.little = view.getUint16(start) === 0x4949;
    this.first = view.getUint32(start + 4, this.little);
  }

  /** The entries of a directory by tag: texts, or lists of numbers. What lies outside is left out. */
  read(offset) {
    const { view, little } = this;
    const found = new Map();
    const at = this.start + offset;
    if (at + 2 > view.byteLength) return found;
    const count = Math.min(view.getUint16(at, little), 200);
    for (let entry = at + 2; entry < at + 2 + count * 12 && entry + 12 <= view.byteLength; entry += 12) {
      const type = view.getUint16(entry + 2, little);
      const length = Math.min(view.getUint32(entry + 4, little), 1000);
      const size = (SIZES[type] ?? 0) * length;
      const where = size <= 4 ? entry + 8 : this.start + view.getUint32(entry + 8, little);
      if (size && where + size <= view.byteLength) found.set(view.getUint16(entry, little), this.#value(type, length, where));
    }
    return found;
  }

  #value(type, length, where) {
    const { view, little } = this;
    if (type === 2) return String.fromCharCode(...new Uint8Array(view.buffer, where, length)).split("\0")[0].trim();
    return Array.from({ length }, (_, index) => {
      const at = where + index * SIZES[type];
      if (type === 3) return view.getUint16(at, little);
      if (type === 5) return view.getUint32(at, little) / (view.getUint32(at + 4, little) || 1);
      if (type === 10) return view.getInt32(at, little) / (view.getInt32(at + 4, little) || 1);
      return SIZES[type] === 4 ? view.getUint32(at, little) : view.getUint8(at);
    });
  }
}
