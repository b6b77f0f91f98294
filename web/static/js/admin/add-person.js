// A new account with a password that the admin chooses.

import { post } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";
import { field, problemBox, tick } from "../panels/parts.js";
import { quotaField } from "./quota-field.js";
import { problemText } from "./words.js";

/** Ask for all of it. @returns {Promise<boolean>} whether there is somebody new */
export async function addPerson() {
  const name = field({ label: t("login.username"), required: true, maxlength: 64, autocapitalize: "none", autocomplete: "off", spellcheck: "false", autofocus: true });
  const password = field({ label: t("login.password"), hint: t("admin.first_password"), required: true, maxlength: 256, autocapitalize: "none", autocomplete: "off", spellcheck: "false" });
  const quota = quotaField();
  const admin = tick({ label: t("admin.as_admin"), hint: t("admin.as_admin_hint") });
  const problem = problemBox();
  const { result } = openDialog({
    title: t("admin.add_person"),
    body: [name, password, quota, admin, problem],
    actions: [{ label: t("core.cancel"), value: null }, { label: t("admin.add"), kind: "primary", run: add }],
  });
  async function add() {
    problem.clear();
    try {
      return await post("users", { username: name.input.value.trim(), password: password.input.value, quota: quota.bytes(), is_admin: admin.input.checked });
    } catch (error) {
      problem.say(problemText(error));
      return false;
    }
  }
  const made = await result;
  if (made) toast(t("admin.added", { name: made.username }), { kind: "good" });
  return Boolean(made);
}
