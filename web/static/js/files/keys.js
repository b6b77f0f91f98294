// The keys for what is selected or has the focus; what they do stands in menus as well.

import { number } from "../core/format.js";
import { shortcut } from "../core/keys.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";
import { actionsFor } from "./actions.js";
import { hold } from "./clipboard.js";
import { undoLast } from "./undo.js";

/**
 * Bind them.
 *
 * @param {Object} app the view
 * @param {{showMenu: (file: Object, anchor: Element) => void, signal: AbortSignal}} options
 */
export function bindKeys(app, { showMenu, signal }) {
  const bind = (combo, label, run) => shortcut(combo, label, run, { signal });
  const act = (id) => () => {
    const files = app.targets();
    if (!files.length) return false;
    actionsFor(files, app).find((action) => action.id === id)?.run();
  };
  const holding = (mode) => async () => {
    const files = await app.whole(app.targets());
    if (!files.length) return;
    hold(mode, files);
    const values = { count: files.length, number: number(files.length) };
    toast(mode === "move" ? t("files.cut_done", values) : t("files.copy_done", values), { ms: 3000 });
  };
  bind("F2", t("files.rename"), act("rename"));
  bind("Delete", t("files.to_trash"), act("trash"));
  bind("d", t("files.download"), act("download"));
  bind("s", t("files.share"), act("share"));
  bind("ctrl+a", t("files.select_everything"), app.selectAll);
  bind("Escape", t("files.clear"), () => {
    if (app.isCovered()) app.toggleDetails();
    else if (app.selection.size()) app.selection.clear();
    else return false;
  });
  bind("ctrl+x", t("files.cut"), () => (hasText() ? false : void holding("move")()));
  bind("ctrl+c", t("files.copy"), () => (hasText() ? false : void holding("copy")()));
  bind("ctrl+z", t("files.undo"), undoLast);
  bind("i", t("files.details"), app.toggleDetails);
  bind("shift+F10", t("files.key_menu"), () => {
    const file = app.list.current();
    if (!file || !app.list.grid.contains(document.activeElement)) return false;
    showMenu(file, app.list.row(file.file_id));
  });
}

// What is marked on the page is what the browser's own copy is for.
const hasText = () => !getSelection().isCollapsed;
