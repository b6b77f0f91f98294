// Opening a file of a list: the viewer, with what else the list has beside it.

import { toastError } from "../core/toast.js";
import { openViewer } from "../viewer/open.js";

/**
 * Show a file; where it was closed, the list has the focus on the one that was shown last. `menu` gives what it offers;
 * what leaves `folder`, the model of the list, is shown no more.
 */
export async function showFile({ list, folder }, file, menu) {
  const off = new AbortController();
  const files = list.items().filter((one) => one?.kind === "file");
  try {
    const viewer = await openViewer({
      files,
      at: files.findIndex((one) => one.file_id === file.file_id),
      from: (one) => (list.layout() === "grid" ? list.row(one.file_id)?.querySelector(".file-picture img") : null) ?? null,
      menu,
      onClose(one) {
        off.abort();
        list.focus(Math.max(0, list.indexOf(one?.file_id)));
      },
    });
    folder.subscribe(({ removed }) => removed?.length && viewer.drop(removed), { signal: off.signal });
  } catch (error) {
    toastError(error);
  }
}
