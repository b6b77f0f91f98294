// The dialog that a rewind and an undo have in common: choose, see what would change, do it, see what came of it.

import { get } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { fill, h, loadStyle } from "../core/dom.js";
import { profile } from "../shell/profile.js";
import { t } from "../core/text.js";
import { errorText, toast, toastError } from "../core/toast.js";
import { follow, lines, planView } from "./plan.js";

const SETTLE_MS = 250;
const LISTED = 100;

/**
 * Open the dialog.
 *
 * @param {{title: string, text: string, choices: (changed: () => void) => {element: HTMLElement, value: () => Object | null},
 *   ask: (value: Object, dryRun: boolean, options?: Object) => Promise<Object>, action: string, done: string,
 *   again?: (job: Object) => void}} options `choices` are the fields, `value` what they say, null while that is nothing;
 *   `ask` makes the call; `again` takes back what was done
 */
export async function openTakeBack({ title, text, choices, ask, action, done, again }) {
  await loadStyle("css/time.css");
  const chosen = choices(later);
  const preview = h("div", { class: "takeback-preview", "aria-live": "polite" });
  const go = h("button", { type: "submit", class: "button primary", disabled: true }, action);
  const foot = h("div", { class: "takeback-foot" }, h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("core.cancel")), go);
  const body = h("div", { class: "takeback" }, h("p", { class: "soft" }, text), chosen.element, preview, foot);
  const dialog = openDialog({ title, size: "wide", body });
  let timer = 0;
  let off = new AbortController();

  function later() {
    clearTimeout(timer);
    off.abort();
    go.disabled = true;
    timer = setTimeout(look, SETTLE_MS);
  }

  /** Ask what would change. */
  async function look() {
    const value = chosen.value();
    if (!value) return fill(preview);
    off = new AbortController();
    const mine = off;
    fill(preview, h("p", { class: "soft takeback-wait" }, t("plan.looking")));
    try {
      const plan = await ask(value, true, { signal: mine.signal });
      if (mine.signal.aborted) return;
      fill(preview, planView(plan));
      go.disabled = !plan.changes;
    } catch (error) {
      if (error.name !== "AbortError") fill(preview, h("p", { class: "problem", role: "alert" }, errorText(error)));
    }
  }

  const form = dialog.element.querySelector("form");
  form.noValidate = true; // the preview says what is wrong with a moment
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = chosen.value();
    if (!value || go.disabled) return;
    clearTimeout(timer);
    try {
      go.disabled = true;
      const { job_id: id } = await ask(value, false);
      fill(body, preview);
      preview.tabIndex = -1;
      preview.focus();
      await over(id, await follow(id, preview));
    } catch (error) {
      if (dialog.element.open) fill(preview, h("p", { class: "problem", role: "alert" }, errorText(error)));
      else toastError(error);
    }
  });

  /** Tell what came of it: here, or in a note where the dialog was closed meanwhile. */
  async function over(id, job) {
    const result = job.result ?? { changed: 0, kept: 0, reason: null };
    const ok = job.state === "done";
    const said = ok ? `${done} ${t("plan.changed", { count: result.changed })}` : t("plan.ended_early", { count: result.changed });
    const back = again && result.changed > 0 ? { label: t("plan.take_back"), run: () => again(job) } : undefined;
    if (!dialog.element.open) {
      toast(said, { kind: ok ? "good" : "error", action: back });
      return;
    }
    const kept = result.kept ? (await get(`jobs/${id}/kept`, { limit: LISTED })).items : [];
    fill(preview,
      h("p", { class: ok ? "takeback-done" : "problem", role: "status" }, said),
      kept.length > 0 && [h("p", {}, t("plan.kept", { count: result.kept })), lines(kept)],
      h("div", { class: "takeback-foot" },
        back && h("button", { type: "button", class: "button", onclick: () => { dialog.close(); back.run(); } }, back.label),
        h("button", { type: "button", class: "button primary", onclick: () => dialog.close() }, t("core.close"))));
    preview.querySelector(".primary").focus();
  }

  later();
  await dialog.result;
  clearTimeout(timer);
  off.abort();
}

/** The device that this browser is, once known. */
export const ownDevice = () => profile.get().me?.device_id ?? null;
