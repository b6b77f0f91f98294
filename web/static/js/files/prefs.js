// How one likes to look at folders, kept in this browser.

const KEY = "cairn-files";
const FIRST = { layout: "list", sort: "natural", order: "asc", details: false };

/** What was chosen last. @returns {{layout: "list" | "grid", sort: string, order: "asc" | "desc", details: boolean}} */
export function preferences() {
  try {
    return { ...FIRST, ...JSON.parse(localStorage.getItem(KEY)) };
  } catch {
    return FIRST;
  }
}

/** Keep a choice. */
export function prefer(choice) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...preferences(), ...choice }));
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}
