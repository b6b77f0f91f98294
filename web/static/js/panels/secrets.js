// What pages say about passwords and codes, and how they show what is shown once.

import { copyText } from "../core/copy.js";
import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";

/** Say what is wrong with a secret that was shown. */
export function secretProblem(error, wrong) {
  if (error.code === "totp_required") return t("login.wrong_code");
  if (error.code === "unauthenticated") return wrong;
  if (error.code === "rate_limited") return t("login.throttled", { count: error.retryAfter });
  return errorText(error);
}

/** Show recovery codes, this once. @returns {Promise<void>} once they are put away */
export async function showRecoveryCodes(codes, { username, serverName }) {
  const text = `${t("settings.codes_file", { name: username, server: serverName })}\n\n${codes.join("\n")}\n`;
  const copied = h("span", { "aria-live": "polite" }, t("core.copy"));
  const file = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const { result } = openDialog({
    title: t("settings.codes_title"),
    sticky: true,
    body: [
      h("p", {}, t("settings.codes_text")),
      h("ol", { class: "secret-codes" }, codes.map((code) => h("li", {}, code))),
      h("div", { class: "form-actions" },
        h("button", { type: "button", class: "button", onclick: async () => (copied.textContent = (await copyText(text)) ? t("core.copied") : t("core.copy_selected")) }, icon("copy", { size: 16 }), copied),
        h("a", { class: "button", href: file, download: `${serverName}-${username}.txt` }, icon("download", { size: 16 }), t("panels.save_file"))),
    ],
    actions: [{ label: t("settings.codes_kept"), kind: "primary" }],
  });
  await result;
  URL.revokeObjectURL(file);
}
