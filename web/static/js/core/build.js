// Whether this page is still of the build that the server has: after an update of the server its other files are gone.

import { asset } from "./dom.js";

/** Load the page anew if the server has another build by now. @returns {Promise<boolean>} whether it does so */
export async function reloadIfOutdated() {
  const response = await fetch(asset("cairn.svg"), { cache: "no-store" }).catch(() => null);
  if (response?.status !== 404) return false;
  location.reload();
  return true;
}
