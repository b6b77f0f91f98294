// Turning the second factor on: the secret goes into an authenticator app, and its first code comes back.

import { post } from "../core/api.js";
import { copyField } from "../core/copy.js";
import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { qrCode } from "../core/qr.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { field, problemBox, tick } from "../panels/parts.js";
import { secretProblem, showRecoveryCodes } from "../panels/secrets.js";

/** Lead through it. @returns {Promise<boolean>} whether the second factor is on now */
export async function setUpSecondFactor(context) {
  let made;
  try {
    made = await post("totp");
  } catch (error) {
    toastError(error);
    return false;
  }
  const code = field({ label: t("settings.factor_code"), hint: t("settings.factor_code_hint"), inputmode: "numeric", autocomplete: "one-time-code", autofocus: true, maxlength: 10 });
  const others = tick({ label: t("settings.end_devices"), hint: t("settings.end_devices_hint"), checked: true });
  const problem = problemBox();
  const { result } = openDialog({
    title: t("settings.factor_title"),
    size: "wide",
    sticky: true,
    body: [
      h("div", { class: "with-qr" }, qrCode(made.uri, { label: t("settings.factor_qr") }),
        h("div", {}, h("p", {}, t("settings.factor_scan")), h("p", { class: "hint" }, t("settings.factor_by_hand")),
          copyField(made.secret.replace(/(.{4})(?=.)/g, "$1 "), { label: t("settings.factor_copy") }))),
      code, others, problem,
    ],
    actions: [{ label: t("core.cancel"), value: null }, { label: t("settings.factor_turn_on"), kind: "primary", run: go }],
  });
  async function go() {
    problem.clear();
    try {
      const body = { code: code.input.value.replace(/\s/g, ""), end_devices: others.input.checked };
      return await post("totp/confirm", body, { secret: true });
    } catch (error) {
      problem.say(secretProblem(error, t("login.wrong_code")));
      code.input.select();
      return false;
    }
  }
  const turnedOn = await result;
  if (!turnedOn) return false;
  await showRecoveryCodes(turnedOn.recovery_codes, context);
  return true;
}
