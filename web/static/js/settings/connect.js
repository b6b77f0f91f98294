// Connect a device: the exact commands, the WebDAV address, and a code for the phone's camera.

import { get } from "../core/api.js";
import { copyField } from "../core/copy.js";
import { h } from "../core/dom.js";
import { qrCode } from "../core/qr.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { group } from "../panels/parts.js";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const AT_HOME = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[f[cde])|\.(local|lan|home|internal)$|^[^.:]+$/;

/** Show the page. */
export async function mount(host, { username, root, signal }) {
  const { server } = await get("me", {}, { signal });
  const address = server.public_url ? `${server.public_url.replace(/\/+$/, "")}/` : root.href;
  const base = address.replace(/\/$/, "");
  const { hostname, protocol, host: authority, pathname } = new URL(address);
  const dav = `${address}dav/`;
  host.append(
    h("p", { class: "panels-lead" }, t("settings.connect_lead")),
    group({ title: t("settings.address") },
      h("div", { class: "card-body" }, h("div", { class: "with-qr" }, qrCode(address, { label: t("settings.address_qr") }),
        h("div", {}, h("p", {}, t("settings.address_text")), copyField(address, { label: t("settings.copy_address") }), reach(hostname))))),
    group({ title: t("settings.sync"), hint: t("settings.sync_hint") },
      h("ol", { class: "steps" },
        step(t("settings.step_login"), `cairn login ${quoted(base)} --user ${quoted(username)}`),
        step(t("settings.step_sync"), "cairn sync ~/Cairn"),
        step(t("settings.step_service"), "cairn service install"))),
    group({ title: t("settings.webdav"), hint: t("settings.webdav_hint") },
      h("div", { class: "card-body" },
        copyField(dav, { label: t("settings.copy_address") }),
        h("p", { class: "soft" }, t("settings.webdav_password"), " ", h("a", { href: href("settings", ["apps"]) }, t("settings.apps")), "."),
        protocol === "http:" && !LOOPBACK.test(hostname) && h("p", { class: "problem calm" }, t("settings.webdav_plain"))),
      program("Windows", t("settings.windows"), `net use Z: ${dav} /user:${username} *`),
      program("macOS", t("settings.macos"), dav),
      program("GNOME, KDE", t("settings.linux"), `${protocol === "https:" ? "davs" : "dav"}://${encodeURIComponent(username)}@${authority}${pathname}dav/`),
      program("rclone", t("settings.rclone"), `rclone config create cairn webdav url=${dav} vendor=nextcloud user=${quoted(username)}`)));
}

function reach(hostname) {
  if (LOOPBACK.test(hostname)) return h("p", { class: "problem calm" }, t("settings.reach_machine"));
  if (AT_HOME.test(hostname)) return h("p", { class: "hint" }, t("settings.reach_home"));
  return "";
}

function step(text, command) {
  return h("li", { class: "step" }, h("p", {}, text), copyField(command, { label: t("settings.copy_command") }));
}

function program(name, text, command) {
  return h("details", { class: "program" }, h("summary", {}, name), h("div", { class: "card-body" }, h("p", {}, text), copyField(command, { label: t("settings.copy_command") })));
}

/** A word as shells take it. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
