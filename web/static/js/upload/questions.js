// Asks what happens where a name is taken: once for all, unless the person wants to look at each.

import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { dateTime, shown, size } from "../core/format.js";
import { t } from "../core/text.js";
import { choicesFor } from "./verdict.js";

/** @param {import("./uploads.js").Uploads} uploads */
export function startQuestions(uploads) {
  let isOpen = false;
  const put = new Set(); // batches whose question was closed: the panel still offers it
  const decided = new Set(); // rows of which the answer is on its way

  async function ask(again = false) {
    if (isOpen) return;
    const mine = uploads.board.status.asking.filter(({ id, tab }) => again || (tab === uploads.me && !put.has(id)));
    if (mine.length === 0) return;
    const rows = [...uploads.board.rows.values()]
      .filter(({ state, batch }) => state === "asking" && mine.some(({ id }) => id === batch))
      .filter(({ id }) => !decided.has(id));
    if (rows.length === 0) return;
    isOpen = true;
    const answer = await askAbout(rows[0], rows.length);
    isOpen = false;
    if (answer === null) {
      for (const { id } of mine) put.add(id);
      return;
    }
    const ids = answer.forAll ? rows.map(({ id }) => id) : [rows[0].id];
    for (const id of ids) decided.add(id);
    uploads.order("decide", { ids, ...answer });
    ask(again);
  }

  uploads.board.subscribe(() => {
    for (const id of decided) if (uploads.board.rows.get(id)?.state !== "asking") decided.delete(id);
    ask();
  });
  uploads.askAgain = () => ask(true);
}

/** @returns {Promise<{choice: string, forAll: boolean} | null>} */
async function askAbout(row, count) {
  const name = shown(row.path.split("/").at(-1));
  const choices = choicesFor(row.existing);
  const texts = { rename: t("upload.keep_both"), replace: t("upload.replace"), skip: t("upload.skip") };
  const hints = { rename: t("upload.keep_both_hint"), replace: t("upload.replace_hint"), skip: t("upload.skip_hint") };
  const forAll = h("input", { type: "checkbox", id: "upload-for-all", checked: true });
  const radios = choices.map((choice, index) =>
    h("label", { class: "upload-choice" },
      h("input", { type: "radio", name: "upload-choice", value: choice, checked: index === 0, autofocus: index === 0 }),
      h("span", {}, h("strong", {}, texts[choice]), h("span", { class: "hint" }, hints[choice]))));
  const dialog = openDialog({
    title: t("upload.taken_title", { name }),
    sticky: true,
    body: [
      h("dl", { class: "upload-versions" },
        version(t("upload.here"), row.existing.kind === "folder" ? t("upload.is_folder") : describe(row.existing.size, row.existing.mtime_ms)),
        version(t("upload.yours"), describe(row.size, row.mtimeMs))),
      h("div", { class: "upload-choices", role: "radiogroup", "aria-label": t("upload.taken_title", { name }) }, radios),
      count > 1 && h("label", { class: "upload-check" }, forAll, h("span", {}, t("upload.for_all", { count: count - 1 }))),
    ],
    actions: [
      { label: t("upload.later"), value: null },
      {
        label: t("upload.go_on"),
        kind: "primary",
        run: () => ({ choice: dialog.element.querySelector("input[type=radio]:checked").value, forAll: forAll.checked }),
      },
    ],
  });
  return dialog.result;
}

function version(title, text) {
  return h("div", {}, h("dt", {}, title), h("dd", {}, text));
}

function describe(bytes, ms) {
  return `${size(bytes)} · ${dateTime(ms)}`;
}
