// What somebody searched for lately, kept in this browser, by who it was: others sign in at it too.

const KEY = `cairn-searches ${document.body.dataset.username}`;
const MOST = 6;

/** The latest first. @returns {string[]} */
export function recentTerms() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

/** Note one; what grew out of another while it was typed takes its place. */
export function keepTerm(term) {
  const others = recentTerms().filter((one) => !term.startsWith(one) && !one.startsWith(term));
  try {
    localStorage.setItem(KEY, JSON.stringify([term, ...others].slice(0, MOST)));
  } catch {
    // It is not remembered then.
  }
}
