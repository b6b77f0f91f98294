// PDF in the browser's own viewer, in a frame; where a browser has none, as on phones, the file is offered.

import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { card } from "./other.js";

export function show(file, { source }) {
  if (!navigator.pdfViewerEnabled) return { element: card(file, source, t("viewer.no_pdf_viewer")) };
  return { element: h("iframe", { class: "viewer-frame", src: source.frame(file), title: shown(file.name) }) };
}
