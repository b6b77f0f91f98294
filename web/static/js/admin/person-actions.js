// What an admin may do about somebody. What can be taken back offers that; what cannot is confirmed.

import { patch, post } from "../core/api.js";
import { copyField } from "../core/copy.js";
import { confirm, openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { dateTime, size } from "../core/format.js";
import { go, href } from "../core/router.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";
import { problemBox } from "../panels/parts.js";
import { deletePerson } from "./delete-person.js";
import { quotaField } from "./quota-field.js";
import { problemText } from "./words.js";

/**
 * The menu of a person.
 *
 * @param {Object} one as GET /users gives it
 * @param {{people: Object[], context: Object, again: () => Promise<void>}} options `again` shows what is so now
 */
export function actionsFor(one, { people, context, again }) {
  const name = one.username;
  const isMe = name === context.username;
  const does = (work) => async () => {
    try {
      if ((await work()) !== false) await again();
    } catch (error) {
      toast(problemText(error, t("admin.last_admin", { name })), { kind: "error" });
    }
  };
  return [
    { icon: "hard-drive", label: t("admin.set_quota"), run: does(() => setQuota(one, does)) },
    { icon: "shield", label: one.is_admin ? t("admin.no_admin") : t("admin.make_admin"), run: does(() => setAdmin(one, isMe, does)) },
    { icon: "key-round", label: t("admin.reset"), run: does(() => reset(name, context)) },
    { icon: "log-out", label: t("admin.sign_out"), run: does(() => signOut(name)) },
    { icon: "history", label: t("admin.see_log"), run: () => go(href("admin", ["log"], { user: name })) },
    "-",
    one.disabled
      ? { icon: "circle-check", label: t("admin.enable"), run: does(() => enable(name, does)) }
      : { icon: "ban", label: t("admin.disable"), run: does(() => disable(name)) },
    { icon: "trash-2", label: t("admin.delete"), danger: true, run: does(() => deletePerson(one, people, context)) },
  ];
}

const change = (name, changes) => patch(`users/${encodeURIComponent(name)}`, changes);

function undo(text, does, work) {
  toast(text, { kind: "good", action: { label: t("admin.undo"), run: does(work) } });
}

async function setQuota({ username: name, quota: before }, does) {
  const quota = quotaField(before);
  quota.input.autofocus = true;
  const problem = problemBox();
  const { result } = openDialog({
    title: t("admin.quota_of", { name }),
    body: [quota, problem],
    actions: [{ label: t("core.cancel"), value: null }, { label: t("admin.save"), kind: "primary", run: save }],
  });
  async function save() {
    problem.clear();
    try {
      return await change(name, { quota: quota.bytes() });
    } catch (error) {
      problem.say(problemText(error));
      return false;
    }
  }
  const changed = await result;
  if (!changed) return false;
  const text = changed.quota === null ? t("admin.quota_lifted", { name }) : t("admin.quota_is", { name, quota: size(changed.quota) });
  undo(text, does, () => change(name, { quota: before }));
  return true;
}

async function setAdmin({ username: name, is_admin: before }, isMe, does) {
  if (before && isMe && !(await confirm({ title: t("admin.no_admin"), text: t("admin.no_admin_me"), action: t("admin.no_admin"), danger: true }))) return false;
  await change(name, { is_admin: !before });
  if (before && isMe) location.assign(href("files")); // these pages are no longer one's own
  else undo(before ? t("admin.is_no_admin", { name }) : t("admin.is_admin", { name }), does, () => change(name, { is_admin: before }));
  return true;
}

async function reset(name, { root }) {
  if (!(await confirm({ title: t("admin.reset_of", { name }), text: t("admin.reset_text"), action: t("admin.reset_make") }))) return false;
  const { code, expires_ms: expires } = await post(`users/${encodeURIComponent(name)}/reset`);
  const { result } = openDialog({
    title: t("admin.reset_of", { name }),
    sticky: true,
    body: [
      h("p", {}, t("admin.reset_once", { name, until: dateTime(expires) })),
      h("div", { class: "field" }, h("p", { class: "label" }, t("reset.code")), copyField(code, { label: t("admin.copy_code") })),
      h("div", { class: "field" }, h("p", { class: "label" }, t("admin.reset_where")), copyField(new URL("reset", root).href, { label: t("settings.copy_address") })),
    ],
    actions: [{ label: t("settings.done"), kind: "primary" }],
  });
  await result;
  return true;
}

async function signOut(name) {
  if (!(await confirm({ title: t("admin.sign_out_of", { name }), text: t("admin.sign_out_text"), action: t("admin.sign_out"), danger: true }))) return false;
  await post(`users/${encodeURIComponent(name)}/sign-out`);
  toast(t("admin.signed_out", { name }), { kind: "good" });
  return true;
}

async function disable(name) {
  if (!(await confirm({ title: t("admin.disable_of", { name }), text: t("admin.disable_text"), action: t("admin.disable"), danger: true }))) return false;
  await change(name, { disabled: true });
  toast(t("admin.is_disabled", { name }), { kind: "good" });
  return true;
}

async function enable(name, does) {
  await change(name, { disabled: false });
  undo(t("admin.is_enabled", { name }), does, () => change(name, { disabled: true }));
  return true;
}
