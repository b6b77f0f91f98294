// What stands in the log, in words.

import { has, t } from "../core/text.js";

const ICONS = {
  login: "user", logout: "log-out", reauth: "user", device_revoked: "log-out", others_revoked: "log-out", signed_out: "log-out",
  app_password_made: "key-round", password_changed: "lock", totp_enabled: "smartphone", totp_disabled: "smartphone",
  recovery_used: "key-round", recovery_renewed: "key-round", invited: "mail", invitation_ended: "mail", user_created: "user-plus",
  user_disabled: "ban", user_enabled: "circle-check", user_deleted: "user-x", reset_started: "key-round", reset_finished: "lock",
  quota_set: "hard-drive", admin_set: "shield", shared: "users", role_set: "users", member_removed: "users", owner_set: "users",
  link_made: "link", link_changed: "link", link_ended: "link-2-off", rewound: "history", undone: "undo-2",
};

/** What an admin may ask the log for. */
export const EVENTS = Object.keys(ICONS);

export const iconOf = (event) => ICONS[event] ?? "info";

/** What happened, in a few words. */
export const eventText = (event) => (has(`admin.event_${event}`) ? t(`admin.event_${event}`) : event);

const ABOUT_PEOPLE = /^(user_|reset_|quota_set|admin_set|signed_out|login$)/;

/** Whom it was about, where that is somebody else than who did it; else empty. */
export function subjectOf({ event, username, about, detail, outcome }) {
  const name = detail.username ?? (ABOUT_PEOPLE.test(event) && !(event === "login" && outcome === "ok") ? about : "");
  return name && name !== username ? name : "";
}
