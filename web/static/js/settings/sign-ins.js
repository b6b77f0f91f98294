// A sign-in that is new to this account is told once, wherever its owner is signed in beside it: was it them, or shall it end?

import { del, post } from "../core/api.js";
import { fill, h, loadStyle } from "../core/dom.js";
import { dateTime, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { go, href } from "../core/router.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";

const ICONS = { session: "globe", device: "laptop", app_password: "key-round" };

/** Start; once, by the shell. */
export function start({ profile }) {
  const answered = new Set();
  const card = h("section", { class: "sign-ins", "aria-labelledby": "sign-ins-title", "aria-live": "polite", hidden: true });
  let there = "";
  document.getElementById("view").before(card);
  profile.subscribe(show);
  show();

  async function show() {
    const news = (profile.get().me?.new_devices ?? []).filter((one) => !answered.has(one.device_id));
    const vouches = profile.get().me?.vouches ?? true;
    const now = [vouches, ...news.map((one) => one.device_id)].join();
    if (now === there) return;
    there = now;
    if (news.length) await loadStyle("css/sign-ins.css");
    if (there !== now) return;
    card.hidden = !news.length;
    fill(card,
      h("h2", { id: "sign-ins-title" }, icon("shield"), t("signins.title", { count: news.length })),
      vouches ? null : h("p", { class: "hint" }, t("signins.elsewhere")),
      h("ul", {}, news.map((one) => entry(one, vouches))));
  }

  function entry(one, vouches) {
    const name = shown(one.name);
    const when = dateTime(one.created_ms);
    return h("li", {},
      icon(ICONS[one.kind]),
      h("div", {},
        h("strong", {}, name),
        h("p", { class: "hint" }, t(`signins.kind_${one.kind}`), " · ", one.address ? t("signins.made", { when, address: one.address }) : when)),
      h("div", { class: "sign-ins-do" },
        vouches && h("button", { type: "button", class: "button", "aria-label": t("signins.known_one", { name }), onclick: () => answer(one, () => post(`devices/${one.device_id}/known`)) }, t("signins.known")),
        h("button", { type: "button", class: "button danger", "aria-label": t("signins.sign_out_one", { name }), onclick: () => answer(one, () => end(one, name)) }, t("signins.sign_out"))));
  }

  async function answer(one, run) {
    try {
      await run();
    } catch (error) {
      if (error.code !== "not_found") return toastError(error); // else it has ended already
    }
    answered.add(one.device_id);
    await show();
  }
}

async function end({ device_id: id }, name) {
  await del(`devices/${id}`);
  toast(t("signins.gone", { name }), { action: { label: t("signins.change_password"), run: () => go(href("settings", ["security"])) } });
}
