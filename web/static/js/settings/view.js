// Settings: what one can change about oneself, and what one is signed in with.

import { mountSections } from "../panels/sections.js";
import { t } from "../core/text.js";

/** Show the view. */
export function mount(container, context) {
  return mountSections(container, context, {
    view: "settings",
    title: t("nav.settings"),
    sections: [
      { id: "profile", icon: "user", label: t("settings.profile"), hint: t("settings.profile_hint"), load: () => import("./profile.js") },
      { id: "security", icon: "lock", label: t("settings.security"), hint: t("settings.security_hint"), load: () => import("./security.js") },
      { id: "devices", icon: "laptop", label: t("settings.devices"), hint: t("settings.devices_hint"), load: () => import("./devices.js") },
      { id: "apps", icon: "key-round", label: t("settings.apps"), hint: t("settings.apps_hint"), load: () => import("./apps.js") },
      { id: "storage", icon: "hard-drive", label: t("settings.storage"), hint: t("settings.storage_hint"), load: () => import("./storage.js") },
      { id: "connect", icon: "refresh-cw", label: t("settings.connect"), hint: t("settings.connect_hint"), load: () => import("./connect.js") },
    ],
  });
}
