// Versions: what a file held before. Any of them comes back as a new one, so nothing is lost by it.

import { get, patch, post, url } from "../core/api.js";
import { openDialog, prompt } from "../core/dialog.js";
import { fill, h, loadStyle } from "../core/dom.js";
import { dateTime, shown, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { errorText, toast, toastError } from "../core/toast.js";

const PAGE = 100;
const LONGEST_LABEL = 255;

/**
 * Show the versions of a file.
 *
 * @param {Object} file a File
 * @returns {Promise<void>} once the dialog is closed
 */
export async function openVersions(file) {
  await loadStyle("css/time.css");
  const mayWrite = file.permissions.includes("write");
  const off = new AbortController();
  const list = h("ol", { class: "version-list", "aria-label": t("versions.list") }, h("li", { class: "skeleton time-skeleton", role: "status", "aria-label": t("core.loading") }));
  const more = h("button", { type: "button", class: "button", hidden: true, onclick: () => show(items.length + PAGE).catch(toastError) }, t("time.more"));
  const dialog = openDialog({ title: t("versions.title", { name: shown(file.name) }), size: "wide", body: [h("p", { class: "soft" }, t("versions.text")), list, more] });
  let items = [];
  let current = file.version_id;

  async function show(limit = Math.max(PAGE, items.length)) {
    const [now, page] = await Promise.all([
      get(`files/${file.file_id}`, {}, { signal: off.signal }),
      get(`files/${file.file_id}/versions`, { limit: Math.min(10_000, limit) }, { signal: off.signal }),
    ]);
    current = now.version_id;
    items = page.items;
    more.hidden = !page.next;
    fill(list, items.map(row));
  }

  function row(version) {
    const isNow = version.version_id === current;
    const isKept = version.content === "kept";
    const content = (download) => url(`api/v1/files/${file.file_id}/content`, { version_id: version.version_id, download: download ? 1 : null }).href;
    const said = dateTime(version.created_ms);
    return h("li", { class: ["version", isNow && "now", !isKept && "gone"] },
      h("div", { class: "version-what" },
        h("span", { class: "version-when" }, said, isNow && h("span", { class: "time-chip" }, t("versions.now")),
          version.label && h("span", { class: "time-chip label" }, icon("tag", { size: 14 }), shown(version.label))),
        h("span", { class: "soft" }, t("versions.by", { who: version.modified_by, size: size(version.size) }), !isKept && ` · ${t("versions.gone")}`)),
      h("div", { class: "version-tools" },
        isKept && h("a", { class: "icon-button", href: content(false), target: "_blank", rel: "noopener", "aria-label": t("versions.open", { when: said }), title: t("versions.open_short") }, icon("eye")),
        isKept && h("a", { class: "icon-button", href: content(true), download: file.name, "aria-label": t("versions.download", { when: said }), title: t("versions.download_short") }, icon("download")),
        mayWrite && isKept && h("button", { type: "button", class: "icon-button", "aria-label": t("versions.label_of", { when: said }), title: t("versions.label_short"), onclick: () => label(version) }, icon("tag")),
        mayWrite && isKept && !isNow && h("button", { type: "button", class: "button", "aria-label": t("versions.restore_of", { when: said }), onclick: () => restore(version) }, t("versions.restore"))));
  }

  async function restore(version) {
    try {
      await post(`files/${file.file_id}/versions/${version.version_id}/restore`);
      await show();
      toast(t("versions.restored", { when: dateTime(version.created_ms) }), { kind: "good" });
      list.querySelector("a, button")?.focus();
    } catch (error) {
      toastError(error);
    }
  }

  function label(version) {
    return prompt({
      title: t("versions.label_title"),
      label: t("versions.label"),
      hint: t("versions.label_hint"),
      value: version.label ?? "",
      required: false,
      action: t("versions.label_save"),
      run: async (value) => {
        await patch(`files/${file.file_id}/versions/${version.version_id}`, { label: value.trim().slice(0, LONGEST_LABEL) || null });
        await show();
        return true;
      },
    });
  }

  show().catch((error) => error.name !== "AbortError" && fill(list, h("li", { class: "problem", role: "alert" }, errorText(error))));
  await dialog.result;
  off.abort();
}
