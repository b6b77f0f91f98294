// A session that has ended, or a proof that is too old, is renewed in a dialog: nothing that was begun is lost.

import { ApiError, post, setCsrfToken, whoAmI } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";
import { onTold, tellTabs } from "./tabs.js";

let asking = null;
let dialog = null;

/** Keep this page in step with what other tabs do to the session; once, by the shell. */
export function startSession() {
  onTold(look);
  // A page that the browser had put away whole, as it goes back to it, may be of a session that is over.
  addEventListener("pageshow", (event) => event.persisted && look());
}

async function look() {
  try {
    await whoAmI({ quiet: true });
    dialog?.close(true); // somebody signed in at another tab
  } catch (error) {
    if (error.status === 401) location.reload();
  }
}

/** Ask who has been signed out to sign in again. @returns {Promise<boolean>} whether it was done */
export const signIn = () => once(async (password, totp) => {
  const { username } = document.body.dataset;
  const session = await post("session", { username, password, totp }, { quiet: true });
  setCsrfToken(session.csrf_token);
  tellTabs();
}, t("session.ended"), t("session.ended_text"));

/** Ask for the password before something that needs it. @returns {Promise<boolean>} */
export const prove = () => once(
  (password, totp) => post("reauth", { password, totp }, { quiet: true }),
  t("session.prove"), t("session.prove_text"));

function once(send, title, text) {
  asking ??= ask(send, title, text).finally(() => {
    asking = null;
    dialog = null;
  });
  return asking;
}

async function ask(send, title, text) {
  const { username } = document.body.dataset;
  const password = h("input", { class: "input", id: "again-password", type: "password", required: true, autocomplete: "current-password", autofocus: true });
  const code = h("input", { class: "input", id: "again-code", inputmode: "numeric", autocomplete: "one-time-code" });
  const codeRow = h("div", { hidden: true }, h("label", { class: "label", for: code.id }, t("login.code")), code);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const run = async () => {
    problem.hidden = true;
    try {
      await send(password.value, code.value || undefined);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const first = error.code === "totp_required" && codeRow.hidden;
      if (error.code === "totp_required") codeRow.hidden = false;
      problem.hidden = first;
      problem.textContent = wordsFor(error);
      (error.code === "totp_required" ? code : password).select();
      return false;
    }
    return true;
  };
  dialog = openDialog({
    title,
    sticky: true,
    body: [
      h("p", {}, text),
      h("input", { type: "text", name: "username", autocomplete: "username", value: username, readonly: true, hidden: true }),
      h("label", { class: "label", for: password.id }, t("session.password_of", { name: username })), password, codeRow, problem,
    ],
    actions: [{ label: t("core.cancel"), value: false }, { label: t("session.continue"), kind: "primary", run }],
  });
  return (await dialog.result) === true;
}

function wordsFor(error) {
  if (error.code === "totp_required") return t("login.wrong_code");
  if (error.code === "unauthenticated") return t("session.wrong");
  if (error.code === "rate_limited") return t("login.throttled", { count: error.retryAfter });
  return errorText(error);
}
