// The folder that one looked at last: where a search "here" looks.

let last = null;

/** Note a folder's File. */
export function remember(file) {
  last = file;
}

/** The folder's File; null for the home, and before one was opened. */
export const recalled = () => (last?.path === "/" ? null : last);
