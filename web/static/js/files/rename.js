// Renaming in place: the stem is selected, Enter saves, Escape gives up, and what is wrong is said there.

import { patch } from "../core/api.js";
import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { stemLength } from "./kinds.js";
import { nameProblem, refusalText } from "./names.js";
import { undoable } from "./undo.js";

/**
 * Let somebody type another name into the row of an entry.
 *
 * @param {Object} list of files/list.js
 * @param {Object} folder its model
 * @param {Object} file
 */
export function renameInPlace(list, folder, file) {
  list.reveal(file.file_id);
  const row = list.row(file.file_id);
  const link = row?.querySelector(".file-name");
  if (!link) return;
  const problem = h("span", { class: "file-problem", id: "rename-problem", role: "alert", hidden: true });
  const input = h("input", {
    class: "input file-rename", value: file.name, "aria-label": t("files.new_name_of", { name: shown(file.name) }),
    "aria-describedby": problem.id, autocomplete: "off", spellcheck: "false", enterkeyhint: "done",
  });
  const box = h("span", { class: "file-renaming" }, input, problem);
  let state = "typing";
  row.classList.add("renaming");
  row.draggable = false;
  link.replaceWith(box);
  input.focus();
  input.setSelectionRange(0, stemLength(file));

  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Enter") save();
    if (event.key === "Escape") end();
  });
  input.addEventListener("input", () => say(""));
  input.addEventListener("blur", () => {
    // Who goes elsewhere means what was typed, unless it cannot be.
    if (state === "typing" && problem.hidden && !nameProblem(input.value) && !folder.isTaken(input.value)) save();
    else if (state === "typing") end();
  });

  function say(text) {
    problem.textContent = text;
    problem.hidden = !text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  async function save() {
    if (state !== "typing") return;
    const name = input.value;
    if (name === file.name) return end();
    const wrong = nameProblem(name) || (folder.isTaken(name) ? t("files.name_taken") : "");
    if (wrong) return say(wrong);
    state = "saving";
    input.readOnly = true;
    try {
      const renamed = await rename(folder, file, name);
      end();
      list.reveal(renamed.file_id);
    } catch (error) {
      state = "typing";
      input.readOnly = false;
      say(refusalText(error));
      input.focus();
    }
  }

  function end() {
    if (state === "over") return;
    const had = box.contains(document.activeElement);
    state = "over";
    row.classList.remove("renaming");
    list.refill(file.file_id);
    if (had) list.row(file.file_id)?.focus({ preventScroll: true });
  }
}

async function rename(folder, file, name) {
  const renamed = await patch(`files/${file.file_id}`, { name });
  folder.put([renamed]);
  undoable(t("files.renamed", { name: shown(renamed.name) }), async () => {
    folder.put([await patch(`files/${file.file_id}`, { name: file.name, on_conflict: "rename" })]);
  });
  return renamed;
}
