// The log: what was done about accounts, rights and secrets, the newest first.

import { get } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { dateTime, shown, size, when } from "../core/format.js";
import { icon } from "../core/icon.js";
import { getAll } from "../core/pages.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";
import { windowed } from "../core/windowed.js";
import { badge, choice, freshId } from "../panels/parts.js";
import { EVENTS, eventText, iconOf, subjectOf } from "./events.js";

const PAGE = 100;
const PLAIN = 300;

/** Show the page. */
export async function mount(host, { place, signal }) {
  const scroller = host.ownerDocument.querySelector("#view");
  const users = h("datalist", { id: freshId() });
  const who = h("input", { class: "input", type: "search", list: users.id, value: place.query.get("user") ?? "", placeholder: t("admin.log_who"), "aria-label": t("admin.log_who"), autocomplete: "off", spellcheck: "false", maxlength: 64, onchange: again });
  const what = choice({ value: place.query.get("event") ?? "", label: t("admin.log_what"), onchange: again,
    choices: [["", t("admin.log_all")], ...EVENTS.map((event) => [event, eventText(event)]).sort((one, other) => one[1].localeCompare(other[1]))] });
  const list = h("div", { class: "log-list", role: "list" });
  const end = h("div", { class: "log-end" });
  const nearEnd = new IntersectionObserver((seen) => seen.at(-1).isIntersecting && next && more(), { root: scroller, rootMargin: "600px" });
  let lines = [];
  let next = null;
  let rows = null;
  let asking = null;

  async function again() {
    const query = { user: who.value.trim(), event: what.value };
    history.replaceState(history.state, "", href("admin", ["log"], query));
    rows?.close();
    rows = null;
    lines = [];
    next = null;
    fill(list);
    list.style.height = "";
    asking?.abort();
    asking = null;
    await more();
  }

  async function more() {
    if (asking) return;
    const mine = (asking = new AbortController());
    try {
      const query = { limit: PAGE, after: next, event: what.value || null, username: who.value.trim() || null };
      const page = await get("audit", query, { signal: AbortSignal.any([signal, mine.signal]) });
      asking = null;
      next = page.next;
      lines.push(...page.items);
      draw(page.items);
      fill(end, next && h("button", { type: "button", class: "button", onclick: more }, t("admin.log_older")),
        !lines.length && h("p", { class: "card-empty" }, t("admin.log_empty")));
      // Asked anew, for who scrolls fast may never have let it out of sight.
      nearEnd.unobserve(end);
      nearEnd.observe(end);
    } catch (error) {
      if (error.name === "AbortError") return;
      asking = null;
      fill(end, h("p", { role: "alert" }, errorText(error)), h("button", { type: "button", class: "button", onclick: more }, t("core.retry")));
    }
  }

  function draw(fresh) {
    if (lines.length <= PLAIN) {
      list.append(...fresh.map((_, index) => entry(lines.length - fresh.length + index)));
      return;
    }
    if (!rows) {
      const rowHeight = list.firstElementChild.offsetHeight;
      fill(list);
      rows = windowed({ scroller, host: list, rowHeight, render: entry });
    }
    rows.setCount(lines.length);
  }

  function entry(index) {
    const line = lines[index];
    return h("div", { role: "listitem", class: "log-item", "aria-posinset": index + 1, "aria-setsize": next ? -1 : lines.length },
      h("button", { type: "button", class: "log-row", onclick: () => showLine(line) },
        h("span", { class: ["log-icon", line.outcome === "ok" ? "" : "odd"] }, icon(iconOf(line.event), { size: 18 })),
        h("span", { class: "log-text" },
          h("span", { class: "log-what" }, h("strong", {}, eventText(line.event)), subjectOf(line) && h("span", {}, shown(subjectOf(line))),
            !["ok", "accepted", "revoked"].includes(line.outcome) && badge(t("admin.log_refused"), "bad")),
          h("span", { class: "hint" }, [whoDid(line), line.address].filter(Boolean).join(" · "))),
        h("time", { class: "hint", datetime: new Date(line.at_ms).toISOString() }, when(line.at_ms))));
  }

  signal.addEventListener("abort", () => {
    nearEnd.disconnect();
    rows?.close();
  });
  host.append(h("p", { class: "panels-lead" }, t("admin.log_lead")),
    h("div", { class: "log-filter", role: "search", "aria-label": t("admin.log") }, who, users, what),
    h("div", { class: "card" }, list, end));
  getAll("users", {}, { signal }).then((found) => fill(users, found.map((one) => h("option", { value: one.username }))), () => {});
  await more();
}

function whoDid({ username, address }) {
  return username ?? (address ? t("admin.log_stranger") : t("admin.log_machine"));
}

function showLine(line) {
  const said = [
    [t("admin.log_when"), dateTime(line.at_ms)],
    [t("admin.log_by"), whoDid(line)],
    [t("admin.log_address"), line.address],
    [t("admin.log_outcome"), line.outcome === "ok" ? t("admin.log_ok") : line.outcome],
    [t("admin.log_about"), line.about],
    [t("admin.log_device"), line.device_id],
    ...Object.entries(line.detail).map(([key, value]) => [key, key === "quota" && value !== null ? size(value) : value]),
  ];
  openDialog({
    title: eventText(line.event),
    body: h("dl", { class: "log-details" }, said.filter(([, value]) => value !== null && value !== "").map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, shown(String(value)))))),
    actions: [{ label: t("core.close"), kind: "primary" }],
  });
}
