// The panel at the bottom: how far it is, what needs the person, and every file.

import { $, fill, h, phone } from "../core/dom.js";
import { duration, number, percent, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";
import { FileList } from "./file_list.js";
import { noticeOf } from "./notices.js";
import { scanFiles } from "./scan.js";

/** The tabs, and which states are in each. */
const TABS = [
  ["active", ["active"]],
  ["waiting", ["waiting", "ready", "asking"]],
  ["done", ["done"]],
  ["problems", ["problem"]],
  ["skipped", ["skipped", "cancelled"]],
];

export class Panel {
  #uploads;
  #board;
  #element;
  #parts = {};
  #list;
  #chosen = null; // the tab that the person chose; null follows what goes on
  #isClosed = false;
  #choosing = null; // the row for which a file is chosen

  /** @param {import("./uploads.js").Uploads} uploads */
  constructor(uploads) {
    this.#uploads = uploads;
    this.#board = uploads.board;
    this.#build();
    this.#board.subscribe(() => this.#show());
    this.#show();
  }

  /** Show the files: something was handed in. */
  open() {
    this.#isClosed = false;
    this.#chosen = null;
    this.#fold(phone.matches); // there it would cover what is behind it
    this.#show();
  }

  #build() {
    const parts = this.#parts;
    parts.title = h("span", { class: "upload-title" });
    parts.detail = h("span", { class: "upload-detail" });
    parts.head = h("button", { type: "button", class: "upload-head", "aria-expanded": "true", "aria-controls": "upload-body", onclick: () => this.#fold() },
      h("span", { class: "upload-headline" }, parts.title, parts.detail), icon("chevron-down", { class: "upload-chevron" }));
    parts.pause = h("button", { type: "button", class: "icon-button", onclick: () => this.#pause() });
    parts.more = h("button", { type: "button", class: "icon-button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("upload.more"), onclick: () => this.#menu() }, icon("ellipsis"));
    parts.close = h("button", { type: "button", class: "icon-button", "aria-label": t("upload.close"), onclick: () => this.#close() }, icon("x"));
    parts.fill = h("span", { class: "meter-fill" });
    parts.meter = h("span", { class: "meter", role: "progressbar", "aria-label": t("upload.progress"), "aria-valuemin": 0, "aria-valuemax": 100 }, parts.fill);
    parts.notice = h("div", { class: "upload-notice", hidden: true });
    parts.tabs = h("div", { class: "upload-tabs", role: "tablist", "aria-label": t("upload.title"), onkeydown: (event) => this.#onTabKey(event) },
      TABS.map(([name]) => this.#tab(name)));
    parts.foot = h("p", { class: "upload-foot" });
    this.#list = new FileList((order, row) => this.#act(order, row));
    const body = h("div", { class: "upload-body", id: "upload-body" }, parts.notice, parts.tabs,
      h("div", { class: "upload-list", id: "upload-list", role: "tabpanel", tabindex: 0, "aria-label": t("upload.title") }, this.#list.element), parts.foot);
    this.#element = h("section", { class: "upload-panel", "aria-label": t("upload.title"), hidden: true },
      h("header", {}, parts.head, parts.pause, parts.more, parts.close), parts.meter, body);
    parts.again = this.#againInput({ id: "upload-again" });
    parts.againFolder = this.#againInput({ id: "upload-again-folder", webkitdirectory: true });
    parts.instead = h("input", { type: "file", hidden: true, id: "upload-instead", onchange: () => this.#takeInstead() });
    $("#upload-slot").append(this.#element, parts.again, parts.againFolder, parts.instead);
  }

  #tab(name) {
    return h("button", { type: "button", role: "tab", class: "upload-tab", "aria-controls": "upload-list", dataset: { tab: name }, onclick: () => this.#choose(name) },
      h("span", {}, tabText(name)), h("span", { class: "upload-count" }));
  }

  #againInput(properties) {
    const field = h("input", { type: "file", multiple: true, hidden: true, ...properties });
    field.addEventListener("change", async () => {
      const chosen = [...field.files];
      field.value = "";
      const count = await this.#uploads.resume(scanFiles(chosen));
      toast(count > 0 ? t("upload.found", { count }) : t("upload.found_none"), { kind: count > 0 ? "good" : "plain" });
    });
    return field;
  }

  #show() {
    const { totals, status } = this.#board;
    const parts = this.#parts;
    const notice = noticeOf(this.#board);
    this.#element.hidden = this.#isClosed || (this.#board.rows.size === 0 && notice === null);
    if (this.#element.hidden) return;
    const share = totals.bytes > 0 ? totals.through / totals.bytes : totals.files > 0 ? totals.filesDone / totals.files : 0;
    const isBusy = this.#board.isBusy;
    set(parts.title, this.#titleText(isBusy));
    set(parts.detail, this.#detailText(isBusy, share));
    parts.meter.hidden = !isBusy;
    parts.meter.setAttribute("aria-valuenow", Math.floor(share * 100));
    parts.fill.style.transform = `scaleX(${share})`;
    this.#showPause(status.held, isBusy);
    parts.close.hidden = isBusy || (totals.count.asking ?? 0) > 0;
    this.#showNotice(notice);
    if (!this.#element.classList.contains("folded")) this.#showTabs();
    set(parts.foot, totals.saved > 0 ? t("upload.saved", { size: size(totals.saved) }) : "");
    parts.foot.hidden = totals.saved === 0;
  }

  #titleText(isBusy) {
    const { totals } = this.#board;
    const left = totals.files - totals.filesDone - (totals.count.asking ?? 0);
    if (isBusy && this.#board.isPaused) return t("upload.head_paused", { count: left });
    if (isBusy) return t("upload.head_busy", { count: left });
    if (totals.count.problem) return t("upload.head_problems", { count: totals.count.problem });
    if (totals.count.asking) return t("upload.head_asking", { count: totals.count.asking });
    if (this.#board.rows.size === 0) return t("upload.title");
    return totals.filesDone ? t("upload.head_done", { count: totals.filesDone }) : t("upload.head_nothing");
  }

  #detailText(isBusy, share) {
    const { totals, status } = this.#board;
    if (!isBusy) return "";
    if (status.reading > 0) return t("upload.reading", { count: totals.files, number: number(totals.files) });
    const texts = [percent(Math.floor(share * 100) / 100)];
    if (!this.#board.isPaused && status.isReachable && totals.perSecond > 0) texts.push(t("upload.rate", { size: size(totals.perSecond) }));
    if (!this.#board.isPaused && totals.secondsLeft !== null) texts.push(t("upload.left", { time: duration(totals.secondsLeft) }));
    return texts.join(" · ");
  }

  /** Where something other than a person holds it, the notice has the button that helps. */
  #showPause(held, isBusy) {
    const { pause } = this.#parts;
    pause.hidden = !isBusy || (held !== null && held !== "person");
    const { isPaused } = this.#board;
    const label = isPaused ? t("upload.go_on_all") : t("upload.pause_all");
    if (pause.getAttribute("aria-label") === label) return;
    pause.setAttribute("aria-label", label);
    pause.title = label;
    fill(pause, icon(isPaused ? "play" : "pause"));
  }

  #showNotice(notice) {
    const host = this.#parts.notice;
    host.hidden = notice === null;
    const key = notice?.key ?? "";
    if (host.dataset.key === key) return;
    host.dataset.key = key;
    if (notice === null) return;
    fill(host, icon(notice.icon, { size: 18 }), h("p", {}, notice.text),
      h("div", { class: "upload-actions" },
        notice.actions.map(({ label, order }, index) =>
          h("button", { type: "button", class: ["button", index > 0 && "quiet"], onclick: () => this.#answer(order) }, label))));
  }

  #showTabs() {
    const { count } = this.#board.totals;
    const amounts = TABS.map(([, states]) => states.reduce((sum, state) => sum + (count[state] ?? 0), 0));
    const follow = [3, 0, 1, 2, 4].find((index) => amounts[index] > 0 && (index !== 3 || !this.#board.isBusy)) ?? 0;
    const shown = this.#chosen ?? TABS[follow][0];
    for (const [index, button] of [...this.#parts.tabs.children].entries()) {
      const isShown = button.dataset.tab === shown;
      button.setAttribute("aria-selected", String(isShown));
      button.tabIndex = isShown ? 0 : -1;
      button.hidden = amounts[index] === 0 && !isShown;
      set(button.lastElementChild, number(amounts[index]));
    }
    const states = TABS.find(([name]) => name === shown)[1];
    this.#list.show(this.#board.rows, new Set(states), this.#board.status.held !== null);
  }

  #choose(name) {
    this.#chosen = name;
    this.#show();
  }

  #onTabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const open = [...this.#parts.tabs.children].filter((button) => !button.hidden);
    const next = open[(open.indexOf(document.activeElement) + step + open.length) % open.length];
    this.#choose(next.dataset.tab);
    next.focus();
  }

  #fold(isFolded = !this.#element.classList.contains("folded")) {
    this.#element.classList.toggle("folded", isFolded);
    this.#parts.head.setAttribute("aria-expanded", String(!isFolded));
    if (!isFolded) this.#show();
  }

  #pause() {
    this.#uploads.order(this.#board.isPaused ? "go_on" : "pause");
  }

  #close() {
    this.#uploads.order("clear");
    this.#isClosed = true;
    this.#show();
  }

  #menu() {
    const { totals } = this.#board;
    openMenu(this.#parts.more, [
      { label: t("upload.clear"), icon: "check", run: () => this.#uploads.order("clear"), disabled: !totals.filesDone && !totals.count.skipped },
      { label: t("upload.retry_all"), icon: "rotate-ccw", run: () => this.#uploads.order("retry"), disabled: !totals.count.problem },
      { label: t("upload.cancel_all"), icon: "x", danger: true, run: () => this.#cancelAll(), disabled: !this.#board.isBusy },
      "-",
      { label: t("upload.keep_copies"), checked: this.#uploads.keepsCopies, run: () => (this.#uploads.keepsCopies = !this.#uploads.keepsCopies) },
    ], { label: t("upload.more") });
  }

  #cancelAll() {
    const ids = [...this.#board.rows.values()].filter(({ state }) => !["done", "problem", "skipped", "cancelled"].includes(state)).map(({ id }) => id);
    this.#cancel(ids);
  }

  #cancel(ids) {
    this.#uploads.order("cancel", { ids });
    toast(t("upload.cancelled_toast", { count: ids.length }), {
      action: { label: t("upload.undo"), run: () => this.#uploads.order("undo", { ids }) },
    });
  }

  #act(order, row) {
    if (order === "cancel") this.#cancel([row.id]);
    else if (order === "choose") {
      this.#choosing = row.id;
      this.#parts.instead.click();
    } else this.#uploads.order(order, { ids: [row.id] });
  }

  #takeInstead() {
    const [file] = this.#parts.instead.files;
    if (file) {
      const found = { path: file.name, file, size: file.size, mtimeMs: file.lastModified };
      this.#uploads.order("choose", { ids: [this.#choosing], found });
    }
    this.#parts.instead.value = "";
  }

  /** Do what a button of the notice says. */
  async #answer(order) {
    if (order === "ask") this.#uploads.askAgain();
    else if (order === "sign_in") this.#uploads.signIn();
    else if (order === "again") this.#parts.again.click();
    else if (order === "again_folder") this.#parts.againFolder.click();
    else if (order === "kept") {
      const count = await this.#uploads.resumeKept();
      toast(count > 0 ? t("upload.found", { count }) : t("upload.found_none"));
    } else if (order === "accept") {
      const ids = [...this.#board.rows.values()].filter(({ note }) => note?.proposal !== undefined).map(({ id }) => id);
      this.#uploads.order("accept", { ids });
    } else this.#uploads.order(order);
  }
}

function tabText(name) {
  switch (name) {
    case "active":
      return t("upload.tab_active");
    case "waiting":
      return t("upload.tab_waiting");
    case "done":
      return t("upload.tab_done");
    case "problems":
      return t("upload.tab_problems");
    default:
      return t("upload.tab_skipped");
  }
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
