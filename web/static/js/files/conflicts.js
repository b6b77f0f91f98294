// A name is in use where something is to go: what becomes of both is asked, once for all if one likes.

import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { dateTime, number, shown } from "../core/format.js";
import { t } from "../core/text.js";
import { pictureOf, sizeOf } from "./rows.js";

/**
 * Ask about each conflict.
 *
 * @param {"move" | "copy"} mode
 * @param {{file: Object, current: Object}[]} conflicts what is to go there, and what is there
 * @param {string} folder name of the folder
 * @returns {Promise<{file: Object, how: "rename" | "replace"}[]>} those that are to go on
 */
export async function askAboutConflicts(mode, conflicts, folder) {
  const decided = [];
  let standing = null;
  for (const [index, { file, current }] of conflicts.entries()) {
    const canReplace = file.kind === "file" && current.kind === "file" && current.permissions.includes("write");
    let how = standing === "replace" && !canReplace ? "rename" : standing;
    if (!how) {
      const answer = await ask(mode, { file, current, folder, canReplace, left: conflicts.length - index - 1 });
      if (!answer) break;
      how = answer.how;
      if (answer.isForAll) standing = how;
    }
    if (how !== "skip") decided.push({ file, how });
  }
  return decided;
}

async function ask(mode, { file, current, folder, canReplace, left }) {
  const choices = [
    ["rename", t("files.keep_both"), t("files.keep_both_text")],
    canReplace && ["replace", t("files.replace"), t("files.replace_text")],
    ["skip", t("files.skip"), mode === "move" ? t("files.skip_move_text") : t("files.skip_copy_text")],
  ].filter(Boolean);
  const radios = choices.map(([value, label, text]) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "how", value, checked: value === "rename", autofocus: value === "rename" }),
    h("span", {}, h("strong", {}, label), h("span", { class: "hint" }, text))));
  const all = h("input", { type: "checkbox" });
  const { element, result } = openDialog({
    title: t("files.conflict", { name: shown(file.name), folder }),
    sticky: true,
    body: [
      h("div", { class: "conflict-sides" }, side(t("files.there"), current), side(mode === "move" ? t("files.moving") : t("files.copying"), file)),
      h("fieldset", { class: "choices" }, h("legend", { class: "visually-hidden" }, t("files.what_now")), radios),
      left ? h("label", { class: "conflict-all" }, all, t("files.for_all", { count: left, number: number(left) })) : null,
    ],
    actions: [
      { label: t("core.cancel"), value: null },
      { label: t("files.go_on"), kind: "primary", run: () => ({ how: element.querySelector("input[name=how]:checked").value, isForAll: all.checked }) },
    ],
  });
  return result;
}

function side(title, file) {
  return h("div", { class: "conflict-side" }, h("span", { class: "hint" }, title), pictureOf(file, { edge: 64, iconSize: 28 }),
    h("strong", {}, sizeOf(file)), h("span", { class: "soft" }, dateTime(file.mtime_ms ?? file.modified_ms)));
}
