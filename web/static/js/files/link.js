// A link for whoever has no account, made and copied in one step. The share dialog does more.

import { del, get, post } from "../core/api.js";
import { copyField, copyText } from "../core/copy.js";
import { openDialog } from "../core/dialog.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { undoable } from "./undo.js";

/** Put a link to an entry on the clipboard: one that anybody can follow, a new one only where there is none. */
export async function copyLink(file) {
  try {
    const { addressOf } = await import("../sharing/link-card.js");
    const { items } = await get("links", { file_id: file.file_id, limit: 100 });
    const known = items.find(isPlain);
    const link = known ?? (await post("links", { file_id: file.file_id }));
    const name = shown(file.name);
    const text = t("files.link_copied", { name });
    if (!(await copyText(addressOf(link)))) show(addressOf(link), name);
    else if (known) toast(text);
    else undoable(text, () => del(`links/${link.link_id}`));
  } catch (error) {
    toastError(error);
  }
}

const isPlain = (link) => link.url && link.mode === "view" && !link.has_password && !link.expires_ms && !link.max_downloads && link.allow_download && !link.title && !link.paused;

function show(address, name) {
  openDialog({ title: t("files.link_made", { name }), body: copyField(address, { label: t("files.copy_link") }), actions: [{ label: t("core.close"), kind: "primary" }] });
}
