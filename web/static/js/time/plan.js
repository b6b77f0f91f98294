// A plan: what a rewind or an undo will do. It is shown before, carried out by a job of the server, and told of after.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { number, percent, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { has, t } from "../core/text.js";

const ICONS = { restore: "rotate-ccw", move: "move", content: "history", trash: "trash-2", keep: "pin" };
const POLL_MS = 500;
const SLOWEST_MS = 3000;

/** The preview of a plan: in numbers, then line by line as far as the server told. */
export function planView(plan) {
  if (!plan.changes && !plan.kept) return h("p", { class: "plan-none" }, icon("circle-check"), t("plan.nothing"));
  const rest = plan.changes + plan.kept - plan.items.length;
  return h("div", { class: "plan" },
    h("p", { class: "plan-sum" }, h("strong", {}, t("plan.changes", { count: plan.changes })), plan.kept ? ` · ${t("plan.kept", { count: plan.kept })}` : ""),
    lines(plan.items),
    rest > 0 && h("p", { class: "soft" }, t("plan.more", { count: rest, number: number(rest) })));
}

/** Lines of a plan, or of what was left alone. */
export function lines(items) {
  return h("ul", { class: "plan-lines", tabindex: "0", "aria-label": t("plan.list") }, items.map((item) => {
    const last = item.path.slice(item.path.lastIndexOf("/") + 1);
    return h("li", { class: ["plan-line", item.action] },
      icon(ICONS[item.action], { size: 16 }),
      h("span", { class: "plan-path" }, shown(item.path), item.action === "move" && last !== item.name && ` → ${shown(item.name)}`),
      h("span", { class: "soft" }, item.action === "keep" ? reason(item.reason) : t(`plan.do_${item.action}`)));
  }));
}

const reason = (code) => (has(`plan.why_${code}`) ? t(`plan.why_${code}`) : t("plan.why_other"));

/**
 * Follow a job to its end and show how far it is.
 *
 * @param {string} id
 * @param {HTMLElement} host what to show it in
 * @returns {Promise<Object>} the job once it is over, as GET jobs/{id} tells it
 */
export async function follow(id, host) {
  const fillBar = h("span", { class: "meter-fill" });
  const meter = h("span", { class: "meter", role: "progressbar", "aria-label": t("plan.working"), "aria-valuemin": 0, "aria-valuemax": 100 }, fillBar);
  const said = h("p", { class: "soft", "aria-live": "polite" }, t("plan.working"));
  fill(host, meter, said);
  for (let wait = POLL_MS; ; wait = Math.min(SLOWEST_MS, wait * 1.2)) {
    const job = await get(`jobs/${id}`);
    const share = job.total ? job.done / job.total : 0;
    fillBar.style.inlineSize = `${share * 100}%`;
    meter.setAttribute("aria-valuenow", Math.round(share * 100));
    if (job.total) said.textContent = t("plan.progress", { done: number(job.done), total: number(job.total), share: percent(share) });
    if (job.state !== "running") return job;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
