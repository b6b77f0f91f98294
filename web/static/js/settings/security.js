// Sign-in: the password, and the second factor.

import { get, post } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";
import { badge, field, group, problemBox, row, tick } from "../panels/parts.js";
import { secretProblem, showRecoveryCodes } from "../panels/secrets.js";
import { setUpSecondFactor } from "./second-factor.js";

/** Show the page. */
export async function mount(host, context) {
  const factor = h("div", { class: "card" });
  const codeField = field({ label: t("login.code"), hint: t("login.code_hint"), inputmode: "numeric", autocomplete: "one-time-code" });
  codeField.hidden = true;

  async function showFactor() {
    const status = await get("totp", {}, { signal: context.signal });
    codeField.hidden = !status.enabled;
    codeField.input.required = status.enabled;
    fill(factor, status.enabled ? whileOn(status) : whileOff());
  }

  function whileOff() {
    return row({ label: t("settings.factor_off"), hint: t("settings.factor_text"), icon: "smartphone" },
      h("button", { type: "button", class: "button primary", onclick: async () => (await setUpSecondFactor(context)) && showFactor() }, t("settings.factor_set_up")));
  }

  function whileOn({ recovery_codes_left: left }) {
    return [
      row({ label: t("settings.factor_on"), badges: [badge(t("settings.on"), "good")], hint: t("settings.factor_on_text"), icon: "smartphone" },
        h("button", { type: "button", class: "button", onclick: turnOff }, t("settings.factor_turn_off"))),
      row({ label: t("settings.codes"), badges: left <= 3 ? [badge(t("settings.codes_few"), "warn")] : [], hint: t("settings.codes_left", { count: left }), icon: "key-round" },
        h("button", { type: "button", class: "button", onclick: renew }, t("settings.codes_new"))),
    ];
  }

  async function turnOff() {
    const done = await askForCode({
      title: t("settings.factor_turn_off"),
      text: t("settings.factor_off_text"),
      action: t("settings.factor_turn_off"),
      danger: true,
      run: (code) => post("totp/disable", { code }, { secret: true }),
    });
    if (!done) return;
    toast(t("settings.factor_is_off"), { kind: "good" });
    await showFactor();
  }

  async function renew() {
    const made = await askForCode({
      title: t("settings.codes_new"),
      text: t("settings.codes_new_text"),
      action: t("settings.codes_new"),
      run: (code) => post("totp/recovery-codes", { code }, { secret: true }),
    });
    if (!made) return;
    await showRecoveryCodes(made.recovery_codes, context);
    await showFactor();
  }

  host.append(
    group({ title: t("settings.password"), hint: t("settings.password_hint") }, passwordForm(context, codeField)),
    h("section", { class: "group" }, h("div", { class: "group-head" }, h("h2", {}, t("settings.factor"))), factor));
  await showFactor();
}

function passwordForm({ username }, code) {
  const hidden = { type: "password", required: true, maxlength: 256 };
  const current = field({ label: t("settings.password_now"), ...hidden, autocomplete: "current-password" });
  const fresh = field({ label: t("settings.password_new"), hint: t("account.advice"), ...hidden, autocomplete: "new-password" });
  const again = field({ label: t("settings.password_again"), ...hidden, autocomplete: "new-password" });
  const others = tick({ label: t("settings.end_devices"), hint: t("settings.end_devices_hint"), checked: true });
  const problem = problemBox();
  const button = h("button", { type: "submit", class: "button primary" }, t("settings.password_change"));
  const form = h("form", { class: "form", novalidate: true, onsubmit: submit },
    h("input", { type: "text", name: "username", autocomplete: "username", value: username, readonly: true, hidden: true }),
    current, code, fresh, again, others, problem, button);

  async function submit(event) {
    event.preventDefault();
    problem.clear();
    if (!current.input.value) return problem.say(t("settings.password_missing"));
    if (fresh.input.value !== again.input.value) return problem.say(t("account.passwords_differ"));
    button.disabled = true;
    const body = { current: current.input.value, new: fresh.input.value, end_devices: others.input.checked };
    if (!code.hidden) body.totp = code.input.value;
    try {
      await post("password", body, { secret: true });
      form.reset();
      toast(t("settings.password_changed"), { kind: "good" });
    } catch (error) {
      problem.say(secretProblem(error, t("settings.password_wrong")));
      (error.code === "invalid_request" ? fresh : error.code === "totp_required" ? code : current).input.select();
    } finally {
      button.disabled = false;
    }
  }

  return form;
}

/** Ask for a code of the second factor, and do something with it. @returns {Promise<any>} what `run` gave, else null */
async function askForCode({ title, text, action, danger = false, run }) {
  const code = field({ label: t("login.code"), hint: t("login.code_hint"), autocomplete: "one-time-code", autofocus: true, required: true, maxlength: 64 });
  const problem = problemBox();
  const { result } = openDialog({
    title,
    body: [h("p", {}, text), code, problem],
    actions: [{ label: t("core.cancel"), value: null }, { label: action, kind: danger ? "danger" : "primary", run: go }],
  });
  async function go() {
    problem.clear();
    try {
      return (await run(code.input.value)) ?? true;
    } catch (error) {
      problem.say(secretProblem(error, t("login.wrong_code")));
      code.input.select();
      return false;
    }
  }
  return result;
}
