// The end of an account: its files go to somebody else, or for good.

import { del } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { size } from "../core/format.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";
import { choice, field, freshId, problemBox } from "../panels/parts.js";
import { problemText } from "./words.js";

/** Ask what becomes of the files, then do it. @returns {Promise<boolean>} whether it was done */
export async function deletePerson({ username: name, used }, people, { username: me }) {
  const heirs = people.filter((one) => one.username !== name && !one.disabled).map((one) => one.username);
  const heir = choice({ value: heirs.includes(me) ? me : heirs[0], choices: heirs.map((one) => [one, one]), label: t("admin.heir") });
  const give = radio("transfer", t("admin.delete_give"), t("admin.delete_give_hint"), heirs.length > 0);
  const gone = radio("delete", t("admin.delete_gone"), t("admin.delete_gone_hint", { size: size(used) }), !heirs.length);
  const typed = field({ label: t("admin.delete_type", { name }), autocapitalize: "none", autocomplete: "off", spellcheck: "false" });
  const problem = problemBox();
  const pick = () => {
    heir.hidden = !give.input.checked;
    typed.hidden = give.input.checked;
  };
  for (const one of [give, gone]) one.input.addEventListener("change", pick);
  pick();
  const { result } = openDialog({
    title: t("admin.delete_of", { name }),
    body: [
      h("p", {}, t("admin.delete_text", { name })),
      h("fieldset", { class: "choices" }, h("legend", { class: "label" }, t("admin.delete_files")), heirs.length > 0 && give, heirs.length > 0 && heir, gone),
      typed, problem,
    ],
    actions: [{ label: t("core.cancel"), value: null }, { label: t("admin.delete_do"), kind: "danger", run }],
  });
  async function run() {
    problem.clear();
    if (gone.input.checked && typed.input.value.trim() !== name) {
      problem.say(t("admin.delete_mistyped", { name }));
      typed.input.focus();
      return false;
    }
    try {
      await del(`users/${encodeURIComponent(name)}`, give.input.checked ? { files: "transfer", to: heir.value } : { files: "delete" });
      return true;
    } catch (error) {
      problem.say(problemText(error, t("admin.last_admin", { name })));
      return false;
    }
  }
  if (!(await result)) return false;
  toast(give.input.checked ? t("admin.given", { name, heir: heir.value }) : t("admin.deleted", { name }), { kind: "good" });
  return true;
}

function radio(value, label, hint, checked) {
  const input = h("input", { type: "radio", name: "files", id: freshId(), value, checked });
  return Object.assign(h("div", { class: "tick" }, input, h("div", {}, h("label", { for: input.id }, label), h("p", { class: "hint" }, hint))), { input });
}
