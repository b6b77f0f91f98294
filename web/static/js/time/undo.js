// Undo: what one device did in a span is taken back, and what others have changed since stays.

import { get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { dayStart, momentField, quickPicks } from "./fields.js";
import { openTakeBack, ownDevice } from "./takeback.js";

const HOUR_MS = 3_600_000;
const NEXT_MS = 1000;

/**
 * Offer to take back what a device did.
 *
 * @param {{deviceId: string, fromMs?: number, toMs?: number} | null} whose null lets the person choose
 */
export async function openUndo(whose = null) {
  let devices;
  try {
    devices = (await get("devices")).items;
  } catch (error) {
    toastError(error);
    return;
  }
  await openTakeBack({
    title: t("undo.title"),
    text: t("undo.text"),
    choices(changed) {
      const select = h("select", { class: "input", id: "undo-device", onchange: changed },
        devices.map((device) => h("option", { value: device.device_id }, device.current ? t("undo.this_device", { name: shown(device.name) }) : shown(device.name))));
      select.value = whose?.deviceId ?? ownDevice() ?? devices[0]?.device_id ?? "";
      const from = momentField({ label: t("undo.from"), value: whose?.fromMs ?? Date.now() - HOUR_MS, onchange: changed });
      const to = momentField({ label: t("undo.to"), value: whose?.toMs ?? Date.now(), onchange: changed });
      let exact = whose?.fromMs ? [whose.fromMs, whose.toMs + NEXT_MS] : null;
      const inexact = () => {
        exact = null;
      };
      for (const field of [from, to]) field.element.addEventListener("input", inexact);
      const picks = quickPicks(t("undo.picks"), [
        { label: t("undo.hour"), ms: () => Date.now() - HOUR_MS },
        { label: t("undo.today"), ms: () => dayStart() },
        { label: t("undo.week"), ms: () => dayStart(7) },
      ], (ms) => {
        inexact();
        to.set(Date.now());
        from.set(ms);
      });
      return {
        element: h("div", { class: "takeback-choice" },
          h("div", { class: "moment-field" }, h("label", { class: "label", for: "undo-device" }, t("undo.device")), select),
          picks, h("div", { class: "undo-span" }, from.element, to.element)),
        value() {
          const [fromMs, toMs] = exact ?? [from.get(), to.get()];
          if (!select.value || fromMs === null || toMs === null || fromMs >= toMs + HOUR_MS) return null;
          // The field shows whole minutes: the one that is shown counts to its end.
          return { device_id: select.value, from_ms: fromMs, to_ms: exact ? toMs : toMs + 60_000 };
        },
      };
    },
    ask: (value, dryRun, options) => post("undo", { ...value, dry_run: dryRun }, options),
    action: t("undo.go"),
    done: t("undo.done"),
    again: (job) => openUndo({ deviceId: ownDevice(), fromMs: job.created_ms, toMs: job.ended_ms }),
  });
}
