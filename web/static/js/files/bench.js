// What every view of entries has: the list, what is selected, the menu, the keys, the details beside it.

import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { openMenu } from "../core/menu.js";
import { go } from "../core/router.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { actionsFor, menuOf } from "./actions.js";
import { chosenBar } from "./chosen.js";
import { bindKeys } from "./keys.js";
import { fileList } from "./list.js";
import { bindMoves } from "./moves.js";
import { addressOf, may, parentPath } from "./places.js";
import { bindPointer } from "./pointer.js";
import { prefer, preferences } from "./prefs.js";
import { renameInPlace } from "./rename.js";
import { selecting } from "./selection.js";
import { showFile } from "./showing.js";
import { columnHeads } from "./toolbar.js";
import { transfer } from "./transfer.js";
import { trash } from "./trashing.js";

const DETAILED = new Set(["download", "share", "versions", "rewind"]);
const VIEWED = new Set(["share", "link", "versions", "trash"]);
const overlay = matchMedia("(max-width: 899px)");

/**
 * Make a bench.
 *
 * @param {{folder: Object, head: HTMLElement, sortBy?: (sorting: Object) => void, whereOf?: (file: Object) => Node,
 *   found?: () => string, emptyMenu?: () => Object[], detailsShown: (isOpen: boolean) => void,
 *   signal: AbortSignal}} options `folder` is the model; below `head` stands the bar of the selection; without `sortBy`
 *   the columns have no heads; `emptyMenu` is offered where no entry is
 * @returns {Object} what actions, keys and menus work with, and `element`
 */
export function bench({ folder, head, sortBy = null, whereOf, found, emptyMenu = () => [], detailsShown, signal }) {
  const selection = selecting();
  const heads = sortBy && columnHeads({ sortBy, selectAll: (all) => (all ? app.selectAll() : selection.clear()) });
  const list = fileList({ selection, heads: heads?.element, whereOf, found, wanted: () => folder.loadAll().catch(() => {}), signal });
  const bar = chosenBar({ clear: () => selection.clear(), all: () => app.selectAll(), more: showMore, signal });
  head.append(bar.element);
  const element = h("div", { class: "files" }, h("div", { class: "files-body" }, head, list.element));
  let details = null;
  let isPart = false;

  const app = {
    element,
    folder,
    list,
    selection,
    heads,
    open(file) {
      if (file.kind === "folder") go(addressOf(file));
      else showFile(app, file, (one) => menuOf(actionsFor([one], app).filter((action) => VIEWED.has(action.id))));
    },
    rename: (file) => renameInPlace(list, folder, file),
    trash: (files) => trash(folder, files),
    selectAll() {
      selection.set(list.items().map((file) => file.file_id), { all: !isPart });
    },
    /** What an action is about: what is selected, else what has the focus. */
    targets() {
      if (selection.size()) return chosenFiles();
      const file = list.grid.contains(document.activeElement) ? list.current() : null;
      return file ? [file] : [];
    },
    /** The same entries; where all are selected, those too that were not loaded yet. */
    async whole(files) {
      if (!selection.isAll() || folder.isWhole()) return files;
      await folder.loadAll();
      return chosenFiles();
    },
    async send(mode, files) {
      const { askWhere } = await import("./destination.js");
      const target = await askWhere(mode, files, parentPath(files[0].path)).catch(toastError);
      if (target) await transfer(mode, files, target, folder);
      if (document.activeElement === document.body) list.focus(Math.max(0, list.indexOf(list.current()?.file_id)));
    },
    showsDetails: () => details !== null,
    /** Whether the details hide the list. */
    isCovered: () => details !== null && overlay.matches,
    toggleDetails() {
      prefer({ details: details === null });
      if (details) closeDetails();
      else openDetails();
    },
    mayWrite: () => Boolean(folder.file && may(folder.file, "write")),
    mayShare: () => Boolean(folder.file && may(folder.file, "share")),
    /** Show entries, `total` of them with those not loaded yet; `part`: some are left out by a filter. */
    show(items, total, { part = false } = {}) {
      isPart = part;
      list.show(items, total, folder.file);
      showChosen();
    },
  };

  const chosenFiles = () => [...selection.ids()].map(folder.find).filter(Boolean);

  function showMenu(file, anchor) {
    if (file && !selection.has(file.file_id)) selection.clear();
    if (file) list.reveal(file.file_id);
    const files = selection.size() ? chosenFiles() : [file];
    openMenu(anchor, file ? menuOf(actionsFor(files, app)) : emptyMenu(), { label: file ? shown(file.name) : t("files.folder_menu") });
  }

  function showMore(button) {
    const everything = { icon: "check", label: t("files.select_everything"), run: app.selectAll };
    openMenu(button, [...menuOf(actionsFor(chosenFiles(), app)), "-", everything], { label: t("files.more") });
  }

  function showChosen() {
    const files = chosenFiles();
    const unloaded = selection.isAll() ? folder.total - folder.entries().length : 0;
    const count = files.length + unloaded;
    const bytes = unloaded ? null : files.reduce((sum, file) => sum + file.size, 0);
    bar.show({ count, total: folder.total, bytes, actions: count ? actionsFor(files, app) : [] });
    heads?.showChosen(count, folder.total);
    showDetails();
  }

  async function openDetails() {
    const { detailsPane } = await import("./details.js");
    if (details || signal.aborted) return;
    const actions = (file) => actionsFor([file], app).filter((action) => DETAILED.has(action.id));
    details = detailsPane({ close: app.toggleDetails, signal, actions });
    element.append(details.element);
    detailsShown(true);
    showDetails();
    if (overlay.matches) details.element.querySelector("button").focus(); // what it lies over cannot be seen
  }

  function closeDetails() {
    const had = details.element.contains(document.activeElement);
    details.element.remove();
    details = null;
    detailsShown(false);
    if (had) list.focus(Math.max(0, list.indexOf(list.current()?.file_id)));
  }

  function showDetails() {
    const files = chosenFiles();
    const near = list.current();
    details?.show(files.length ? files : near ? [near] : [], folder.file);
  }

  folder.subscribe(({ what, added, removed }) => {
    if (what === "page") selection.grow(added.map((file) => file.file_id));
    if (removed?.length) selection.drop(removed);
  });
  selection.subscribe(showChosen, { signal });
  bindMoves({ list, selection, folder, open: app.open, signal });
  bindPointer({ list, selection, open: app.open, menu: showMenu, signal });
  bindKeys(app, { showMenu, signal });
  list.host.addEventListener("focusin", showDetails, { signal });
  if (preferences().details && !overlay.matches) openDetails();
  return app;
}
