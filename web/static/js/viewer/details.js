// What is known of the file that is shown, in a pane beside it.

import { fill, h } from "../core/dom.js";
import { dateTime, shown, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { readExif } from "./exif.js";

export class Details {
  #source;
  #file = null;
  #ask;
  #count = 0;

  /** @param {() => void} toggle for its own close button: who shows it has to make room */
  constructor(source, toggle) {
    this.#source = source;
    this.#ask = toggle;
    this.element = h("aside", { class: "viewer-details", "aria-label": t("viewer.details"), hidden: true });
  }

  get isOpen() {
    return !this.element.hidden;
  }

  toggle() {
    this.element.hidden = this.isOpen;
    this.#draw();
  }

  show(file) {
    this.#file = file;
    this.#draw();
  }

  close() {
    this.element.hidden = true;
  }

  async #draw() {
    if (!this.isOpen || !this.#file) return;
    const file = this.#file;
    const turn = (this.#count += 1);
    const facts = [
      [t("viewer.name"), shown(file.name)],
      [t("viewer.size"), size(file.size)],
      [t("viewer.changed"), dateTime(file.mtime_ms ?? file.modified_ms)],
      file.modified_by && [t("viewer.changed_by"), shown(file.modified_by)],
    ];
    this.#fill(facts);
    if (file.content_type !== "image/jpeg" || this.#source.isCounted) return;
    const exif = await readExif(this.#source.content(file)).catch(() => []);
    if (turn === this.#count) this.#fill([...facts, ...exif]);
  }

  #fill(facts) {
    const folders = this.#file.path?.split("/").slice(1, -1);
    fill(this.element,
      h("header", { class: "viewer-details-head" }, h("h2", {}, t("viewer.details")),
        h("button", { type: "button", class: "icon-button", "aria-label": t("core.close"), onclick: () => this.#ask() }, icon("x"))),
      h("dl", { class: "viewer-facts" }, facts.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      folders && h("p", {}, h("a", { href: href("files", folders), target: "_blank" }, icon("folder", { size: 16 }), ` ${folders.length ? shown(folders.at(-1)) : t("nav.files")}`)));
  }
}
