// The pane beside the list: what the selected entry is, or the folder itself.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { ago, dateTime, number, shown, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { wordOf } from "./kinds.js";
import { isMount, may } from "./places.js";
import { folderPicture, pictureOf } from "./rows.js";
import { folderName } from "./transfer.js";

const PEOPLE_LATER_MS = 150;

/**
 * Make the pane.
 *
 * @param {{close: () => void, actions: (file: Object) => Object[], signal: AbortSignal}} options
 * @returns {{element: HTMLElement, show: (files: Object[], folder: Object) => void}}
 */
export function detailsPane({ close, actions, signal }) {
  const content = h("div", { class: "details-content" });
  const element = h("aside", { class: "files-details", "aria-label": t("files.details") },
    h("header", { class: "details-head" }, h("h2", {}, t("files.details")),
      h("button", { type: "button", class: "icon-button", "aria-label": t("files.close_details"), onclick: close }, icon("x"))),
    content);
  let key = "";
  let turn = 0;

  function show(files, folder) {
    if (!folder) return;
    const shownFiles = files.length ? files : [folder];
    const next = shownFiles.map((file) => `${file.file_id}.${file.seq}`).join();
    if (next === key) return;
    key = next;
    turn += 1;
    if (shownFiles.length > 1) fill(content, many(shownFiles));
    else fill(content, one(shownFiles[0], folder));
  }

  function one(file, folder) {
    const isHome = file.path === "/";
    const people = h("div", { class: "details-people", hidden: true });
    if (!isHome) loadPeople(file, folder, people, turn);
    const changed = file.mtime_ms ?? file.modified_ms;
    return [
      h("div", { class: "details-picture" }, isHome ? folderPicture() : pictureOf(file, { edge: 256, iconSize: 56 })),
      h("p", { class: "details-name" }, h("bdi", {}, folderOrFile(file))),
      h("dl", { class: "details-facts" },
        fact(t("files.type"), wordOf(file)),
        fact(t("files.size"), size(file.size)),
        isHome ? null : fact(t("files.modified"), h("time", { title: ago(changed) }, dateTime(changed))),
        isHome ? null : fact(t("files.modified_by"), shown(file.modified_by)),
        isHome ? null : fact(t("files.created"), dateTime(file.created_ms)),
        file.path === folder.path ? null : fact(t("files.place"), folderName(folder))),
      people,
      isHome ? null : h("div", { class: "details-actions" }, actions(file).map((action) =>
        h("button", { type: "button", class: "button", onclick: action.run }, icon(action.icon, { size: 16 }), action.label))),
    ];
  }

  async function loadPeople(file, folder, box, mine) {
    if (!may(file, "share") && !isMount(file, folder)) return;
    await new Promise((done) => setTimeout(done, PEOPLE_LATER_MS)); // whoever walks through a list asks for none of it
    if (mine !== turn || signal.aborted) return;
    try {
      const [members, links] = await Promise.all([
        get(`files/${file.file_id}/members`, {}, { signal }),
        may(file, "share") ? get("links", { file_id: file.file_id, limit: 100 }, { signal }) : { items: [] },
      ]);
      if (mine !== turn) return;
      box.hidden = members.items.length < 2 && !links.items.length;
      fill(box, h("h3", {}, t("files.shared_with")), h("ul", {},
        members.items.length > 1 ? members.items.map((member) => h("li", {}, avatar(member.username), h("span", { class: "details-who" }, shown(member.username)), h("span", { class: "soft" }, t(`files.role_${member.role}`)))) : null,
        links.items.length ? h("li", {}, h("span", { class: "details-avatar" }, icon("link", { size: 16 })), t("files.links", { count: links.items.length, number: number(links.items.length) })) : null));
    } catch (error) {
      if (error.name !== "AbortError") box.hidden = true; // whom it is shared with is not theirs to know
    }
  }

  return { element, show };
}

function many(files) {
  const folders = files.filter((file) => file.kind === "folder").length;
  const plain = files.length - folders;
  return [
    h("div", { class: "details-stack" }, files.slice(0, 3).map((file) => pictureOf(file, { edge: 96, iconSize: 32 }))),
    h("p", { class: "details-name" }, t("files.selected", { count: files.length, number: number(files.length) })),
    h("dl", { class: "details-facts" },
      folders ? fact(t("files.folders"), number(folders)) : null,
      plain ? fact(t("nav.files"), number(plain)) : null,
      fact(t("files.size"), size(files.reduce((sum, file) => sum + file.size, 0)))),
  ];
}

const fact = (term, value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));
const folderOrFile = (file) => (file.kind === "folder" ? folderName(file) : shown(file.name));
const avatar = (name) => h("span", { class: "details-avatar", "aria-hidden": "true" }, name.slice(0, 2));
