// The door to the viewer: small, so that lists can have it at hand; the viewer itself is loaded when it is first wanted.

import { loadStyle } from "../core/dom.js";

/**
 * Show files over the whole screen, with the way to the ones beside them.
 *
 * @param {{files: Object[], at?: number, source?: import("./source.js").Source,
 *   from?: (file: Object) => Element | null, more?: () => Promise<Object[]>, menu?: (file: Object) => Object[],
 *   onMove?: (file: Object) => void, onClose?: (file: Object) => void}} options
 *   `files`: Files as the API gives them, folders left out, in the order of the list; `at`: which one is first;
 *   `source`: where bytes come from, `linkSource(token)` on a link's page; `from`: the picture in the page that a file
 *   grows from; `more`: gives the files behind the last one, none at the end; `menu`: items as of core/menu.js;
 *   `onMove`, `onClose`: which file is shown now, and which was the last
 * @returns {Promise<{close: () => void}>}
 */
export async function openViewer(options) {
  const [{ Viewer }] = await Promise.all([import("./viewer.js"), loadStyle("css/viewer.css"), loadStyle("vendor/photoswipe/photoswipe.css")]);
  return new Viewer(options).open(options.at);
}
