// The folders of a tree, level by level as they are asked for.

import { get } from "../core/api.js";

const PAGE = 200;

/** The folders in a folder; they stand before its files, so that few pages are read. @returns {Promise<Object[]>} */
export async function subfolders(id, signal) {
  const found = [];
  for (let after; ; ) {
    const page = await get(`folders/${id}/children`, { sort: "natural", limit: PAGE, after }, { signal });
    const folders = page.items.filter((file) => file.kind === "folder");
    found.push(...folders);
    if (page.next === null || folders.length < page.items.length) return found;
    after = page.next;
  }
}

/** Folders anywhere whose names hold a text. @returns {Promise<Object[]>} */
export async function foldersLike(text, signal) {
  return (await get("search", { q: text, kind: "folder", limit: 50 }, { signal })).items;
}
