// Text with the colours of its language. Blocks of lines, of which a browser lays out those that are seen.

import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { COLOURED, languageOf } from "./kinds.js";

const BLOCK = 400;
const LINE_REM = 1.25;

/** Show text; the colours come a moment later. @param {AbortSignal} signal ends the worker */
export function showCode(file, text, signal) {
  const lines = text.split("\n");
  const blocks = [];
  for (let first = 0; first < lines.length; first += BLOCK) blocks.push(block(first, lines.slice(first, first + BLOCK)));
  const element = h("div", { class: "viewer-code", tabindex: 0, role: "region", "aria-label": shown(file.name) }, blocks.map(({ element: one }) => one));
  const language = languageOf(file);
  if (language && text.length <= COLOURED && !signal.aborted) colour(text, language, blocks, signal);
  return element;
}

function block(first, lines) {
  const numbers = lines.map((_, index) => first + index + 1).join("\n");
  const code = h("code", { class: "viewer-lines" }, lines.join("\n"));
  const element = h("div", { class: "viewer-block", style: { "contain-intrinsic-block-size": `${lines.length * LINE_REM}rem` } },
    h("span", { class: "viewer-numbers", "aria-hidden": "true" }, numbers), code);
  return { element, code };
}

function colour(text, language, blocks, signal) {
  const worker = new Worker(new URL("./highlight.worker.js", import.meta.url), { type: "module" });
  const end = () => worker.terminate();
  signal.addEventListener("abort", end, { once: true });
  worker.onmessage = ({ data: { block: index, runs } }) => {
    if (index === null) return end();
    blocks[index].code.replaceChildren(...runs.map(([scope, run]) => (scope ? h("span", { class: scope }, run) : run)));
  };
  worker.onerror = end;
  worker.postMessage({ text, language, size: BLOCK });
}
