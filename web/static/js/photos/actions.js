// What one does with the photos that are selected.

import { h } from "../core/dom.js";
import { number, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { restoreAll, trashAll } from "../files/batch.js";
import { download } from "../files/download.js";
import { copyLink, share, versions } from "../files/elsewhere.js";
import { may } from "../files/places.js";
import { undoable } from "../files/undo.js";

/** The bar that shows while something is selected. */
export function selectionBar(app, signal) {
  const { selection, timeline } = app;
  const count = h("strong", { class: "photos-chosen" });
  const files = () => timeline.months.flatMap(({ items }) => items.filter((file) => selection.has(file.file_id)));
  const button = (name, label, run) => h("button", { type: "button", class: "button quiet", "aria-label": label, title: label, onclick: run }, icon(name), h("span", { class: "wide-only" }, label));

  app.trash = async () => {
    const chosen = files();
    selection.clear();
    await trash(chosen, app);
  };

  const trashIt = button("trash-2", t("photos.trash"), app.trash);
  const bar = h("div", { class: "photos-bar", role: "toolbar", "aria-label": t("photos.chosen"), hidden: true },
    h("button", { type: "button", class: "icon-button", "aria-label": t("photos.clear"), title: t("photos.clear"), onclick: () => selection.clear() }, icon("x")),
    count, h("span", { class: "photos-bar-space" }),
    button("download", t("photos.download"), () => download(files())), trashIt);
  selection.subscribe(() => {
    const chosen = selection.size();
    bar.hidden = !chosen;
    bar.parentElement.classList.toggle("choosing", chosen > 0);
    count.textContent = t("photos.selected", { count: chosen, number: number(chosen) });
    trashIt.hidden = !files().some((file) => may(file, "write"));
  }, { signal });
  return bar;
}

/** What the viewer offers for a photo. @param {() => void} gone what is done once it is in the trash */
export function menuOf(file, app, gone) {
  return [
    { icon: "user-plus", label: may(file, "share") ? t("files.share") : t("files.who_sees"), run: () => share(file) },
    may(file, "share") && { icon: "link", label: t("files.copy_link"), run: () => copyLink(file) },
    { icon: "history", label: t("files.versions"), run: () => versions(file) },
    may(file, "write") && "-",
    may(file, "write") && { icon: "trash-2", label: t("files.to_trash"), danger: true, run: async () => (await trash([file], app)) && gone() },
  ].filter(Boolean);
}

/** Move photos to the trash. @returns {Promise<boolean>} whether any went there */
async function trash(files, { drop, reload }) {
  const { done, failed } = await trashAll(files.filter((file) => may(file, "write")));
  const gone = done.map(({ item }) => item);
  drop(gone.map((file) => file.file_id));
  if (failed.length) toastError(failed[0].error);
  if (!gone.length) return false;
  undoable(t("files.trashed", { count: gone.length, number: number(gone.length), name: shown(gone[0].name) }), async () => {
    const back = await restoreAll(gone);
    await reload();
    if (back.failed.length) throw back.failed[0].error;
  });
  return true;
}
