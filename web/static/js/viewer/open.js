// The door to the viewer: small, so that lists can have it at hand; the viewer itself is loaded when it is first wanted.

import { loadStyle } from "../core/dom.js";

/**
 * Show files over the whole screen, with the way to the ones beside them.
 *
 * @param {{files: Object[], at?: number, source?: import("./source.js").Source,
 *   from?: (file: Object) => Element | null, before?: () => Promise<Object[]>, more?: () => Promise<Object[]>,
 *   position?: (file: Object) => {at: number, of: number}, menu?: (file: Object) => Object[],
 *   onMove?: (file: Object) => void, onClose?: (file?: Object) => void}} options
 *   `files`: Files as the API gives them, folders left out, in the order of the list; `at`: which one is first;
 *   `source`: where bytes come from, `linkSource(token)` on a link's page; `from`: the picture in the page that a file
 *   grows from; `before` and `more`: give the files before the first and behind the last one, none at the end;
 *   `position`: the place of a file where those are not all; `menu`: items as of core/menu.js; `onMove`, `onClose`: which
 *   file is shown now, and which was the last, if any is left
 * @returns {Promise<{close: () => void, drop: (ids: string[]) => void}>} `drop`: these files are gone
 */
export async function openViewer(options) {
  const [{ Viewer }] = await Promise.all([import("./viewer.js"), loadStyle("css/viewer.css"), loadStyle("vendor/photoswipe/photoswipe.css")]);
  return new Viewer(options).open(options.at);
}
