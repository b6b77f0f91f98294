// What a link allows: its password, its end, whether and how often something is downloaded; and what stands at its head.

import { patch } from "../core/api.js";
import { openDialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";

const DAY_MS = 86_400_000;
const DAYS = [1, 7, 30];
const LETTERS = "abcdefghkmnpqrstuvwxyz23456789";
const GROUPS = 3;
const GROUP = 4;

/**
 * Let a person change what a link allows.
 *
 * @param {Object} link as the server shows it
 * @returns {Promise<Object | null>} the link as it is then; null where nothing was changed
 */
export async function openTerms(link) {
  const password = passwordPart(link);
  const end = endPart(link);
  const title = titlePart(link);
  const most = link.mode === "view" ? downloadsPart(link) : null;
  const problem = h("p", { class: "problem", role: "alert", hidden: true });

  async function save() {
    problem.hidden = true;
    const change = { ...password.change(), ...end.change(), ...title.change(), ...most?.change() };
    if (!Object.keys(change).length) return true;
    try {
      return await patch(`links/${link.link_id}`, change);
    } catch (error) {
      problem.hidden = false;
      problem.textContent = errorText(error);
      return false;
    }
  }

  const { result } = openDialog({
    title: t("terms.title"),
    body: h("div", { class: "terms" }, password.element, end.element, most?.element, title.element, problem),
    actions: [{ label: t("core.cancel"), value: null }, { label: t("terms.save"), kind: "primary", run: save }],
  });
  const given = await result;
  return given === true ? null : given;
}

function passwordPart(link) {
  const input = h("input", { class: "input", id: "terms-password", autocomplete: "off", spellcheck: "false", maxlength: 256,
    placeholder: link.has_password ? t("terms.password_kept") : t("terms.password_none") });
  const away = h("input", { type: "checkbox", id: "terms-away", onchange: () => (input.disabled = away.checked) });
  const suggest = () => {
    input.value = suggestion();
    input.focus();
    input.select();
  };
  return {
    element: h("div", {},
      h("label", { class: "label", for: input.id }, t("terms.password")),
      h("div", { class: "terms-password" }, input, h("button", { type: "button", class: "button", onclick: suggest }, icon("key-round", { size: 16 }), t("terms.suggest"))),
      h("p", { class: "hint" }, t("terms.password_hint")),
      link.has_password && h("label", { class: "terms-check" }, away, t("terms.password_away"))),
    change() {
      if (away.checked) return { password: null };
      return input.value ? { password: input.value } : {};
    },
  };
}

function endPart(link) {
  const day = h("input", { class: "input", type: "date", id: "terms-day", "aria-label": t("terms.day"), min: dayText(Date.now() + DAY_MS) });
  const select = h("select", { class: "input", id: "terms-end", onchange: show },
    h("option", { value: "" }, t("terms.never")),
    DAYS.map((days) => h("option", { value: String(days) }, t("terms.days", { count: days }))),
    h("option", { value: "day" }, t("terms.on_day")));
  if (link.expires_ms !== null) {
    select.value = "day";
    day.value = dayText(link.expires_ms - 1);
  }
  const before = `${select.value} ${day.value}`;
  function show() {
    day.hidden = select.value !== "day";
    if (!day.hidden && !day.value) day.value = dayText(Date.now() + 14 * DAY_MS);
  }
  show();
  return {
    element: h("div", {}, h("label", { class: "label", for: select.id }, t("terms.end")), h("div", { class: "terms-end" }, select, day)),
    change() {
      if (`${select.value} ${day.value}` === before) return {};
      if (!select.value || (select.value === "day" && !day.value)) return { expires_ms: null };
      if (select.value !== "day") return { expires_ms: Date.now() + Number(select.value) * DAY_MS };
      const [year, month, date] = day.value.split("-").map(Number);
      return { expires_ms: new Date(year, month - 1, date + 1).getTime() }; // with the end of that day
    },
  };
}

function downloadsPart(link) {
  const input = h("input", { class: "input", type: "number", id: "terms-most", min: 1, max: 2 ** 31, step: 1, inputmode: "numeric", placeholder: t("terms.any_number"), value: link.max_downloads ?? "" });
  const allowed = h("input", { type: "checkbox", id: "terms-allowed", checked: link.allow_download, onchange: show });
  const number = h("div", { class: "terms-number" }, h("label", { class: "label", for: input.id }, t("terms.downloads")), input, h("p", { class: "hint" }, t("terms.downloads_hint", { count: link.downloads })));
  const hint = h("p", { class: "hint" }, t("terms.looks_hint"));
  function show() {
    hint.hidden = allowed.checked;
    number.hidden = !allowed.checked;
  }
  show();
  return {
    element: h("div", {}, h("label", { class: "terms-check" }, allowed, t("terms.allowed")), hint, number),
    change() {
      const most = input.value === "" ? null : Number(input.value);
      return {
        ...(most === link.max_downloads ? {} : { max_downloads: most }),
        ...(allowed.checked === link.allow_download ? {} : { allow_download: allowed.checked }),
      };
    },
  };
}

function titlePart(link) {
  const input = h("input", { class: "input", id: "terms-title", maxlength: 200, autocomplete: "off", value: link.title ?? "", placeholder: shown(link.path?.split("/").at(-1) ?? "") });
  return {
    element: h("div", {}, h("label", { class: "label", for: input.id }, t("terms.head")), input, h("p", { class: "hint" }, t("terms.head_hint"))),
    change() {
      const title = input.value.trim() || null;
      return title === link.title ? {} : { title };
    },
  };
}

function dayText(ms) {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

/** A password that is easy to read out: "k7mp-x2hd-9qrt". */
function suggestion() {
  const groups = [];
  while (groups.length < GROUPS) {
    let group = "";
    while (group.length < GROUP) {
      // Those beyond the last whole round of letters would favour the first ones.
      const [byte] = crypto.getRandomValues(new Uint8Array(1));
      if (byte < 256 - (256 % LETTERS.length)) group += LETTERS[byte % LETTERS.length];
    }
    groups.push(group);
  }
  return groups.join("-");
}
