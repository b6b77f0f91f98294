// A text is changed in place. What somebody else wrote meanwhile is never lost: both are offered.

import { get } from "../core/api.js";
import { confirm, openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { errorText, toast, toastError } from "../core/toast.js";
import { saveText } from "./textfile.js";

export class Editor {
  #file;
  #base;
  #saved;
  #onSaved;
  #onDone;
  #isSaving = false;

  /**
   * @param {Object} file
   * @param {import("./textfile.js").Text} base what it grows from
   * @param {{onSaved: (file: Object, base: import("./textfile.js").Text) => void, onDone: () => void, signal: AbortSignal}} options
   */
  constructor(file, base, { onSaved, onDone, signal }) {
    this.#file = file;
    this.#base = base;
    this.#saved = base.text;
    this.#onSaved = onSaved;
    this.#onDone = onDone;
    this.area = h("textarea", { class: "viewer-editor", spellcheck: false, "aria-label": shown(file.name), value: base.text, onkeydown: (event) => this.#onKey(event), oninput: () => this.#mark() });
    this.state = h("span", { class: "viewer-state", role: "status" });
    this.button = h("button", { type: "button", class: "button primary", disabled: true, onclick: () => this.save() }, t("viewer.save"));
    this.done = h("button", { type: "button", class: "button", onclick: () => this.#leave() }, t("viewer.done"));
    addEventListener("beforeunload", (event) => this.isChanged && event.preventDefault(), { signal });
  }

  get tools() {
    return [this.state, this.button, this.done];
  }

  get isChanged() {
    return this.area.value !== this.#saved;
  }

  /** Ask what becomes of what is unsaved. */
  async mayLeave() {
    return !this.isChanged || confirm({ title: t("viewer.discard_title"), text: t("viewer.discard_text", { name: shown(this.#file.name) }), action: t("viewer.discard"), danger: true });
  }

  async #leave() {
    if (await this.mayLeave()) this.#onDone();
  }

  #onKey(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      this.save();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#leave();
    }
  }

  #mark() {
    this.button.disabled = !this.isChanged;
    this.state.textContent = this.isChanged ? t("viewer.unsaved") : "";
  }

  /** Save; where it has changed meanwhile, ask. */
  async save(as) {
    if (this.#isSaving || (!this.isChanged && !as)) return;
    this.#isSaving = true;
    this.button.disabled = true;
    this.state.textContent = t("viewer.saving");
    const text = this.area.value;
    try {
      this.#took(await saveText(this.#file, this.#base, text, as), text, Boolean(as?.path));
    } catch (error) {
      this.#mark();
      if (error.code !== "precondition_failed") return void toast(error.status ? errorText(error) : t("core.offline"), { kind: "error" });
      this.#isSaving = false;
      await (as?.path ? this.#saveBeside() : this.#settle());
    } finally {
      this.#isSaving = false;
    }
  }

  #took(file, text, isCopy) {
    this.#saved = text;
    this.#mark();
    if (!this.isChanged) this.state.textContent = t("viewer.saved"); // else somebody went on writing meanwhile
    if (isCopy) return void toast(t("viewer.saved_as", { name: shown(file.name) }), { kind: "good" });
    this.#file = file;
    this.#base = { ...this.#base, text, etag: `"${file.etag}"` };
    this.#onSaved(file, this.#base);
  }

  async #settle() {
    const { result } = openDialog({
      title: t("viewer.conflict_title"),
      body: h("p", {}, t("viewer.conflict_text", { name: shown(this.#file.name) })),
      actions: [
        { label: t("core.cancel"), value: null },
        { label: t("viewer.conflict_replace"), value: "replace" },
        { label: t("viewer.conflict_both"), kind: "primary", value: "both" },
      ],
      sticky: true,
    });
    const choice = await result;
    if (choice === "both") await this.#saveBeside();
    if (choice === "replace") {
      try {
        // As it is now, wherever it is: the version that somebody else wrote stays in the file's history.
        this.#file = await get(`files/${this.#file.file_id}`);
      } catch (error) {
        return void toastError(error);
      }
      await this.save({ condition: { "If-Match": `"${this.#file.etag}"` } });
    }
  }

  #count = 0;

  async #saveBeside() {
    this.#count += 1;
    const dot = this.#file.path.lastIndexOf(".");
    const cut = dot > this.#file.path.lastIndexOf("/") + 1 ? dot : this.#file.path.length;
    const mark = t("viewer.my_copy") + (this.#count > 1 ? ` ${this.#count}` : "");
    await this.save({ path: `${this.#file.path.slice(0, cut)} (${mark})${this.#file.path.slice(cut)}`, condition: { "If-None-Match": "*" } });
  }
}
