// Markdown as a page. The one module that hands markup to the browser: DOMPurify has gone through it before.

import DOMPurify from "../../vendor/dompurify/purify.es.mjs";
import { Marked } from "../../vendor/marked/marked.esm.js";
import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { kindOf } from "./kinds.js";

const ALLOWED = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: ["style", "form", "button", "select", "textarea", "video", "audio", "source", "picture", "map", "area", "dialog"],
  FORBID_ATTR: ["style", "class", "id", "name", "srcset", "background", "popover", "popovertarget", "autofocus", "tabindex", "contenteditable"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: false,
};

const PLAIN = new Set(["b", "blockquote", "br", "code", "del", "details", "dd", "dl", "dt", "em", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q",
  "s", "samp", "small", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul", "var"]);

// Of markup within Markdown plain tags count, without a single attribute: a browser's parser itself complains of others.
const renderer = {
  html: ({ text }) => text.replace(/<!--[^]*?(-->|$)|<(script|style)\b[^]*?(<\/\2\s*>|$)/gi, "")
    .replace(/<(\/?)([a-z][a-z0-9-]*)[^>]*(>|$)/gi, (_whole, end, tag) => (PLAIN.has(tag.toLowerCase()) ? `<${end}${tag}>` : "")),
};
const markdown = new Marked({ gfm: true, async: false, renderer });

/** Show Markdown. Pictures come from the same folder alone, links lead out in a tab of their own. */
export function showMarkdown(file, text, { source, siblings, onShow }) {
  const purify = DOMPurify(window);
  const beside = (address) => siblings().find((one) => one.name === nameIn(address));
  purify.addHook("uponSanitizeAttribute", (node, attribute) => {
    if (attribute.attrName === "src") {
      const picture = node.nodeName === "IMG" && beside(attribute.attrValue);
      attribute.keepAttr = Boolean(picture) && kindOf(picture) === "image";
      if (attribute.keepAttr) attribute.attrValue = source.content(picture);
    }
    if (attribute.attrName === "href" && !/^(https?:|mailto:|#)/i.test(attribute.attrValue) && !beside(attribute.attrValue)) attribute.keepAttr = false;
  });
  purify.addHook("afterSanitizeAttributes", (node) => {
    if (node.nodeName === "A" && /^https?:/i.test(node.getAttribute("href") ?? "")) {
      node.setAttribute("target", "_blank");
      node.setAttribute("rel", "noopener noreferrer");
    }
    if (node.nodeName === "INPUT") node.setAttribute("disabled", "");
  });
  const page = h("article", { class: "viewer-markdown", tabindex: 0, "aria-label": shown(file.name), dir: "auto" });
  page.innerHTML = purify.sanitize(markdown.parse(text), ALLOWED);
  page.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || /^(https?:|mailto:)/i.test(link.getAttribute("href"))) return;
    event.preventDefault();
    const found = beside(link.getAttribute("href"));
    if (found) onShow(found);
  });
  for (const box of page.querySelectorAll("input")) box.setAttribute("aria-label", box.closest("li")?.textContent.trim() || shown(file.name));
  for (const table of page.querySelectorAll("table")) {
    const around = h("div", { class: "viewer-markdown-table", tabindex: 0, role: "region", "aria-label": shown(file.name) });
    table.replaceWith(around);
    around.append(table);
  }
  return page;
}

function nameIn(address) {
  try {
    return decodeURIComponent(address.replace(/^\.\//, ""));
  } catch {
    return address;
  }
}
