// What needs the person, or should be known: one thing at a time, the most pressing first.

import { coarse } from "../core/dom.js";
import { shown, size } from "../core/format.js";
import { t } from "../core/text.js";

/**
 * @param {import("./board.js").Board} board
 * @returns {{key: string, icon: string, text: string, actions: {label: string, order: string}[]} | null}
 */
export function noticeOf({ status, totals, rows, isBusy }) {
  const { held, isReachable, asking, unfinished, unfinishedPath, unfinishedBytes, canResume } = status;
  if (isBusy && held === "session") {
    return notice("session", "key-round", t("upload.held_session"), [t("upload.sign_in"), "sign_in"]);
  }
  if (isBusy && held === "stranger") {
    return notice("stranger", "users", t("upload.held_stranger"), [t("upload.sign_in"), "sign_in"]);
  }
  if (isBusy && held === "full") return notice("full", "hard-drive", t("upload.held_full"), [t("upload.go_on"), "go_on"]);
  if (isBusy && !isReachable) return notice("offline", "wifi-off", t("upload.offline"), [t("upload.try_now"), "go_on"]);
  if (asking.length > 0) {
    const count = totals.count.asking ?? 0;
    return notice(`asking ${count}`, "circle-help", t("upload.names_taken", { count }), [t("upload.decide"), "ask"]);
  }
  const proposals = totals.count.problem ? [...rows.values()].filter(({ note }) => note?.proposal !== undefined).length : 0;
  if (proposals > 0) {
    return notice(`names ${proposals}`, "pencil", t("upload.names_refused", { count: proposals }), [t("upload.use_proposed"), "accept"]);
  }
  if (unfinished > 0) {
    const values = { count: unfinished, name: shown(unfinishedPath), size: size(unfinishedBytes) };
    const text = canResume ? t("upload.unfinished_kept", values) : t("upload.unfinished", values);
    const ways = [[t("upload.choose_files"), "again"], [t("upload.choose_folder"), "again_folder"]];
    if (canResume) ways.unshift([t("upload.go_on"), "kept"]);
    return notice(`unfinished ${unfinished}`, "history", text, ...ways, [t("upload.discard"), "discard"]);
  }
  return isBusy && coarse.matches ? notice("phone", "smartphone", t("upload.keep_open")) : null;
}

function notice(key, icon, text, ...actions) {
  return { key, icon, text, actions: actions.map(([label, order]) => ({ label, order })) };
}
