// What can be done with entries: what stands in menus, in the bar of the selection, and behind keys.

import { t } from "../core/text.js";
import { download } from "./download.js";
import { copyLink, rewind, share, versions } from "./elsewhere.js";
import { isMount, may } from "./places.js";
import { transfer } from "./transfer.js";

/**
 * What can be done with some entries; what is not allowed is left out.
 *
 * @param {Object[]} files
 * @param {Object} app the view: what it can do
 * @returns {{id: string, icon: string, label: string, hint?: string, run: () => void, danger?: boolean, group: number,
 *   short?: string}[]} `short`: what it is called in the bar of the selection; what has none is in its menu alone
 */
export function actionsFor(files, app) {
  const { folder } = app;
  const [one] = files.length === 1 ? files : [];
  const isChangeable = files.every((file) => may(file, "write") || isMount(file, folder.file));
  const isFolder = one?.kind === "folder";
  const isLeaving = files.every((file) => isMount(file, folder.file) && !may(file, "share"));
  const actions = [
    one && { id: "open", group: 0, icon: isFolder ? "folder-open" : "eye", label: t("files.open"), hint: "Enter", run: () => app.open(one) },
    { id: "download", group: 0, icon: "download", label: t("files.download"), short: t("files.download"), hint: "D", run: download },
    one && app.showPlace && { id: "show", group: 0, icon: "folder", label: t("files.show_place"), run: () => app.showPlace(one) },
    one && { id: "share", group: 1, icon: "user-plus", label: may(one, "share") ? t("files.share") : t("files.who_sees"), short: t("files.share"), hint: "S", run: () => share(one) },
    one && may(one, "share") && { id: "link", group: 1, icon: "link", label: t("files.copy_link"), run: () => copyLink(one) },
    one && isChangeable && { id: "rename", group: 2, icon: "pencil", label: t("files.rename"), hint: "F2", run: () => app.rename(one) },
    isChangeable && { id: "move", group: 2, icon: "folder-input", label: t("files.move_to"), short: t("files.move"), run: (all) => app.send("move", all) },
    { id: "copy", group: 2, icon: "copy", label: t("files.copy_to"), run: (all) => app.send("copy", all) },
    app.mayWrite() && { id: "duplicate", group: 2, icon: "copy-plus", label: t("files.duplicate"), run: (all) => transfer("copy", all, folder.file, folder) },
    one && !isFolder && { id: "versions", group: 3, icon: "history", label: t("files.versions"), run: () => versions(one) },
    isFolder && may(one, "write") && { id: "rewind", group: 3, icon: "history", label: t("files.rewind"), run: () => rewind(one) },
    one && !app.showsDetails() && { id: "details", group: 3, icon: "info", label: t("files.details"), hint: "I", run: app.toggleDetails },
    isLeaving && { id: "trash", group: 4, icon: "log-out", label: t("files.leave_action"), short: t("files.leave_action"), hint: t("core.key_delete"), danger: true, run: app.trash },
    isChangeable && !isLeaving && { id: "trash", group: 4, icon: "trash-2", label: t("files.to_trash"), short: t("files.delete"), hint: t("core.key_delete"), danger: true, run: app.trash },
  ].filter(Boolean);
  return actions.map((action) => ({ ...action, run: async () => action.run(await app.whole(files)) }));
}

/** The same as items of a menu, with lines between the groups. */
export function menuOf(actions) {
  const items = [];
  let group = null;
  for (const action of actions) {
    if (group !== null && action.group !== group) items.push("-");
    group = action.group;
    items.push(action);
  }
  return items;
}
