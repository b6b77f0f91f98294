// What one does with the photos that are selected.

import { del, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { number } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { forEach } from "../files/batch.js";
import { download } from "../files/download.js";
import { may } from "../files/places.js";
import { undoable } from "../files/undo.js";

/** The bar that shows while something is selected. */
export function selectionBar(app, signal) {
  const { selection, timeline, reload } = app;
  const count = h("strong", { class: "photos-chosen" });
  const files = () => timeline.months.flatMap(({ items }) => items.filter((file) => selection.has(file.file_id)));
  const button = (name, label, run) => h("button", { type: "button", class: "button quiet", "aria-label": label, title: label, onclick: run }, icon(name), h("span", { class: "wide-only" }, label));

  app.trash = async () => {
    const { done, failed } = await forEach(files().filter((file) => may(file, "write")), (file) => del(`files/${file.file_id}`));
    const gone = done.map(({ item }) => item);
    selection.clear();
    await reload();
    if (failed.length) toastError(failed[0].error);
    if (!gone.length) return;
    undoable(t("files.trashed", { count: gone.length, number: number(gone.length), name: gone[0].name }), async () => {
      const back = await forEach(gone, (file) => post(`trash/${file.file_id}/restore`));
      await reload();
      if (back.failed.length) throw back.failed[0].error;
    });
  };

  const fetchIt = button("download", t("photos.download"), () => download(files()));
  const trashIt = button("trash-2", t("photos.trash"), app.trash);
  const bar = h("div", { class: "photos-bar", role: "toolbar", "aria-label": t("photos.chosen"), hidden: true },
    h("button", { type: "button", class: "icon-button", "aria-label": t("photos.clear"), title: t("photos.clear"), onclick: () => selection.clear() }, icon("x")),
    count, h("span", { class: "photos-bar-space" }), fetchIt, trashIt);
  selection.subscribe(() => {
    const chosen = selection.size();
    bar.hidden = !chosen;
    bar.parentElement.classList.toggle("choosing", chosen > 0);
    count.textContent = t("photos.selected", { count: chosen, number: number(chosen) });
    fetchIt.hidden = chosen !== 1;
    trashIt.hidden = !files().some((file) => may(file, "write"));
  }, { signal });
  return bar;
}
