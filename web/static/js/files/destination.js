// The dialog that asks where entries are to go: a tree, what was chosen before, a filter, a new folder.

import { get } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { askForFolder } from "./create.js";
import { foldersLike } from "./folders.js";
import { namesOf } from "./places.js";
import { fits, folderName } from "./transfer.js";
import { folderTree } from "./tree.js";

const TYPING_MS = 200;
const KEY = "cairn-destinations";
const KEPT = 4;

/**
 * Ask for a folder.
 *
 * @param {"move" | "copy"} mode
 * @param {Object[]} files what is to go there
 * @param {string} path of the folder they are in
 * @returns {Promise<Object | null>} its File
 */
export async function askWhere(mode, files, path) {
  const off = new AbortController();
  const count = { count: files.length, name: shown(files[0].name) };
  let target = null;
  const allows = (folder) => files.some((file) => fits(file, folder, mode));
  const isOpenable = (folder) => !files.some((file) => file.file_id === folder.file_id);
  const input = h("input", { class: "input", type: "text", placeholder: t("files.find_folder"), "aria-label": t("files.find_folder"), autocomplete: "off", spellcheck: "false" });
  const recents = h("div", { class: "destination-recent" });
  const place = h("p", { class: "hint destination-place", "aria-live": "polite" });
  const fresh = h("button", { type: "button", class: "button quiet", onclick: makeFolder }, icon("folder-plus"), t("files.new_folder"));
  const tree = folderTree({ label: t("files.folders"), allows, isOpenable, chosen, submit: () => go.click(), failed: toastError, signal: off.signal });
  const { element, result, close } = openDialog({
    title: mode === "move" ? t("files.move_title", count) : t("files.copy_title", count),
    body: [h("div", { class: "destination-find" }, icon("search", { size: 16 }), input), recents, h("div", { class: "destination-tree" }, tree.element), place],
    actions: [
      { label: t("core.cancel"), value: null },
      { label: mode === "move" ? t("files.move_here") : t("files.copy_here"), kind: "primary", run: () => target ?? false },
    ],
  });
  element.classList.add("destination");
  element.querySelector(".dialog-foot").prepend(fresh);
  const go = element.querySelector(".dialog-foot .primary");
  chosen(null);
  showRecents();

  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, TYPING_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    tree.focusTree();
  });
  try {
    const root = await get("files", { path: "/" }, { signal: off.signal });
    await tree.showTree(root, namesOf(path));
    tree.focusTree();
    const found = await result;
    if (found) keep(found);
    return found;
  } catch (error) {
    close(null);
    throw error;
  } finally {
    off.abort();
  }

  function chosen(folder) {
    target = folder;
    if (go) go.disabled = !folder;
    fresh.hidden = !folder;
    fill(place, folder ? t("files.goes_to", { folder: folder.path === "/" ? t("nav.files") : shown(folder.path) }) : t("files.choose_other"));
  }

  async function find() {
    const text = input.value.trim();
    recents.hidden = text !== "";
    try {
      const found = text ? await foldersLike(text, off.signal) : [];
      if (input.value.trim() !== text) return; // what was typed since is asked for already
      if (text) tree.showFlat(found);
      else await tree.showTree(await get("files", { path: "/" }, { signal: off.signal }), namesOf(path));
    } catch (error) {
      if (error.name !== "AbortError") toastError(error);
    }
  }

  async function makeFolder() {
    const made = await askForFolder(target);
    if (!made) return;
    input.value = "";
    await goTo(made);
  }

  function showRecents() {
    const known = kept().filter((folder) => folder.path !== path);
    recents.hidden = !known.length;
    fill(recents, h("span", { class: "hint" }, t("files.recent")), known.map((folder) =>
      h("button", { type: "button", class: "chip", title: shown(folder.path), onclick: () => goTo(folder) }, icon("folder", { size: 16 }), folderName(folder))));
  }

  async function goTo(folder) {
    try {
      await tree.showTree(await get("files", { path: "/" }, { signal: off.signal }), namesOf(folder.path));
      tree.focusTree();
    } catch (error) {
      toastError(error);
    }
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function keep({ path, name }) {
  const next = [{ path, name }, ...kept().filter((folder) => folder.path !== path)].slice(0, KEPT);
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // It is not remembered then.
  }
}
