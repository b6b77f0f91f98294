// The gear table and masks in halves of 24 bits, as JavaScript can work with them.

import { GEAR, MASKS } from "./gear_table.js";

const TEXTS = GEAR.trim().split(/\s+/);

export const HIGH = Int32Array.from(TEXTS, (text) => Number.parseInt(text.slice(0, 6), 16));
export const LOW = Int32Array.from(TEXTS, (text) => Number.parseInt(text.slice(6), 16));

/** The masks before and after the average size, each as [high, low]. */
export function masksOf({ average }) {
  const bits = Math.round(Math.log2(average));
  return [maskOf(bits + 1), maskOf(bits - 1)];
}

function maskOf(bits) {
  const text = MASKS[bits];
  return [Number.parseInt(text.slice(0, 6), 16), Number.parseInt(text.slice(6), 16)];
}
