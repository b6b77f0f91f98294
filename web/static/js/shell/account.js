// The menu of the account: how the page looks, in which language, and the way out.

import { ROOT, patch, post } from "../core/api.js";
import { $ } from "../core/dom.js";
import { showHelp } from "../core/keys.js";
import { openMenu } from "../core/menu.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { tellTabs } from "./tabs.js";

const THEMES = [["auto", () => t("theme.auto")], ["light", () => t("theme.light")], ["dark", () => t("theme.dark")]];

/** Open the menu at its button. */
export function startAccountMenu({ isAdmin, username }) {
  const button = $("#account");
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme;
    openMenu(button, [
      { heading: t("nav.signed_in", { name: username }) },
      { icon: "settings", label: t("nav.settings"), href: href("settings") },
      isAdmin && { icon: "shield", label: t("nav.admin"), href: href("admin") },
      { icon: "keyboard", label: t("core.shortcuts_help"), hint: "?", run: showHelp },
      "-",
      { heading: t("theme.title") },
      ...THEMES.map(([name, label]) => ({ label: label(), checked: name === theme, run: () => setTheme(name) })),
      "-",
      { icon: "log-out", label: t("nav.sign_out"), run: signOut },
    ].filter(Boolean), { label: t("nav.account") });
  });
}

/** Show the page in a theme at once, and keep it in the profile. */
export async function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    await patch("me", { theme });
  } catch (error) {
    toastError(error);
  }
}

async function signOut() {
  try {
    await post("logout", undefined, { quiet: true });
  } catch (error) {
    if (error.status !== 401) {
      toastError(error);
      return;
    }
  }
  for (const kept of [localStorage, sessionStorage]) kept.clear(); // what was searched for, and the like
  indexedDB.deleteDatabase("cairn-shared");
  tellTabs();
  location.assign(ROOT);
}
