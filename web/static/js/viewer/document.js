// Text in its forms: as code, as a page where it is Markdown, as a table where it is one, and open to be changed.

import { fill, h } from "../core/dom.js";
import { size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { showCode } from "./code.js";
import { Editor } from "./editor.js";
import { COLOURED, SHOWN, kindOf, languageOf } from "./kinds.js";
import { loadText } from "./textfile.js";

export async function show(file, context) {
  const text = await loadText(context.source.content(file), file.size, context.signal);
  return new Document(file, text, context).shown;
}

class Document {
  #file;
  #text;
  #context;
  #off = new AbortController();
  #editor = null;
  #isSource;

  constructor(file, text, context) {
    this.#file = file;
    this.#text = text;
    this.#context = context;
    this.#isSource = kindOf(file) === "text";
    this.place = h("div", { class: "viewer-document" });
    this.tools = h("div", { class: "viewer-tools" });
    this.shown = {
      element: this.place,
      tools: [this.tools],
      takes: (event) => Boolean(event.target.closest("textarea, .viewer-table, .viewer-code:not(.wrapped), .viewer-markdown-table")) && event.key !== " ",
      holds: () => this.#editor?.isChanged ?? false,
      mayLeave: async () => (await this.#editor?.mayLeave()) ?? true,
      close: () => this.#off.abort(),
    };
    this.#draw();
  }

  async #draw() {
    this.#off.abort();
    const off = new AbortController();
    this.#off = off;
    this.#editor = null;
    const element = await this.#form(off.signal);
    if (off.signal.aborted) return;
    fill(this.place, !this.#text.isWhole && this.#isSource && h("p", { class: "viewer-note" }, t("viewer.first_part", { size: size(SHOWN) })), element);
    fill(this.tools, this.#buttons());
  }

  async #form(signal) {
    if (!this.#text.text) return h("p", { class: "viewer-note" }, t("viewer.file_empty"));
    const kind = kindOf(this.#file);
    if (kind === "markdown" && !this.#isSource) return (await import("./markdown.js")).showMarkdown(this.#file, this.#text.text, this.#context);
    if (kind === "table" && !this.#isSource) return (await import("./table.js")).showTable(this.#file, this.#text.text, this.#text.isWhole, signal);
    const code = showCode(this.#file, this.#text.text, signal);
    code.classList.toggle("wrapped", !languageOf(this.#file)); // prose; of code the lines keep their numbers
    return code;
  }

  #buttons() {
    const { source } = this.#context;
    const mayEdit = source.canWrite(this.#file) && this.#text.isWhole && this.#text.isUtf8 && this.#file.size <= COLOURED;
    return [
      kindOf(this.#file) !== "text" && this.#button(this.#isSource ? "eye" : "file-code", this.#isSource ? t("viewer.as_page") : t("viewer.as_text"), () => {
        this.#isSource = !this.#isSource;
        this.#draw();
      }),
      mayEdit && this.#button("pencil", t("viewer.edit"), () => this.#edit()),
    ];
  }

  #button(name, label, run) {
    return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: run }, icon(name));
  }

  #edit() {
    this.#off.abort();
    this.#off = new AbortController();
    this.#editor = new Editor(this.#file, this.#text, {
      signal: this.#off.signal,
      onSaved: (file, base) => {
        this.#file = file;
        this.#text = base;
        this.#context.onSaved(file);
      },
      onDone: () => this.#draw(),
    });
    fill(this.place, this.#editor.area);
    fill(this.tools, this.#editor.tools);
    this.#editor.area.focus();
    this.#editor.area.setSelectionRange(0, 0);
    this.#editor.area.scrollTop = 0;
  }
}
