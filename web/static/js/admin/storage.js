// What the whole store holds, what it saves, and who takes most of it.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { ago, percent, size } from "../core/format.js";
import { getAll } from "../core/pages.js";
import { t } from "../core/text.js";
import { group, initials, stackedBar } from "../panels/parts.js";

const MOST = 10;

/** Show the page. */
export async function mount(host, { signal }) {
  const [{ store }, { disk }, people] = await Promise.all([
    get("storage", {}, { signal }),
    get("server", {}, { signal }),
    getAll("users", {}, { signal }),
  ]);
  host.append(onDisk(store, disk), saved(store), comingBack(store), byPeople(people));
}

function onDisk(store, { total, free, kept }) {
  const used = total - free;
  const parts = [
    { label: t("admin.disk_cairn"), size: Math.min(store.stored, used), kind: "one" },
    { label: t("admin.disk_other"), size: Math.max(0, used - store.stored), kind: "four" },
    { label: t("admin.disk_kept"), size: Math.min(kept, free), kind: "three" },
    { label: t("admin.disk_free"), size: Math.max(0, free - kept), kind: "rest" },
  ];
  return group({ title: t("admin.disk"), hint: t("admin.disk_hint") },
    h("div", { class: "card-body" },
      h("div", { class: "storage-head" },
        h("p", { class: "figure-value" }, t("admin.disk_left", { free: size(Math.max(0, free - kept)) })),
        h("p", { class: "soft" }, t("admin.disk_of", { total: size(total), share: percent(total ? used / total : 1) }))),
      stackedBar(parts, Math.max(1, total), t("admin.disk"))));
}

function saved(store) {
  return group({ title: t("admin.saved"), hint: t("admin.as_of", { ago: ago(store.as_of_ms) }) },
    h("div", { class: "figures" },
      figure(size(store.logical), t("admin.logical")),
      figure(size(store.saved_by_deduplication), t("admin.saved_twice")),
      figure(size(store.saved_by_compression), t("admin.saved_packed")),
      figure(size(store.stored), t("admin.stored"))));
}

function comingBack({ condemned, next_freed: next }) {
  const items = [
    [t("admin.next_trash"), next.trash],
    [t("admin.next_versions"), next.retention],
    [t("admin.next_collector"), next.collector],
    [t("admin.next_condemned"), condemned],
  ];
  return group({ title: t("admin.next"), hint: t("admin.next_hint") }, items.map(([label, bytes]) =>
    h("div", { class: "row slim" }, h("span", { class: "row-text" }, label), h("span", { class: "storage-size" }, bytes === null ? t("admin.not_known_yet") : size(bytes)))));
}

function byPeople(people) {
  const most = [...people].sort((one, other) => other.used - one.used).filter((one) => one.used > 0).slice(0, MOST);
  if (!most.length) return "";
  return group({ title: t("admin.by_people"), hint: t("admin.by_people_hint") }, most.map((one) =>
    h("div", { class: "row" }, initials(one.username),
      h("div", { class: "row-text with-share" }, h("span", { class: "row-label" }, h("span", {}, one.username)),
        h("span", { class: "share-bar", style: { "inline-size": `${(one.used / most[0].used) * 100}%` } })),
      h("span", { class: "storage-size" }, size(one.used)))));
}

function figure(value, label) {
  return h("div", { class: "figure" }, h("span", { class: "figure-value" }, value), h("span", { class: "soft" }, label));
}
