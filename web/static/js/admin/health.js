// How the server is: its parts, the disk, what it does by itself, and work that is left.

import { get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { ago, dateTime, number, percent, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { meter } from "../core/meter.js";
import { t } from "../core/text.js";
import { toast, toastError } from "../core/toast.js";
import { badge, group, row } from "../panels/parts.js";

const EVERY_MS = 5000;
const SOON_MS = 700;
const SLOW_MS = 1000;
const JOBS = 50;
const HOUR_S = 3600;

/** Show the page, and keep it so while somebody looks. */
export async function mount(host, { signal }) {
  const state = h("div", { class: "panels-content" });
  const shown = new Map();
  let timer = 0;
  host.append(state);
  signal.addEventListener("abort", () => clearTimeout(timer));
  document.addEventListener("visibilitychange", () => document.hidden || look().catch(() => {}), { signal });

  async function look() {
    clearTimeout(timer);
    const [server, jobs] = await Promise.all([get("server", {}, { signal }), get("server/jobs", { limit: JOBS }, { signal })]);
    draw(server, jobs);
    const isBusy = server.collection.state === "running" || jobs.items.length > 0;
    if (!document.hidden && !signal.aborted) timer = setTimeout(() => look().catch(wait), isBusy ? SOON_MS : EVERY_MS);
  }

  function wait(error) {
    if (error.name === "AbortError") return;
    put("verdict", null, () => verdict("bad", t("admin.unreachable"), t("core.offline")));
    timer = setTimeout(() => look().catch(wait), EVERY_MS);
  }

  function draw(server, jobs) {
    const minute = Math.floor(Date.now() / 60_000); // so often "3 minutes ago" changes
    const { parts, limits, read_only_why: why, databases, disk, collection, notices } = server;
    const answers = parts.map(({ part, took_ms: took }) => [part, took === null, took > SLOW_MS]);
    put("verdict", [limits, why, answers, databases], () => verdictOf(server));
    put("notices", notices, () => noticesOf(notices));
    put("parts", [answers, databases, disk, minute], () => partsOf(server));
    put("collection", [collection, minute], () => collectionOf(collection, collect));
    put("jobs", [jobs, minute], () => jobsOf(jobs));
  }

  // What one points at must not move away, nor be read out again: only what has changed is put in place of the old.
  function put(name, told, make) {
    const key = JSON.stringify(told);
    const { element: old, key: before } = shown.get(name) ?? {};
    if (key === before) return;
    const element = make();
    shown.set(name, { element, key });
    const hadFocus = old?.contains(document.activeElement);
    if (old) old.replaceWith(element);
    else state.append(element);
    if (hadFocus) element.querySelector("button")?.focus({ preventScroll: true });
  }

  async function collect() {
    try {
      await post("server/collection");
      toast(t("admin.collecting"));
      await look();
    } catch (error) {
      toastError(error);
    }
  }

  await look();
}

function verdictOf({ limits, read_only_why: why, parts, databases }) {
  if (limits.includes("read_only")) return verdict("bad", t("admin.read_only"), t("admin.read_only_text", { why: why ?? "" }));
  if (databases === "damaged") return verdict("bad", t("admin.damaged"), t("admin.damaged_text"));
  if (parts.some((part) => part.took_ms === null)) return verdict("bad", t("admin.part_fails"), t("admin.part_fails_text"));
  if (limits.includes("storage_full")) return verdict("warn", t("admin.full"), t("admin.full_text"));
  if (databases === "checking") return verdict("warn", t("admin.checking"), t("admin.checking_text"));
  return verdict("good", t("admin.well"), t("admin.well_text"));
}

function verdict(kind, title, text) {
  const icons = { good: "circle-check", warn: "triangle-alert", bad: "circle-alert" };
  return h("div", { class: ["verdict", kind], role: "status" }, icon(icons[kind], { size: 28 }), h("div", {}, h("h2", {}, title), h("p", {}, text)));
}

function noticesOf(notices) {
  if (!notices.length) return h("div", { hidden: true });
  return group({ title: t("admin.notices"), hint: t("admin.notices_hint") },
    notices.map(({ missing, about }) => row({ icon: "triangle-alert", label: t(`notice.${missing}`, { about }) })));
}

function partsOf({ parts, databases, disk, begun_ms: begun, version }) {
  const names = { readers: t("admin.part_readers"), writer: t("admin.part_writer"), store: t("admin.part_store") };
  const found = { trusted: t("admin.db_trusted"), checking: t("admin.db_checking"), sound: t("admin.db_sound"), damaged: t("admin.db_damaged") };
  const kinds = { trusted: "good", checking: "warn", sound: "good", damaged: "bad" };
  const room = Math.max(0, disk.free - disk.kept);
  return group({ title: t("admin.parts") },
    parts.map(({ part, took_ms: took }) => check(names[part], took === null ? "bad" : took > SLOW_MS ? "warn" : "good", took === null ? t("admin.no_answer") : t("admin.answers"))),
    check(t("admin.databases"), kinds[databases], found[databases]),
    h("div", { class: "row slim" }, h("div", { class: "row-text" }, t("admin.disk"), h("div", { class: "hint" }, t("admin.disk_room", { free: size(room), total: size(disk.total), share: percent(disk.total ? 1 - disk.free / disk.total : 1) }))),
      h("div", { class: "disk-meter" }, meter(disk.total - disk.free, Math.max(1, disk.total - disk.kept), t("admin.disk")))),
    h("div", { class: "row slim" }, h("div", { class: "row-text" }, t("admin.version", { version })), h("span", { class: "soft", title: dateTime(begun) }, t("admin.since", { ago: ago(begun) }))));
}

function check(label, kind, text) {
  return h("div", { class: "row slim" }, h("span", { class: "row-text" }, label), badge(text, kind));
}

function collectionOf({ state, since_s: since, every_s: every, last, refused }, collect) {
  const isRunning = state === "running";
  const when = since === null ? t("admin.never_collected") : t("admin.collected_before", { hours: number(Math.round(since / HOUR_S)), every: number(Math.round(every / HOUR_S)) });
  return group({ title: t("admin.collection"), hint: t("admin.collection_hint") },
    row({
      icon: "refresh-cw",
      label: isRunning ? t("admin.collection_runs") : t("admin.collection_rests"),
      hint: [h("div", {}, when), last && h("div", {}, t("admin.collected", { freed: size(last.freed.size), leaving: size(last.leaving.size), waiting: size(last.waiting.size) }))],
    }, h("button", { type: "button", class: "button", "aria-disabled": isRunning ? "true" : null, onclick: () => isRunning || collect() }, t("admin.collect"))),
    refused && h("p", { class: "problem flat" }, t("admin.collection_refused", { why: refused })));
}

function jobsOf({ items, next }) {
  const kinds = { reveal: t("admin.job_reveal"), purge: t("admin.job_purge"), rewind: t("admin.job_rewind"), undo: t("admin.job_undo"), carry: t("admin.job_carry"), erase: t("admin.job_erase") };
  return group({ title: t("admin.jobs"), hint: t("admin.jobs_hint") },
    items.length ? items.map((job) => row({
      icon: "loader-circle",
      label: kinds[job.kind] ?? job.kind,
      badges: job.state === "failed" ? [badge(t("admin.job_failed"), "bad")] : [],
      hint: [`${t("admin.job_for", { name: job.username })} · ${ago(job.created_ms)}`, job.state === "failed" && h("div", {}, t("admin.job_failed_text"))],
    }, job.total > 0
      ? h("div", { class: "disk-meter" }, h("progress", { max: job.total, value: job.done, "aria-label": kinds[job.kind] }), h("span", { class: "hint" }, `${number(job.done)} / ${number(job.total)}`))
      : job.done > 0 && h("span", { class: "hint" }, number(job.done))))
      : h("p", { class: "card-empty" }, t("admin.no_jobs")),
    next && h("p", { class: "card-empty" }, t("admin.more_jobs")));
}
