// What GET /me says, for all who show something of it.

import { whoAmI } from "../core/api.js";
import { store } from "../core/store.js";

const LEAST_MS = 5000;
let asked = 0;
let timer = 0;

/** `me` is the answer of GET /api/v1/me, null until it is there. */
export const profile = store({ me: null });

/** Ask anew; many who wish it at once make one call. */
export async function refresh() {
  clearTimeout(timer);
  const wait = asked + LEAST_MS - Date.now();
  if (wait > 0) {
    timer = setTimeout(refresh, wait);
    return;
  }
  asked = Date.now();
  try {
    profile.set({ me: await whoAmI() });
  } catch (error) {
    if (![0, 401].includes(error.status) && error.code !== "stranger") throw error; // it comes with the next news
  }
}
