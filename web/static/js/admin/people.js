// People: who has an account, what each may, and the way in and out.

import { fill, h } from "../core/dom.js";
import { ago, dateTime, number, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { meter } from "../core/meter.js";
import { getAll } from "../core/pages.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { badge, initials } from "../panels/parts.js";
import { addPerson } from "./add-person.js";
import { invite } from "./invite.js";
import { actionsFor } from "./person-actions.js";

const SHOWN = 100;
const FILTER_FROM = 8;

/** Show the page. */
export async function mount(host, context) {
  const { signal } = context;
  const list = h("div", { class: "card" });
  const title = h("h2", {});
  const filter = h("input", { class: "input people-filter", type: "search", placeholder: t("admin.find_person"), "aria-label": t("admin.find_person"), autocomplete: "off", spellcheck: "false", oninput: () => draw(SHOWN) });
  const bar = h("div", { class: "group-head" }, title, h("div", { class: "form-actions" },
    h("button", { type: "button", class: "button", onclick: async () => (await addPerson()) && show() }, icon("user-plus", { size: 16 }), t("admin.add_person")),
    h("button", { type: "button", class: "button primary", onclick: () => invite(context) }, icon("mail", { size: 16 }), t("admin.invite"))));
  let people = [];

  async function show() {
    people = await getAll("users", {}, { signal });
    filter.hidden = people.length < FILTER_FROM;
    draw(SHOWN);
  }

  function draw(most) {
    const wanted = filter.value.trim().toLowerCase();
    const found = people.filter((one) => one.username.toLowerCase().includes(wanted));
    title.textContent = t("admin.people_count", { count: people.length, number: number(people.length) });
    fill(list, found.length ? found.slice(0, most).map(entry) : h("p", { class: "card-empty" }, t("admin.nobody_found")),
      found.length > most && h("div", { class: "card-empty" },
        h("button", { type: "button", class: "button", onclick: () => draw(most + SHOWN) }, t("admin.show_more"))));
  }

  function entry(one) {
    const menu = h("button", { type: "button", class: "icon-button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("admin.actions_for", { name: one.username }), onclick: () => open(one, menu) }, icon("ellipsis"));
    return h("div", { class: ["row", "person", one.disabled && "disabled"], dataset: { name: one.username } },
      initials(one.username),
      h("div", { class: "row-text" },
        h("div", { class: "row-label" }, h("span", {}, one.username), one.username === context.username && badge(t("admin.you")),
          one.is_admin && badge(t("admin.admin"), "accent"), one.disabled && badge(t("admin.disabled"), "bad")),
        h("div", { class: "hint" }, one.last_used_ms
          ? h("time", { datetime: new Date(one.last_used_ms).toISOString(), title: dateTime(one.last_used_ms) }, t("admin.there", { ago: ago(one.last_used_ms) }))
          : t("admin.never_there"))),
      h("div", { class: "person-room" },
        h("span", {}, one.quota === null ? size(one.used) : t("admin.room_of", { used: size(one.used), quota: size(one.quota) })),
        one.quota !== null && meter(one.used, one.quota, t("admin.room_for", { name: one.username }))),
      h("div", { class: "row-end" }, menu));
  }

  function open(one, anchor) {
    const again = () => show().then(() => list.querySelector(`[data-name="${CSS.escape(one.username)}"] .icon-button`)?.focus({ preventScroll: true }), toastError);
    openMenu(anchor, actionsFor(one, { people, context, again }), { label: t("admin.actions_for", { name: one.username }) });
  }

  host.append(h("section", { class: "group" }, bar, filter, list));
  await show();
}
