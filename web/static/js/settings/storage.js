// Storage: what takes how much room, and where it is.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { number, percent, shown, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { group, row, stackedBar } from "../panels/parts.js";
import { keepStorageBar } from "../shell/storage.js";

const BIGGEST = 6;

/** Show the page. */
export async function mount(host, { isAdmin, profile, signal }) {
  const [told, { items }] = await Promise.all([
    get("storage", {}, { signal }),
    get("folders/root/children", { sort: "size", order: "desc", limit: BIGGEST }, { signal }),
  ]);
  const bar = h("div", { class: "storage-bar" });
  keepStorageBar(bar, profile, { signal });
  host.append(overview(told, bar), parts(told), biggest(items), spaces(told.spaces));
  if (isAdmin && told.store && savedBy(told.store)) host.append(saved(told.store));
}

function overview({ used, quota }, bar) {
  const free = quota === null ? null : Math.max(0, quota - used);
  return group({},
    h("div", { class: "card-body" }, bar,
      h("p", { class: "soft" }, quota === null ? t("settings.no_quota") : t("settings.free", { free: size(free), share: percent(quota ? used / quota : 1) }))),
    row({ label: t("settings.trash_room"), hint: t("settings.trash_room_hint"), icon: "trash-2" },
      h("a", { class: "button", href: href("trash") }, t("settings.open_trash"))));
}

function parts({ spaces: own }) {
  const sum = (key) => own.reduce((total, space) => total + space[key], 0);
  const all = [
    { label: t("settings.live"), size: sum("live"), kind: "one" },
    { label: t("settings.versions"), size: sum("versions"), kind: "two" },
    { label: t("settings.trashed"), size: sum("trash"), kind: "three" },
    { label: t("settings.properties"), size: sum("properties"), kind: "four" },
  ].filter((part) => part.kind !== "four" || part.size > 0);
  const whole = Math.max(1, all.reduce((total, part) => total + part.size, 0));
  return group({ title: t("settings.what_takes") }, h("div", { class: "card-body" }, stackedBar(all, whole, t("settings.what_takes"))));
}

function biggest(items) {
  const folders = items.filter((one) => one.kind === "folder" && one.size > 0);
  if (!folders.length) return "";
  const most = folders[0].size;
  return group({ title: t("settings.biggest"), hint: t("settings.biggest_hint") }, folders.map((one) =>
    h("a", { class: "row big-folder", href: href("files", one.path.split("/").filter(Boolean)) }, icon("folder", { class: "folder-icon" }),
      h("span", { class: "row-text" }, h("span", { class: "row-label" }, h("span", {}, shown(one.name))),
        h("span", { class: "share-bar", style: { "inline-size": `${(one.size / most) * 100}%` } })),
      h("span", { class: "row-end" }, size(one.size)))));
}

function spaces(own) {
  return group({ title: t("settings.spaces"), hint: t("settings.spaces_hint") }, own.map((space) =>
    row({
      icon: space.name ? "users" : "folder",
      label: space.name ? shown(space.name) : t("settings.home"),
      hint: `${t("settings.files", { count: space.files, number: number(space.files) })}, ${t("settings.folders", { count: space.folders, number: number(space.folders) })}`,
    }, h("span", { class: "storage-size" }, size(space.live + space.versions + space.trash + space.properties)))));
}

const savedBy = (store) => store.saved_by_deduplication + store.saved_by_compression;

function saved(store) {
  return group({ title: t("settings.saved"), hint: t("settings.saved_hint") },
    row({ label: t("settings.saved_sum", { size: size(savedBy(store)) }), icon: "database",
      hint: t("settings.saved_how", { twice: size(store.saved_by_deduplication), packed: size(store.saved_by_compression) }) },
    h("a", { class: "button", href: href("admin", ["storage"]) }, t("settings.open_server"))));
}
