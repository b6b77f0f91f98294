// The links that lead to one file or folder, and making another.

import { get, post } from "../core/api.js";
import { copyText } from "../core/copy.js";
import { fill, h } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { addressOf, linkCard } from "./link-card.js";

const MOST = 100;

/**
 * The part of the share dialog about links.
 *
 * @param {{file: Object, signal: AbortSignal, make?: "view" | "drop" | null}} options `make`: one is made at once
 * @returns {Promise<HTMLElement>}
 */
export async function linksOf({ file, signal, make: wanted = null }) {
  const list = h("ul", { class: "share-links", "aria-label": t("links.here") });
  let links = (await get("links", { file_id: file.file_id, limit: MOST }, { signal })).items.reverse();

  function draw() {
    fill(list, links.map((link) => linkCard(link, { onchange, onend })));
  }
  function onchange(link) {
    links = links.map((one) => (one.link_id === link.link_id ? link : one));
  }
  function onend(link) {
    links = links.filter((one) => one.link_id !== link.link_id);
    draw();
    (list.querySelector("button") ?? first).focus();
  }

  async function make(mode) {
    try {
      const link = await post("links", { file_id: file.file_id, mode });
      links = [link, ...links];
      draw();
      const isCopied = await copyText(addressOf(link));
      toast(isCopied ? t("links.made_copied") : t("links.made"), { kind: "good" });
      list.querySelector("button")?.focus();
    } catch (error) {
      toastError(error);
    }
  }

  const first = h("button", { type: "button", class: "button primary", onclick: () => make("view") }, icon("link", { size: 16 }), t("links.make"));
  draw();
  if (wanted) await make(wanted);
  return h("section", { class: "share-part", "aria-labelledby": "share-links-head" },
    h("h3", { id: "share-links-head" }, t("links.title")),
    h("p", { class: "soft share-text" }, file.kind === "folder" ? t("links.text_folder") : t("links.text_file")),
    h("div", { class: "share-make" }, first,
      file.kind === "folder" && h("button", { type: "button", class: "button", onclick: () => make("drop") }, icon("inbox", { size: 16 }), t("links.make_drop"))),
    list);
}
