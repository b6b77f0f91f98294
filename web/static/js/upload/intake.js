// Takes files: by drop anywhere in the page, from the clipboard, from dialogs.

import { $, h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { shortcut } from "../core/keys.js";
import { here } from "../core/router.js";
import { t } from "../core/text.js";
import { addNew } from "../shell/new.js";
import { handlesOf } from "./handles.js";
import { scanFiles, scanTransfer } from "./scan.js";

const SHOWN_MS = 250;

/** @typedef {(folder: string, pieces: AsyncIterable<object>, handles?: Promise<object[]>) => void} Take */

/**
 * Start taking files.
 * @param {Take} take
 */
export function startIntake(take) {
  const files = input({ id: "upload-files" }, take);
  const folder = input({ id: "upload-folder", webkitdirectory: true }, take);
  $("#upload-slot").append(files, folder);
  const when = ({ view }) => view === "files";
  addNew({ order: 10, icon: "upload", label: t("upload.files"), run: () => files.click() });
  if ("webkitdirectory" in files) {
    addNew({ order: 11, icon: "folder-up", label: t("upload.folder"), run: () => folder.click(), when });
  }
  shortcut("u", t("upload.files"), () => files.click());
  takeDrops(take);
  takePastes(take);
}

/** The absolute path of the folder that is shown, "/" where none is. */
function shownFolder() {
  const { view, path } = here();
  return view === "files" ? `/${path.join("/")}` : "/";
}

/** Whether something is dragged that comes from outside the page. */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function input(properties, take) {
  const field = h("input", { type: "file", multiple: true, hidden: true, "aria-hidden": "true", tabindex: -1, ...properties });
  field.addEventListener("change", () => {
    const chosen = [...field.files];
    field.value = ""; // so that the same files can be chosen again
    if (chosen.length > 0) take(shownFolder(), scanFiles(chosen));
  });
  return field;
}

function takeDrops(take) {
  const words = h("span");
  const veil = h("div", { class: "upload-veil", hidden: true }, h("p", {}, icon("cloud-upload", { size: 40 }), words));
  document.body.append(veil);
  let marked = null;
  let left = 0;

  const mark = (row) => {
    marked?.classList.remove("target");
    marked = row;
    marked?.classList.add("target");
  };
  const hide = () => {
    veil.hidden = true;
    mark(null);
  };

  addEventListener("dragover", (event) => {
    if (event.defaultPrevented || !carriesFiles(event)) {
      hide();
      return;
    }
    event.preventDefault(); // else the browser would open the file in place of the page
    event.dataTransfer.dropEffect = takesDrops() ? "copy" : "none";
    if (!takesDrops()) return;
    clearTimeout(left);
    left = setTimeout(hide, SHOWN_MS); // it comes again and again; a leave is not told of reliably
    const row = rowOf(event);
    if (row !== marked) mark(row);
    veil.classList.toggle("on-row", row !== null);
    const folder = row?.dataset.path ?? shownFolder();
    const name = shown(folder.slice(folder.lastIndexOf("/") + 1));
    words.textContent = name ? t("upload.drop_folder", { name }) : t("upload.drop_home");
    veil.hidden = false;
  });
  addEventListener("drop", (event) => {
    const folder = rowOf(event)?.dataset.path ?? shownFolder();
    hide();
    if (event.defaultPrevented || !carriesFiles(event)) return;
    event.preventDefault();
    if (takesDrops()) take(folder, scanTransfer(event.dataTransfer), handlesOf(event.dataTransfer));
  });
}

/** Whether one sees where what is dropped would go. */
function takesDrops() {
  return ["files", "photos"].includes(here().view);
}

/** The folder on which something is dropped, in a list or in the path above it. */
function rowOf(event) {
  return event.target.closest?.("[data-path]") ?? null;
}

function takePastes(take) {
  addEventListener("paste", (event) => {
    const isField = event.target instanceof Element && event.target.closest("input, textarea, [contenteditable]");
    if (isField || event.defaultPrevented || !event.clipboardData?.files.length) return;
    event.preventDefault();
    take(shownFolder(), named(scanTransfer(event.clipboardData)));
  });
}

/** A picture from the clipboard is always called image.png: give it the time as its name, and a number if there are several. */
async function* named(pieces) {
  const now = new Date();
  let count = 0;
  const nameOf = (found) => (found.path === "image.png" ? { ...found, path: pastedName(now, (count += 1)) } : found);
  for await (const { files, folders } of pieces) yield { files: files.map(nameOf), folders };
}

function pastedName(now, count) {
  const [date, time] = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().split("T");
  return `${t("upload.pasted", { date, time: time.slice(0, 8).replaceAll(":", "-") })}${count > 1 ? ` (${count})` : ""}.png`;
}
