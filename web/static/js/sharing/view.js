// Shared: folders that people share, and the links that lead to what is one's own.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { onChange } from "../core/events.js";
import { shown as shownName } from "../core/format.js";
import { icon } from "../core/icon.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { folderRow, sharedFolders } from "./folders.js";
import { linkCard } from "./link-card.js";

const PAGE = 1000;
const SHOWN = 100;

/** Show the view. */
export async function mount(container, { signal, setTitle }) {
  setTitle(t("nav.shared"));
  let shown = SHOWN;
  let links = [];
  const folderList = h("ul", { class: "shared-list", "aria-label": t("shared.folders") });
  const linkList = h("ul", { class: "shared-list", "aria-label": t("shared.links") });
  const more = h("button", { type: "button", class: "button", onclick: () => { shown += SHOWN; drawLinks(); } }, t("time.more"));
  const folders = h("section", { class: "shared-part" }, h("h2", {}, t("shared.folders")), folderList);
  const ofLinks = h("section", { class: "shared-part" }, h("h2", {}, t("shared.links")), linkList, more);
  const page = h("div", { class: "page shared-page" }, h("h1", {}, t("nav.shared")), folders, ofLinks);
  const empty = h("div", { class: "empty" }, icon("users", { size: 48 }), h("h1", {}, t("shared.empty_title")), h("p", {}, t("shared.empty_text")),
    h("a", { class: "button", href: href("files") }, t("shared.to_files")));

  function drawLinks() {
    fill(linkList, links.slice(0, shown).map((link) => linkCard(link, {
      title: titleOf(link),
      onchange: (changed) => (links = links.map((one) => (one.link_id === changed.link_id ? changed : one))),
      onend(ended) {
        links = links.filter((one) => one.link_id !== ended.link_id);
        draw();
      },
    })));
    more.hidden = links.length <= shown;
  }

  function draw() {
    const hasFolders = folderList.childElementCount > 0;
    folders.hidden = !hasFolders;
    ofLinks.hidden = !links.length;
    drawLinks();
    fill(container, hasFolders || links.length ? page : empty);
  }

  async function show() {
    const [found, all] = await Promise.all([sharedFolders({ signal }), allLinks(signal)]);
    fill(folderList, found.map((folder) => folderRow(folder, show)));
    links = all;
    if (!busy()) draw();
  }
  /** Whether somebody is in the middle of something that drawing anew would take away. */
  const busy = () => page.isConnected && (document.querySelector("dialog[open], .menu") !== null || linkList.contains(document.activeElement));

  onChange(() => show().catch(() => {}), { signal });
  await show();
}

/** All links, the latest first. */
async function allLinks(signal) {
  const found = [];
  for (let after = null; ;) {
    const { items, next } = await get("links", { limit: PAGE, after }, { signal });
    found.push(...items);
    if (!next) return found.reverse();
    after = next;
  }
}

function titleOf(link) {
  if (link.path === null) return h("span", { class: "link-kind" }, t("links.to_trash"));
  const names = link.path.split("/").filter(Boolean);
  const to = link.mode === "drop" ? names : names.slice(0, -1);
  return h("a", { class: "link-kind", href: href("files", to), title: shownName(link.path) }, shownName(names.at(-1)),
    link.mode === "drop" && h("span", { class: "soft" }, ` · ${t("links.drop")}`));
}
