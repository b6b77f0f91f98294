// Downloads: the browser fetches them by itself, so that no size matters.

import { post, url } from "../core/api.js";
import { h } from "../core/dom.js";
import { toastError } from "../core/toast.js";

/** Download entries: a file as it is, a folder or several entries as a zip. */
export async function download(files) {
  const [file] = files;
  if (files.length > 1) {
    try {
      const { url: path } = await post("archives", { file_ids: files.map((one) => one.file_id) });
      fetchByBrowser(url(path));
    } catch (error) {
      toastError(error);
    }
  } else if (file.kind === "folder") fetchByBrowser(url(`api/v1/folders/${file.file_id}/archive.zip`));
  else fetchByBrowser(url(`api/v1/files/${file.file_id}/content`, { download: 1 }));
}

function fetchByBrowser(address) {
  const link = h("a", { href: address, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}
