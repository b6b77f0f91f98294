// Devices and sessions: what one is signed in with, and how to end it.

import { del, post } from "../core/api.js";
import { confirm, openDialog } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { ago, date, dateTime, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { getAll } from "../core/pages.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { badge, group, row, tick } from "../panels/parts.js";

/** Show the page. */
export async function mount(host, { signal }) {
  const page = h("div", { class: "panels-content" });
  host.append(h("p", { class: "panels-lead" }, t("settings.devices_lead")), page);

  async function show() {
    const all = (await getAll("devices", {}, { signal })).filter((one) => one.kind !== "app_password")
      .map((one) => ({ ...one, name: shown(one.name) }));
    all.sort((one, other) => other.current - one.current || other.last_used_ms - one.last_used_ms);
    const sessions = all.filter((one) => one.kind === "session");
    const devices = all.filter((one) => one.kind === "device");
    const others = all.filter((one) => !one.current);
    fill(page,
      group({ title: t("settings.sessions"), hint: t("settings.sessions_hint") }, sessions.map(entry)),
      group({ title: t("settings.clients"), hint: t("settings.clients_hint") },
        devices.length ? devices.map(entry) : h("p", { class: "card-empty" }, t("settings.no_clients"), " ",
          h("a", { href: href("settings", ["connect"]) }, t("settings.connect")))),
      group({}, row({ label: t("settings.end_others"), hint: t("settings.end_others_hint") },
        h("button", { type: "button", class: "button", disabled: !others.length, onclick: endOthers }, t("settings.end_others_do")))));
  }

  function entry(one) {
    const used = h("time", { datetime: new Date(one.last_used_ms).toISOString(), title: dateTime(one.last_used_ms) },
      one.current ? t("settings.used_now") : t("settings.used", { ago: ago(one.last_used_ms) }));
    return row({
      icon: iconOf(one),
      label: one.name,
      badges: one.current ? [badge(t("settings.this_one"), "accent")] : [],
      hint: [used, one.address && ` · ${one.address}`, " · ", t("settings.since", { date: date(one.created_ms) })],
    },
    h("button", { type: "button", class: "icon-button", "aria-label": t("undo.of_device", { name: one.name }), title: t("undo.of_device", { name: one.name }), onclick: () => takeBack(one) }, icon("history")),
    !one.current && h("button", { type: "button", class: "button", "aria-label": t("settings.end_one", { name: one.name }), onclick: () => end(one) }, t("settings.end")));
  }

  const takeBack = (one) => import("../time/undo.js").then((part) => part.openUndo({ deviceId: one.device_id })).catch(toastError);

  async function end(one) {
    const sure = await confirm({
      title: t("settings.end_one", { name: one.name }),
      text: one.kind === "device" ? t("settings.end_device_text") : t("settings.end_session_text"),
      action: t("settings.end"),
      danger: true,
    });
    if (!sure) return;
    try {
      await del(`devices/${one.device_id}`);
      toast(t("settings.ended", { name: one.name }), { kind: "good" });
    } catch (error) {
      if (error.code !== "not_found") toastError(error);
    }
    await show().catch(toastError);
  }

  async function endOthers() {
    const apps = tick({ label: t("settings.end_apps"), hint: t("settings.end_apps_hint") });
    const { result } = openDialog({
      title: t("settings.end_others"),
      body: [h("p", {}, t("settings.end_others_text")), apps],
      actions: [{ label: t("core.cancel"), value: null }, { label: t("settings.end_others_do"), kind: "danger" }],
    });
    if (!(await result)) return;
    try {
      await post("devices/revoke-others", { app_passwords: apps.input.checked });
      toast(t("settings.others_ended"), { kind: "good" });
      await show();
    } catch (error) {
      toastError(error);
    }
  }

  await show();
}

function iconOf({ kind, name }) {
  if (/Android|iPhone|iPad/.test(name)) return "smartphone";
  return kind === "session" ? "globe" : "laptop";
}
