// The fastest SHA-256 that this page may use: the browser's own, which wants a secure page; WebAssembly; plain JavaScript.

import { sha256 } from "./sha256.js";

const HASH_WASM = new URL("../../vendor/hash-wasm/sha256.umd.min.js", import.meta.url).href;

/**
 * @typedef {object} Hasher
 * @property {"subtle" | "wasm" | "plain"} name
 * @property {(bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>} digest  Takes its copy of the bytes before it returns.
 */

/** @returns {Promise<Hasher>} */
export async function makeHasher() {
  if (globalThis.crypto?.subtle) return subtleHasher();
  try {
    return await wasmHasher();
  } catch {
    return plainHasher();
  }
}

export function subtleHasher() {
  return { name: "subtle", digest: async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) };
}

export async function wasmHasher() {
  await import(HASH_WASM); // no module: it leaves a name behind
  const hasher = await globalThis.hashwasm.createSHA256();
  return { name: "wasm", digest: (bytes) => hasher.init().update(bytes).digest("binary") };
}

export function plainHasher() {
  return { name: "plain", digest: sha256 };
}

export function toHex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
