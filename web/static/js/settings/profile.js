// Profile: how the pages look, in which language, and by which keys they go.

import { get, patch } from "../core/api.js";
import { h } from "../core/dom.js";
import { showHelp, useLetters } from "../core/keys.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { badge, choice, freshId, group, initials, row, toggle } from "../panels/parts.js";
import { setTheme } from "../shell/account.js";

const THEMES = ["auto", "light", "dark"];
const LANGUAGES = [["de", "Deutsch"], ["en", "English"]];

/** Show the page. */
export async function mount(host, { username, isAdmin, signal }) {
  const { preferences } = await get("me", {}, { signal });
  const language = freshId();
  const letters = freshId();
  host.append(
    h("div", { class: "profile-who" }, initials(username, "large"),
      h("div", {}, h("p", { class: "profile-name" }, username), h("p", { class: "soft" }, isAdmin ? badge(t("settings.you_admin"), "accent") : t("settings.you_user")))),
    group({ title: t("settings.looks") },
      h("fieldset", { class: "themes" }, h("legend", {}, t("settings.theme")), THEMES.map((theme) => themeCard(theme, preferences.theme))),
      row({ label: t("settings.language"), hint: t("settings.language_hint"), for: language },
        choice({ id: language, value: preferences.language, choices: [["", t("settings.language_auto")], ...LANGUAGES], onchange: setLanguage }))),
    group({ title: t("settings.keyboard") },
      row({ label: t("settings.letters"), hint: t("settings.letters_hint"), for: letters },
        toggle({ id: letters, checked: preferences.shortcuts, onchange: setLetters })),
      row({ label: t("core.shortcuts_help"), hint: t("settings.shortcuts_hint") },
        h("button", { type: "button", class: "button", onclick: showHelp }, t("settings.show")))));
}

function themeCard(theme, chosen) {
  const words = { auto: t("theme.auto"), light: t("theme.light"), dark: t("theme.dark") };
  return h("label", { class: "theme" },
    h("span", { class: ["theme-picture", theme], "aria-hidden": "true" }, ...["one", "two"].slice(0, theme === "auto" ? 2 : 1).map((half) =>
      h("span", { class: ["theme-half", half] }, h("span", { class: "theme-side" }), h("span", { class: "theme-lines" })))),
    h("span", { class: "theme-name" },
      h("input", { type: "radio", name: "theme", value: theme, checked: theme === chosen, onchange: () => setTheme(theme) }), words[theme]));
}

async function setLanguage(language) {
  try {
    await patch("me", { language });
    location.reload();
  } catch (error) {
    toastError(error);
  }
}

async function setLetters(shortcuts) {
  useLetters(shortcuts);
  try {
    await patch("me", { shortcuts });
  } catch (error) {
    toastError(error);
  }
}
