// The button beside a password that shows what was typed. Without scripts there is none.

import { icon } from "../core/icon.js";
import { t } from "../core/text.js";

/** Put one beside every password of the page. */
export function startPasswordButtons() {
  for (const input of document.querySelectorAll("input[type=password]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "reveal";
    const show = () => {
      const hidden = input.type === "password";
      button.setAttribute("aria-label", hidden ? t("login.show_password") : t("login.hide_password"));
      button.replaceChildren(icon(hidden ? "eye" : "eye-off"));
    };
    button.addEventListener("click", () => {
      input.type = input.type === "password" ? "text" : "password";
      show();
    });
    show();
    input.parentElement.append(button);
  }
}
