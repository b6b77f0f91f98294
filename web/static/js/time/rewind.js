// Rewind: a folder becomes what it was at a moment, by new changes, which can be taken back themselves.

import { get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { activityBars } from "./activity.js";
import { dayStart, momentField, nextMinute, quickPicks } from "./fields.js";
import { openTakeBack, ownDevice } from "./takeback.js";
import { openUndo } from "./undo.js";

const HOUR_MS = 3_600_000;

/**
 * Offer to rewind a folder.
 *
 * @param {Object} folder a File; of the home `{file_id: "root", path: "/", name: ""}`
 */
export async function openRewind(folder) {
  let beginning;
  try {
    beginning = nextMinute((await get("files", { path: folder.path ?? "/" })).created_ms);
  } catch (error) {
    toastError(error);
    return;
  }
  await openTakeBack({
    title: t("rewind.title", { name: shown(folder.name) || t("nav.files") }),
    text: t("rewind.text"),
    choices(changed) {
      const moment = momentField({ label: t("rewind.moment"), value: Math.max(beginning, Date.now() - HOUR_MS), min: beginning, onchange: changed });
      const picks = quickPicks(t("rewind.picks"), [
        { label: t("rewind.hour"), ms: () => Date.now() - HOUR_MS },
        { label: t("rewind.today"), ms: () => dayStart() },
        { label: t("rewind.yesterday"), ms: () => dayStart(1) },
        { label: t("rewind.week"), ms: () => dayStart(7) },
      ].filter((pick) => pick.ms() >= beginning), moment.set);
      const bars = activityBars(folder.file_id, (ms) => moment.set(Math.max(ms, beginning)));
      return { element: h("div", { class: "takeback-choice" }, bars, picks, moment.element), value: moment.get };
    },
    ask: (ms, dryRun, options) => post(`folders/${folder.file_id}/rewind`, { time_ms: ms, dry_run: dryRun }, options),
    action: t("rewind.go"),
    done: t("rewind.done"),
    again: (job) => openUndo({ deviceId: ownDevice(), fromMs: job.created_ms, toMs: job.ended_ms }),
  });
}
