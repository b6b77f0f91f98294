// The rolling hash where WebAssembly is not allowed. No mask looks above bit 47, so two numbers of 24 bits are enough:
// the sum of two such never leaves the 31 bits that engines keep as small integers.

import { WINDOW } from "./chunker.js";
import { HIGH, LOW, masksOf } from "./gear.js";

/** @returns {import("./chunker.js").Scanner} */
export function plainScanner() {
  const window = new Uint8Array(WINDOW);
  return {
    name: "plain",
    window,
    scan(at, mid, end, cut) {
      const [strict, loose] = masksOf(cut);
      const hash = [0, 0];
      const found = roll(window, at, mid, strict, hash);
      return found < mid ? found : roll(window, mid, end, loose, hash);
    },
  };
}

function roll(window, from, to, mask, hash) {
  const [maskHigh, maskLow] = mask;
  const [gearHigh, gearLow] = [HIGH, LOW];
  let [high, low] = hash;
  for (let at = from; at < to; at += 1) {
    const byte = window[at];
    low = (low << 1) + gearLow[byte];
    high = ((high << 1) + gearHigh[byte] + (low >>> 24)) | 0;
    low &= 0xffffff;
    if ((low & maskLow) === 0 && (high & maskHigh) === 0) return at;
  }
  hash[0] = high;
  hash[1] = low;
  return to;
}
