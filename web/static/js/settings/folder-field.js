// A field that names a folder by its path, and offers those that are there while one types.

import { ApiError, get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { t } from "../core/text.js";
import { field, freshId } from "../panels/parts.js";

const OFFERED = 100;

/** The field; `chosen()` resolves to the folder's id, null where it is empty, and throws what to say. */
export function folderField({ label, hint }) {
  const list = h("datalist", { id: freshId() });
  const made = field({ label, hint, list: list.id, autocomplete: "off", spellcheck: "false", placeholder: "/", oninput: offer, onfocus: offer });
  let offered = null;

  async function offer() {
    const parent = parentOf(made.input.value);
    if (parent === offered) return;
    offered = parent;
    try {
      const { file_id: id } = parent === "/" ? { file_id: "root" } : await get("files", { path: parent });
      const { items } = await get(`folders/${id}/children`, { limit: OFFERED });
      if (parent === offered) fill(list, items.filter((one) => one.kind === "folder").map((one) => h("option", { value: one.path })));
    } catch {
      fill(list); // there is no such folder: `chosen` says so
    }
  }

  made.append(list);
  made.chosen = async () => {
    const path = made.input.value.trim().replace(/\/+$/, "");
    if (!path) return null;
    const found = await get("files", { path: path.startsWith("/") ? path : `/${path}` }).catch((error) => {
      throw error.code === "not_found" || error.code === "invalid_request" ? absent(path) : error;
    });
    if (found.kind !== "folder") throw absent(path);
    return found.file_id;
  };
  return made;
}

const parentOf = (path) => path.slice(0, path.lastIndexOf("/")).replace(/^([^/])/, "/$1") || "/";

const absent = (path) => new ApiError(404, { code: "not_found", detail: t("settings.no_folder", { path }) });
