// Files: the view of a folder.

import { $, fill, h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { shortcut } from "../core/keys.js";
import { go, href } from "../core/router.js";
import { t } from "../core/text.js";
import { actionsFor } from "./actions.js";
import { bench } from "./bench.js";
import { clipboard, letGo } from "./clipboard.js";
import { newDropBox, newFolder, newTextFile } from "./create.js";
import { bindDrag } from "./drag.js";
import { rewind, share } from "./elsewhere.js";
import { folderModel } from "./folder.js";
import { offerNew } from "./new.js";
import { failure, loading, nothing } from "./notices.js";
import { fold } from "./order.js";
import { isWithin, namesOf, parentPath } from "./places.js";
import { prefer, preferences } from "./prefs.js";
import { remember } from "./recall.js";
import { toolbar } from "./toolbar.js";
import { transfer } from "./transfer.js";
import { canUndo, undoLast } from "./undo.js";

const QUIET_MS = 150;
const OF_FOLDER = new Set(["download", "share", "link"]);
const chooseFiles = () => $("#upload-files").click();

/** Show the view. */
export async function mount(container, { place, signal, setTitle }) {
  const chosen = preferences();
  const folder = folderModel({ signal, sorting: { sort: chosen.sort, order: chosen.order } });
  const opening = folder.open(place.path); // the server works while the view is made
  const bar = toolbar({ sortBy, setLayout, filter, toggleDetails: () => app.toggleDetails(), menu: folderMenu });
  const app = bench({ folder, head: bar.element, sortBy, emptyMenu: folderMenu, detailsShown: bar.showDetails, signal });
  const { list, selection } = app;
  const notice = h("div", { class: "files-notice" });
  list.element.append(notice);
  container.append(app.element);
  let filterText = "";
  let focusNext = null;
  let cameFrom = ""; // the path of the folder before
  let quiet = 0;

  Object.assign(app, {
    newFolder: () => made(newFolder(folder)),
    newTextFile: () => made(newTextFile(folder)),
    async newDropBox() {
      const file = await made(newDropBox(folder));
      if (file) await share(file, "drop");
    },
    async paste() {
      const { mode, files } = clipboard();
      if (!mode || !folder.file) return;
      if (mode === "move") letGo();
      const placed = await transfer(mode, files, folder.file, folder);
      if (!placed.length) return;
      selection.set(placed.map((file) => file.file_id));
      list.focus(list.indexOf(placed[0].file_id));
    },
  });

  async function made(asked) {
    const file = await asked;
    if (file) list.focus(list.indexOf(file.file_id));
    return file;
  }

  /** What can be done with the folder itself: behind its button, and where no entry is. */
  function folderMenu() {
    const whole = folder.file ? actionsFor([folder.file], app).filter((action) => OF_FOLDER.has(action.id)) : [];
    return [
      app.mayWrite() && { icon: "upload", label: t("files.upload"), hint: "U", run: chooseFiles },
      app.mayWrite() && { icon: "folder-plus", label: t("files.new_folder"), hint: "N", run: app.newFolder },
      app.mayWrite() && { icon: "file-plus", label: t("files.new_text"), run: app.newTextFile },
      app.mayWrite() && clipboard().mode && { icon: "clipboard", label: t("files.paste"), hint: `${t("core.key_ctrl")} V`, run: app.paste },
      canUndo() && { icon: "undo-2", label: t("files.undo"), hint: `${t("core.key_ctrl")} Z`, run: undoLast },
      "-",
      ...whole.map((action) => ({ ...action, hint: "" })),
      app.mayWrite() && { icon: "history", label: t("files.rewind_here"), run: () => rewind(folder.file) },
      !app.showsDetails() && { icon: "info", label: t("files.details"), hint: "I", run: app.toggleDetails },
    ].filter(Boolean);
  }

  function sortBy(sorting) {
    prefer(sorting);
    showSorting(sorting);
    folder.sortBy(sorting);
  }

  function showSorting(sorting) {
    bar.showSorting(sorting);
    app.heads.showSorting(sorting);
  }

  function setLayout(layout) {
    prefer({ layout });
    bar.showLayout(layout);
    list.setLayout(layout);
  }

  function filter(text) {
    filterText = fold(text.trim());
    if (filterText) folder.loadAll().catch(() => {});
    showEntries();
  }

  function showEntries() {
    const all = folder.entries();
    const items = filterText ? all.filter((file) => fold(file.name).includes(filterText)) : all;
    app.show(items, filterText ? items.length : folder.total, { part: filterText !== "" });
    if (folder.status !== "ready") return;
    if (items.length || (!filterText && folder.total)) fill(notice);
    else fill(notice, filterText ? nothing(t("files.none_like_it"), t("files.none_like_it_text")) : emptyFolder());
  }

  function emptyFolder() {
    return h("div", { class: "empty" }, icon("folder-open", { size: 56 }), h("h2", {}, t("files.empty")),
      h("p", {}, app.mayWrite() ? t("files.empty_text") : t("files.empty_viewer")),
      app.mayWrite() && h("button", { type: "button", class: "button", onclick: chooseFiles }, icon("upload"), t("files.upload")));
  }

  function showStatus() {
    clearTimeout(quiet);
    if (folder.status === "loading") {
      quiet = setTimeout(() => {
        app.show([], 0);
        fill(notice, loading());
      }, QUIET_MS);
      return;
    }
    app.show([], 0);
    selection.clear();
    fill(notice, folder.status === "gone" ? gone() : failure(folder.error, folder.reload));
  }

  function gone() {
    return h("div", { class: "empty", role: "alert" }, icon("folder", { size: 56 }),
      h("h2", {}, t("files.gone")), h("p", {}, t("files.gone_text")),
      h("a", { class: "button", href: href("files", place.path.slice(0, -1)) }, t("files.up")));
  }

  function opened() {
    clearTimeout(quiet);
    remember(folder.file);
    list.setLabel(t("files.in", { name: place.path.length ? shown(place.path.at(-1)) : t("nav.files") }));
    showEntries();
    focusWanted();
  }

  /** Give the focus to the entry that one came for, once it is loaded. */
  function focusWanted() {
    focusNext ??= folder.entries().find((one) => one.kind === "folder" && isWithin(cameFrom, one.path))?.file_id;
    const file = focusNext && folder.find(focusNext);
    if (file) {
      cameFrom = "";
      const at = document.activeElement;
      if (at === document.body || at.id === "view" || list.grid.contains(at)) list.focus(list.indexOf(focusNext));
      else list.reveal(focusNext);
      if (place.query.get("open") === focusNext) app.open(file);
    }
    if (file || folder.isWhole()) [focusNext, cameFrom] = [null, ""];
  }

  folder.subscribe(({ what, file }) => {
    if (what === "status") showStatus();
    else if (what === "file") go(href("files", namesOf(parentPath(file.path)), { open: file.file_id }), { replace: true });
    else if (what === "moved") go(href("files", folder.path), { replace: true });
    else if (what === "opened") opened();
    else {
      showEntries();
      if (focusNext || cameFrom) focusWanted();
    }
  });
  showSorting(folder.sorting);
  setLayout(chosen.layout);
  bindFolderKeys();
  bindDrag(app, bar.way, signal);
  offerNew(app, signal);

  function bindFolderKeys() {
    const bind = (combo, label, run) => shortcut(combo, label, run, { signal });
    bind("ctrl+v", t("files.paste"), () => (clipboard().mode ? void app.paste() : false));
    bind("alt+ArrowUp", t("files.up"), () => {
      if (place.path.length) go(href("files", place.path.slice(0, -1)));
    });
    bind("ctrl+f", t("files.filter_here"), bar.showFilter);
    bind("v", t("files.key_layout"), () => setLayout(list.layout() === "list" ? "grid" : "list"));
    bind("n", t("files.new_folder"), () => {
      if (!app.mayWrite()) return false;
      app.newFolder();
    });
  }

  function arrive(next) {
    place = next;
    bar.showPlace(place.path);
    setTitle(place.path.length ? shown(place.path.at(-1)) : t("nav.files"));
  }

  function update(next) {
    const before = folder.file;
    const path = `/${next.path.join("/")}`;
    arrive(next);
    if (folder.status === "ready" && before.path === path) return; // it was moved while it was open
    filterText = "";
    bar.clearFilter();
    selection.clear();
    list.reset();
    focusNext = wanted();
    cameFrom = before?.path ?? "";
    folder.open(place.path, folder.entries().find((file) => file.kind === "folder" && file.path === path) ?? null);
  }

  function wanted() {
    return place.query.get("at") ?? place.query.get("open");
  }

  arrive(place);
  focusNext = wanted();
  showStatus();
  await opening;
  return { update };
}
