// Admin: people and invitations, what the server holds, how it is, and what was done.

import { mountSections } from "../panels/sections.js";
import { t } from "../core/text.js";

/** Show the view. */
export function mount(container, context) {
  return mountSections(container, context, {
    view: "admin",
    title: t("nav.admin"),
    sections: [
      { id: "people", icon: "users", label: t("admin.people"), hint: t("admin.people_hint"), load: () => import("./people.js") },
      { id: "invitations", icon: "mail", label: t("admin.invitations"), hint: t("admin.invitations_hint"), load: () => import("./invitations.js") },
      { id: "storage", icon: "hard-drive", label: t("admin.storage"), hint: t("admin.storage_hint"), load: () => import("./storage.js") },
      { id: "health", icon: "activity", label: t("admin.health"), hint: t("admin.health_hint"), load: () => import("./health.js") },
      { id: "log", icon: "history", label: t("admin.log"), hint: t("admin.log_hint"), load: () => import("./log.js") },
    ],
  });
}
