// Invitations that nobody has accepted yet.

import { del } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { ago, date, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { getAll } from "../core/pages.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { badge, row } from "../panels/parts.js";
import { invite } from "./invite.js";

/** Show the page. */
export async function mount(host, context) {
  const list = h("div", { class: "card" });
  host.append(h("p", { class: "panels-lead" }, t("admin.invitations_lead")),
    h("section", { class: "group" },
      h("div", { class: "group-head" }, h("h2", {}, t("admin.open_invitations")),
        h("button", { type: "button", class: "button primary", onclick: async () => (await invite(context)) && show() }, icon("mail", { size: 16 }), t("admin.invite"))),
      list));

  async function show() {
    const open = (await getAll("invitations", {}, { signal: context.signal })).reverse();
    fill(list, open.length ? open.map(entry) : h("p", { class: "card-empty" }, t("admin.no_invitations")));
  }

  function entry(one) {
    const name = one.username ?? t("admin.any_name");
    const by = one.made_by ? t("admin.invited_by", { name: one.made_by }) : t("admin.invited_here");
    return row({
      icon: "mail",
      label: name,
      badges: [one.is_admin && badge(t("admin.admin"), "accent"), one.quota !== null && badge(size(one.quota))],
      hint: `${by} · ${date(one.created_ms)} · ${t("admin.expires", { ago: ago(one.expires_ms) })}`,
    }, h("button", { type: "button", class: "button", "aria-label": t("admin.end_invitation_of", { name }), onclick: () => end(one) }, t("admin.end_invitation")));
  }

  async function end(one) {
    if (!(await confirm({ title: t("admin.end_invitation"), text: t("admin.end_invitation_text"), action: t("admin.end_invitation"), danger: true }))) return;
    try {
      await del(`invitations/${one.invitation_id}`);
      toast(t("admin.invitation_ended"), { kind: "good" });
    } catch (error) {
      if (error.code !== "not_found") toastError(error);
    }
    await show().catch(toastError);
  }

  await show();
}
