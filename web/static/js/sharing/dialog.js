// The share dialog of a file or folder: who sees it, and the links that lead to it.

import { get } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { fill, h, loadStyle } from "../core/dom.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";
import { profile } from "../shell/profile.js";
import { linksOf } from "./links.js";
import { people } from "./people.js";

/**
 * Open the dialog.
 *
 * @param {Object} file a File
 * @param {"view" | "drop" | null} [make] the mode of a link that is made at once
 * @returns {Promise<void>} once it is closed
 */
export async function openShareDialog(file, make = null) {
  await loadStyle("css/sharing.css");
  const off = new AbortController();
  const body = h("div", { class: "share" }, h("div", { class: "skeleton share-skeleton", role: "status", "aria-label": t("core.loading") }));
  const dialog = openDialog({ title: t("share.title", { name: shown(file.name) }), size: "wide", body });
  try {
    const now = await get(`files/${file.file_id}`, {}, { signal: off.signal });
    const options = { file: now, me: profile.get().me ?? (await get("me", {}, { signal: off.signal })), signal: off.signal, close: dialog.close, make };
    const mayShare = now.permissions.includes("share");
    const parts = await Promise.all([people(options), mayShare ? linksOf(options) : null]);
    fill(body, parts, !mayShare && h("p", { class: "hint" }, t("share.owner_only")));
    body.querySelector("button, input")?.focus();
  } catch (error) {
    if (error.name !== "AbortError") fill(body, h("p", { class: "problem", role: "alert" }, errorText(error)));
  }
  await dialog.result;
  off.abort();
}
