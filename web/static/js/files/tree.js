// A tree of folders in which one is chosen; what cannot be chosen stands there, but grey (ARIA: tree view).

import { fill, h } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { subfolders } from "./folders.js";
import { folderPicture } from "./rows.js";
import { folderName } from "./transfer.js";

/**
 * Make a tree.
 *
 * @param {{label: string, allows: (folder: Object) => boolean, isOpenable: (folder: Object) => boolean,
 *   chosen: (folder: Object | null) => void, submit: () => void, failed: (error: Error) => void,
 *   signal: AbortSignal}} options `isOpenable`: whether what is in it may be looked at here; `submit`: Enter on a folder
 *   that is chosen
 */
export function folderTree({ label, allows, isOpenable, chosen, submit, failed, signal }) {
  const element = h("ul", { class: "tree", role: "tree", "aria-label": label, onkeydown: onKey, onclick: onClick });
  let nodes = [];
  let current = null;
  let choice = null;

  const visible = () => nodes.flatMap(flatten);
  const nodeOf = (target) => visible().find(({ item }) => item.contains(target));

  function make(file, level, under = "") {
    const item = h("li", { role: "treeitem", tabindex: "-1", "aria-level": level, "aria-selected": "false", "aria-disabled": allows(file) ? null : "true" });
    const opens = level > 0 && isOpenable(file);
    const node = { file, level, item, opens, isOpen: false, children: null };
    if (opens) item.setAttribute("aria-expanded", "false");
    fill(item, h("span", { class: "tree-line", style: { "--level": level - 1 } },
      h("span", { class: ["tree-toggle", !opens && "invisible"] }, icon("chevron-right", { size: 16 })),
      h("span", { class: "tree-picture" }, folderPicture()),
      h("span", { class: "tree-name" }, h("bdi", {}, folderName(file)), under ? h("span", { class: "hint" }, under) : null)));
    return node;
  }

  async function expand(node) {
    if (!node.opens || node.isOpen) return;
    node.isOpen = true;
    node.item.setAttribute("aria-expanded", "true");
    try {
      node.children ??= (await subfolders(node.file.file_id, signal)).map((file) => make(file, node.level + 1));
    } catch (error) {
      node.isOpen = false;
      node.item.setAttribute("aria-expanded", "false");
      if (error.name !== "AbortError") failed(error);
      return;
    }
    if (node.isOpen) draw();
  }

  function collapse(node) {
    node.isOpen = false;
    node.item.setAttribute("aria-expanded", "false");
    draw();
  }

  /** Items stand one after the other, whatever is in what: the name of one would hold all those in it. */
  function draw() {
    const had = element.contains(document.activeElement);
    fill(element, visible().map((node) => [node.item, node.isOpen && node.children?.length === 0 ? none(t("files.no_folders"), node.level) : null]));
    if (had) current?.item.focus({ preventScroll: true });
  }

  function choose(node) {
    choice?.item.setAttribute("aria-selected", "false");
    choice = node && allows(node.file) ? node : null;
    choice?.item.setAttribute("aria-selected", "true");
    chosen(choice?.file ?? null);
  }

  function focus(node, { quietly = false } = {}) {
    if (!node) return;
    if (current) current.item.tabIndex = -1;
    current = node;
    node.item.tabIndex = 0;
    if (!quietly) node.item.focus();
    node.item.firstElementChild.scrollIntoView({ block: "nearest" });
    choose(node);
  }

  function onClick(event) {
    const node = nodeOf(event.target);
    if (!node) return;
    if (event.target.closest(".tree-toggle") && node.opens) {
      if (node.isOpen) collapse(node);
      else expand(node);
      return;
    }
    focus(node);
    expand(node);
  }

  function onKey(event) {
    const all = visible();
    const at = all.indexOf(current);
    const parent = () => all.slice(0, at).reverse().find((node) => node.level < current.level);
    const moves = {
      ArrowDown: () => focus(all[at + 1]),
      ArrowUp: () => focus(all[at - 1]),
      Home: () => focus(all[0]),
      End: () => focus(all.at(-1)),
      ArrowRight: () => (current.isOpen ? focus(current.children?.[0]) : expand(current)),
      ArrowLeft: () => (current.isOpen ? collapse(current) : focus(parent())),
      Enter: () => choice && submit(),
      " ": () => choose(current),
    };
    if (!current || !(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    moves[event.key]();
  }

  return {
    element,
    /** Show a tree from its root down, opened as far as the folder with this path. */
    async showTree(root, path) {
      nodes = [make(root, 1)];
      draw();
      let node = nodes[0];
      focus(node, { quietly: true });
      await expand(node);
      for (const name of path) {
        const next = node.children?.find(({ file }) => file.name === name);
        if (!next) break;
        node = next;
        await expand(node);
      }
      if (node !== nodes[0]) focus(node, { quietly: true });
    },
    /** Show folders from anywhere, each with its path. */
    showFlat(files) {
      nodes = files.map((file) => make(file, 1, file.path));
      for (const node of nodes) {
        node.opens = false;
        node.item.removeAttribute("aria-expanded");
        node.item.querySelector(".tree-toggle").remove();
      }
      draw();
      if (!nodes.length) element.append(none(t("files.no_such_folder"), 0));
      current = null;
      choose(null);
      if (nodes.length) nodes[0].item.tabIndex = 0;
      current = nodes[0] ?? null;
    },
    focusTree: () => current?.item.focus(),
  };
}

const none = (text, level) => h("li", { class: "tree-none", role: "none", style: { "--level": level } }, text);

function flatten(node) {
  return [node, ...(node.isOpen && node.children ? node.children.flatMap(flatten) : [])];
}
