// The page of a drop box: files go one after the other, each with how far it is; the form alone does it without scripts.

import { $, fill, h } from "../core/dom.js";
import { shown as shownName, size } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { Patience } from "../upload/patience.js";
import { answers } from "../upload/wire.js";
import { NetWorker, SendError } from "../upload/workers.js";

const AT_ONCE = 2;
const net = new NetWorker(() => {});
const patience = new Patience(answers, () => tell());
const forever = new AbortController().signal; // nobody ends one that has begun
const WORDS = {
  invalid_request: () => t("drop.refused"),
  locked: () => t("error.locked"),
  not_found: () => t("link.dead_text"),
  quota_exceeded: () => t("drop.full"),
};
const form = $("#drop");
const input = $("input[type=file]", form);
const list = h("ul", { class: "drop-list", "aria-label": t("drop.list") });
const summary = h("p", { class: "drop-summary", role: "status", "aria-live": "polite" });
const items = [];
let running = 0;

const zone = h("button", { type: "button", class: "drop-zone", onclick: () => input.click() },
  icon("cloud-upload", { size: 40 }), h("strong", {}, t("drop.choose")), h("span", { class: "soft" }, t("drop.or_drag")));
form.querySelector(".field").classList.add("visually-hidden");
form.querySelector("button[type=submit]").hidden = true;
input.required = false;
input.tabIndex = -1;
form.append(zone, summary, list);
form.addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("change", () => {
  add([...input.files]);
  input.value = "";
});

addEventListener("dragover", (event) => {
  event.preventDefault();
  zone.classList.add("over");
});
addEventListener("dragleave", (event) => event.relatedTarget === null && zone.classList.remove("over"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  zone.classList.remove("over");
  // All entries are taken before anything is waited for: after that the browser has forgotten them.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = entries.length ? (await Promise.all(entries.map(filesIn))).flat() : [...event.dataTransfer.files];
  add(files);
});
addEventListener("online", () => patience.wake());
addEventListener("beforeunload", (event) => {
  if (items.some((item) => item.state === "waiting" || item.state === "sending")) event.preventDefault();
});

/** The files of an entry: itself, or all below a folder, which a drop box takes without the folder. */
async function filesIn(entry) {
  const unreadable = { name: entry.name, size: 0 };
  if (entry.isFile) return [await new Promise((resolve) => entry.file(resolve, () => resolve(unreadable)))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const batch = await new Promise((resolve) => reader.readEntries(resolve, () => resolve(null)));
    if (batch === null) return [...found, unreadable];
    if (!batch.length) return found;
    for (const one of batch) found.push(...(await filesIn(one)));
  }
}

function add(files) {
  for (const file of files) {
    const item = { file, state: "waiting", sent: 0, problem: "", row: h("li", { class: "drop-item" }) };
    items.push(item);
    list.append(item.row);
    draw(item);
  }
  next();
}

function next() {
  while (running < AT_ONCE) {
    const item = items.find((one) => one.state === "waiting");
    if (!item) break;
    send(item);
  }
  tell();
}

/** Say how far all of it is. */
function tell() {
  const count = items.filter((item) => item.state === "done").length;
  const isBusy = running > 0;
  zone.classList.toggle("small", items.length > 0);
  if (isBusy && !patience.isReachable) summary.textContent = t("upload.offline");
  else if (isBusy) summary.textContent = t("drop.sending", { done: count, count: items.length });
  else summary.textContent = items.length && count ? t("drop.sent", { count }) : "";
  summary.classList.toggle("drop-thanks", !isBusy && count === items.length && count > 0);
}

/** Send a file until it is there: a link that breaks and a server that is busy are waited out. */
async function send(item) {
  running += 1;
  item.state = "sending";
  item.problem = "";
  draw(item);
  try {
    await patience.run(() => put(item), forever, (error) => (error.status === 0 ? read(item.file) : null));
    item.state = "done";
  } catch (error) {
    item.state = "failed";
    item.problem = error instanceof SendError ? (WORDS[error.code]?.() ?? t("drop.failed")) : t("upload.note_unreadable");
  }
  running -= 1;
  draw(item);
  next();
}

async function put(item) {
  if (!(item.file instanceof Blob)) throw new Error("unreadable");
  await net.put(`${form.action}?name=${encodeURIComponent(item.file.name)}`, item.file, {
    signal: forever,
    onSent: (bytes) => {
      item.sent = bytes;
      draw(item);
    },
  });
}

/** Read a little of a file: throws where it is the file that does not get through. */
function read(file) {
  return file.slice(0, 1).arrayBuffer();
}

function draw(item) {
  const { file, state } = item;
  const share = file.size ? item.sent / file.size : 1;
  // What has left here has not arrived there: the rest comes with the answer.
  const shown = state === "done" ? 1 : Math.min(0.95, share * 0.95);
  item.row.className = `drop-item ${state}`;
  fill(item.row,
    icon(state === "done" ? "circle-check" : state === "failed" ? "circle-alert" : "file"),
    h("div", { class: "drop-what" },
      h("span", { class: "link-name" }, shownName(file.name)),
      state === "sending"
        ? h("span", { class: "meter", role: "progressbar", "aria-label": shownName(file.name), "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(shown * 100) },
          h("span", { class: "meter-fill", style: { "inline-size": `${shown * 100}%` } }))
        : h("span", { class: ["soft", state === "failed" && "drop-problem"] }, state === "failed" ? item.problem : state === "done" ? t("drop.arrived", { size: size(file.size) }) : size(file.size))),
    state === "failed" && h("button", { type: "button", class: "button", onclick: () => { item.state = "waiting"; item.sent = 0; next(); } }, t("core.retry")));
}
