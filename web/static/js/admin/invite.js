// An invitation: a link with which a guest makes one account, on the terms that stand here.

import { post } from "../core/api.js";
import { copyField } from "../core/copy.js";
import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { date } from "../core/format.js";
import { icon } from "../core/icon.js";
import { qrCode } from "../core/qr.js";
import { t } from "../core/text.js";
import { choice, field, freshId, problemBox, tick } from "../panels/parts.js";
import { problemText } from "./words.js";
import { quotaField } from "./quota-field.js";

const DAYS = [1, 7, 30, 90];

/** Ask for the terms, make the link and show it. @returns {Promise<boolean>} whether there is a new one */
export async function invite({ serverName, root }) {
  const days = freshId();
  const name = field({ label: t("admin.invite_name"), hint: t("admin.invite_name_hint"), maxlength: 64, autocapitalize: "none", autocomplete: "off", spellcheck: "false", autofocus: true });
  const quota = quotaField();
  const lasts = choice({ id: days, value: "7", choices: DAYS.map((count) => [String(count), t("admin.days", { count })]) });
  const admin = tick({ label: t("admin.as_admin"), hint: t("admin.as_admin_hint") });
  const problem = problemBox();
  const { result } = openDialog({
    title: t("admin.invite"),
    body: [name, quota, h("div", { class: "field" }, h("label", { class: "label", for: days }, t("admin.invite_days")), lasts), admin, problem],
    actions: [{ label: t("core.cancel"), value: null }, { label: t("admin.invite_make"), kind: "primary", run: make }],
  });
  async function make() {
    problem.clear();
    try {
      const terms = { username: name.input.value.trim() || null, quota: quota.bytes(), days: Number(lasts.value), is_admin: admin.input.checked };
      return await post("invitations", terms);
    } catch (error) {
      problem.say(problemText(error));
      return false;
    }
  }
  const made = await result;
  if (!made) return false;
  await show(new URL(made.url.replace(/^\//, ""), root).href, made.expires_ms, serverName);
  return true;
}

function show(link, expires, server) {
  const words = { title: t("admin.invite_subject", { server }), text: t("admin.invite_words", { server, date: date(expires) }) };
  const mail = `mailto:?subject=${encodeURIComponent(words.title)}&body=${encodeURIComponent(`${words.text}\n\n${link}\n`)}`;
  const { result } = openDialog({
    title: t("admin.invited"),
    size: "wide",
    sticky: true,
    body: h("div", { class: "with-qr" }, qrCode(link, { label: t("admin.invite_qr") }),
      h("div", {}, h("p", {}, t("admin.invited_text", { date: date(expires) })), copyField(link, { label: t("admin.copy_link") }),
        h("div", { class: "form-actions" },
          h("a", { class: "button", href: mail }, icon("mail", { size: 16 }), t("admin.invite_mail")),
          navigator.share && h("button", { type: "button", class: "button", onclick: () => navigator.share({ ...words, url: link }).catch(() => {}) }, icon("share-2", { size: 16 }), t("admin.invite_share"))))),
    actions: [{ label: t("settings.done"), kind: "primary" }],
  });
  return result;
}
