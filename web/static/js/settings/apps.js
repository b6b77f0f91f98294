// App passwords: one for each program, which opens files alone, within what it was made for.

import { del, get, post } from "../core/api.js";
import { confirm, openDialog } from "../core/dialog.js";
import { copyField } from "../core/copy.js";
import { fill, h } from "../core/dom.js";
import { ago, date, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { getAll } from "../core/pages.js";
import { t } from "../core/text.js";
import { errorText, toast, toastError } from "../core/toast.js";
import { badge, choice, field, group, problemBox, row, tick } from "../panels/parts.js";
import { folderField } from "./folder-field.js";

/** Show the page. */
export async function mount(host, context) {
  const { signal } = context;
  const list = h("div", { class: "card" });
  const make = h("button", { type: "button", class: "button primary", onclick: makeOne }, icon("plus", { size: 16 }), t("settings.app_new"));
  host.append(h("p", { class: "panels-lead" }, t("settings.apps_lead")),
    h("section", { class: "group" }, h("div", { class: "group-head" }, h("h2", {}, t("settings.apps_yours")), make), list));

  async function show() {
    const apps = (await getAll("devices", {}, { signal })).filter((one) => one.kind === "app_password")
      .map((one) => ({ ...one, name: shown(one.name) })).reverse();
    const folders = new Map(await Promise.all([...new Set(apps.map((one) => one.scope.folder_id).filter(Boolean))].map(pathOf)));
    fill(list, apps.length ? apps.map((one) => entry(one, folders)) : h("p", { class: "card-empty" }, t("settings.no_apps")));
  }

  async function pathOf(folder) {
    return [folder, await get(`files/${folder}`, {}, { signal }).then((found) => shown(found.path), () => t("settings.folder_gone"))];
  }

  function entry(one, folders) {
    const { reach, folder_id: folder, webdav_only: webdav } = one.scope;
    const limits = [reach === "read" && t("settings.read_only"), folder && folders.get(folder), webdav && t("settings.webdav_only")].filter(Boolean);
    const used = one.last_used_ms > one.created_ms ? t("settings.used", { ago: ago(one.last_used_ms) }) : t("settings.never_used");
    return row({
      icon: "key-round",
      label: one.name,
      badges: limits.map((limit) => badge(limit)),
      hint: [used, one.address, t("settings.made", { date: date(one.created_ms) })].filter(Boolean).join(" · "),
    }, h("button", { type: "button", class: "button", "aria-label": t("settings.revoke_one", { name: one.name }), onclick: () => revoke(one) }, t("settings.revoke")));
  }

  async function revoke(one) {
    const sure = await confirm({ title: t("settings.revoke_one", { name: one.name }), text: t("settings.revoke_text"), action: t("settings.revoke"), danger: true });
    if (!sure) return;
    try {
      await del(`devices/${one.device_id}`);
      toast(t("settings.revoked", { name: one.name }), { kind: "good" });
    } catch (error) {
      if (error.code !== "not_found") toastError(error);
    }
    await show().catch(toastError);
  }

  async function makeOne() {
    const made = await askForOne();
    if (!made) return;
    await showPassword(made, context);
    await show().catch(toastError);
  }

  await show();
}

async function askForOne() {
  const name = field({ label: t("settings.app_name"), hint: t("settings.app_name_hint"), required: true, maxlength: 200, autofocus: true, autocomplete: "off" });
  const reach = choice({ id: "app-reach", value: "all", choices: [["all", t("settings.reach_all")], ["read", t("settings.reach_read")]] });
  const folder = folderField({ label: t("settings.app_folder"), hint: t("settings.app_folder_hint") });
  const webdav = tick({ label: t("settings.webdav_only"), hint: t("settings.webdav_only_hint") });
  const problem = problemBox();
  const { result } = openDialog({
    title: t("settings.app_new"),
    body: [name, h("div", { class: "field" }, h("label", { class: "label", for: "app-reach" }, t("settings.app_reach")), reach), folder, webdav, problem],
    actions: [{ label: t("core.cancel"), value: null }, { label: t("settings.app_make"), kind: "primary", run: make }],
  });
  async function make() {
    problem.clear();
    try {
      const scope = { reach: reach.value, folder_id: await folder.chosen(), webdav_only: webdav.input.checked };
      const made = await post("app-passwords", { name: name.input.value.trim(), scope });
      return { ...made, name: name.input.value.trim() };
    } catch (error) {
      problem.say(errorText(error));
      return false;
    }
  }
  return result;
}

function showPassword({ name, password }, { username, root }) {
  const { result } = openDialog({
    title: t("settings.app_made", { name }),
    sticky: true,
    body: [
      h("p", {}, t("settings.app_once")),
      h("div", { class: "field" }, h("p", { class: "label" }, t("login.password")), copyField(password, { label: t("settings.app_copy") })),
      h("div", { class: "field" }, h("p", { class: "label" }, t("login.username")), copyField(username, { label: t("settings.copy_name") })),
      h("div", { class: "field" }, h("p", { class: "label" }, t("settings.webdav_address")), copyField(`${root.href}dav/`, { label: t("settings.copy_address") })),
    ],
    actions: [{ label: t("settings.done"), kind: "primary" }],
  });
  return result;
}
