// Opening a file of a list: the viewer, with what else the list has beside it.

import { openViewer } from "../viewer/open.js";

/** Show a file; where it was closed, the list has the focus on the one that was shown last. `menu` gives what it offers. */
export function showFile(list, file, menu) {
  const files = list.items().filter((one) => one?.kind === "file");
  return openViewer({
    files,
    at: files.findIndex((one) => one.file_id === file.file_id),
    from: (one) => (list.layout() === "grid" ? list.row(one.file_id)?.querySelector(".file-picture img") : null) ?? null,
    menu,
    onClose: (one) => list.focus(list.indexOf(one.file_id)),
  });
}
