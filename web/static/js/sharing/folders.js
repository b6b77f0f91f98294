// Folders that people share: who shares them, who sees them, and what one may do there.

import { call, get } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { openShareDialog } from "./dialog.js";
import { roleName, sign } from "./people.js";

const AT_ONCE = 6;
const SIGNS = 4;

/**
 * The shared folders in somebody's view, with their members.
 *
 * @returns {Promise<{file: Object, role: string, members: Object[], me: string}[]>} sorted by name
 */
export async function sharedFolders({ signal }) {
  const { spaces, user } = await get("me", {}, { signal });
  const waiting = spaces.slice(1);
  const found = [];
  const worker = async () => {
    for (let space = waiting.pop(); space; space = waiting.pop()) {
      try {
        const [file, members] = await Promise.all([
          get(`files/${space.root_id}`, {}, { signal }),
          get(`files/${space.root_id}/members`, {}, { signal }),
        ]);
        found.push({ file, role: space.role, members: members.items, me: user.username });
      } catch (error) {
        if (error.status !== 404) throw error; // it was left meanwhile
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found.sort((one, other) => one.file.path.localeCompare(other.file.path));
}

/** A folder as a row. @param {() => Promise<void>} changed is called after what this row did */
export function folderRow({ file, role, members, me }, changed) {
  const owner = members.find((one) => one.role === "owner");
  const others = members.filter((one) => one.username !== me);
  const isMine = role === "owner";
  const said = isMine ? t("shared.with", { names: listed(others.map((one) => one.username)) }) : t("shared.by", { name: owner?.username ?? "?", role: roleName(role) });
  const more = h("button", { type: "button", class: "icon-button", "aria-label": t("shared.more", { name: shown(file.name) }), "aria-haspopup": "menu", onclick: open }, icon("ellipsis"));
  const share = () => openShareDialog(file).then(changed).catch(toastError);

  function open() {
    openMenu(more, [
      { icon: "folder-open", label: t("shared.open"), href: href("files", file.path.split("/").filter(Boolean)) },
      { icon: "users", label: isMine ? t("shared.manage") : t("shared.who"), run: share },
      ...(isMine ? [] : ["-", { icon: "log-out", label: t("share.leave"), danger: true, run: leave }]),
    ], { label: shown(file.name) });
  }
  async function leave() {
    if (!(await confirm({ title: t("share.leave_title", { name: shown(file.name) }), text: t("share.leave_text"), action: t("share.leave") }))) return;
    await call("DELETE", `files/${file.file_id}/members/${encodeURIComponent(me)}`).then(changed).catch(toastError);
  }

  return h("li", { class: "shared-folder" },
    icon("folder", { size: 24, class: "shared-icon" }),
    h("div", { class: "shared-what" },
      h("a", { class: "link-kind", href: href("files", file.path.split("/").filter(Boolean)) }, shown(file.name)),
      h("span", { class: "soft shared-said" }, said)),
    h("span", { class: "shared-signs", "aria-hidden": "true" }, others.slice(0, SIGNS).map((one) => sign(one.username)), others.length > SIGNS && h("span", { class: "share-sign" }, `+${others.length - SIGNS}`)),
    h("button", { type: "button", class: "button quiet", onclick: share }, isMine ? t("shared.manage") : t("shared.who")),
    more);
}

function listed(names) {
  const list = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });
  return names.length > SIGNS ? list.format([...names.slice(0, SIGNS - 1), t("shared.others", { count: names.length - SIGNS + 1 })]) : list.format(names.length ? names : [t("shared.nobody")]);
}
