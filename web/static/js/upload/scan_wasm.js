// The rolling hash in WebAssembly: `python -m web.gear` makes gear.wasm and says what it does.

import { masksOf } from "./gear.js";

const TABLE = 64 * 1024;

/** @returns {Promise<import("./chunker.js").Scanner>} */
export async function wasmScanner(source = new URL("gear.wasm", import.meta.url)) {
  const code = await (await fetch(source)).arrayBuffer();
  const { instance } = await WebAssembly.instantiate(code);
  const { memory, scan } = instance.exports;
  return {
    name: "wasm",
    window: new Uint8Array(memory.buffer, TABLE),
    scan(at, mid, end, cut) {
      const [strict, loose] = masksOf(cut);
      const found = scan(TABLE + at, TABLE + mid, TABLE + end, ...halves(strict), ...halves(loose));
      return (found >>> 0) - TABLE;
    },
  };
}

/** A mask of 24 + 24 bits as 32 + 16. */
function halves([high, low]) {
  return [(low | (high << 24)) | 0, high >>> 8];
}
