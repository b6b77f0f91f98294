// Films and music: the browser's own player on ranges of the file, with what else of the folder plays after it.

import { h } from "../core/dom.js";
import { duration, shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { ending, kindOf } from "./kinds.js";
import { card } from "./other.js";
import { keepPosition, positionOf } from "./positions.js";

const KEEP_EVERY_MS = 5000;

export async function show(file, context) {
  const { source, signal, siblings, onEnd, plays } = context;
  const isVideo = kindOf(file) === "video";
  const player = h(isVideo ? "video" : "audio", {
    class: "viewer-player",
    controls: true,
    preload: "metadata",
    playsinline: true,
    autoplay: plays,
    "aria-label": shown(file.name),
    src: source.content(file),
  });
  const place = h("div", { class: ["viewer-media", isVideo ? "video" : "audio"] }, isVideo ? player : cover(file, player));
  const queue = siblings().filter((one) => kindOf(one) === kindOf(file));
  if (!isVideo && queue.length > 1) place.append(list(file, queue, context));
  let kept = 0;

  const keep = () => player.duration && keepPosition(file.file_id, player.currentTime, player.duration);
  const on = (name, run) => player.addEventListener(name, run, { signal });
  on("loadedmetadata", () => {
    const at = positionOf(file.file_id);
    if (at && at < player.duration) {
      player.currentTime = at;
      place.append(resumed(at, () => (player.currentTime = 0)));
    }
  });
  on("timeupdate", () => {
    if (Date.now() - kept < KEEP_EVERY_MS) return;
    kept = Date.now();
    keep();
  });
  on("pause", keep);
  on("ended", () => {
    keepPosition(file.file_id, 0, 0);
    onEnd();
  });
  on("error", () => place.replaceChildren(card(file, source, t("viewer.cannot_play"))));
  on("play", () => announce(file, source, context));
  for (const track of await subtitles(file, siblings(), source, signal)) player.append(track);
  return {
    element: place,
    media: {
      element: player,
      toggle: () => (player.paused ? player.play().catch(() => {}) : player.pause()), // a pause breaks off a start
      skip: (seconds) => (player.currentTime = Math.max(0, Math.min(player.duration || 0, player.currentTime + seconds))),
    },
    takes: (event) => event.target === player && event.key.startsWith("Arrow"),
    close() {
      keep();
      player.pause();
      player.removeAttribute("src"); // else the browser goes on fetching
      player.load();
      if ("mediaSession" in navigator) navigator.mediaSession.metadata = null;
    },
  };
}

function cover(file, player) {
  return h("div", { class: "viewer-cover" }, h("div", { class: "viewer-disc" }, icon("music", { size: 64 })), h("p", { class: "viewer-card-name" }, shown(file.name)), player);
}

function list(file, queue, { onShow }) {
  return h("ol", { class: "viewer-queue", "aria-label": t("viewer.queue") },
    queue.map((one) => h("li", {},
      h("button", { type: "button", class: "viewer-queue-item", "aria-current": one.file_id === file.file_id ? "true" : null, onclick: () => onShow(one) },
        icon(one.file_id === file.file_id ? "play" : "music", { size: 16 }), h("span", {}, shown(one.name))))));
}

function resumed(at, again) {
  const note = h("p", { class: "viewer-resumed", role: "status" }, t("viewer.resumed", { at: duration(at) }),
    h("button", { type: "button", class: "button quiet", onclick: () => { again(); note.remove(); } }, t("viewer.from_the_start")));
  setTimeout(() => note.remove(), 8000);
  return note;
}

/** Subtitles lie beside a film: "film.vtt", or "film.de.vtt" for those of a language. */
async function subtitles(file, files, source, signal) {
  const stem = file.name.slice(0, -ending(file.name).length);
  const found = files.filter((one) => ending(one.name) === "vtt" && one.name.startsWith(stem));
  return Promise.all(found.map(async (one) => {
    const response = await fetch(source.content(one), { signal });
    const src = URL.createObjectURL(new Blob([await response.arrayBuffer()], { type: "text/vtt" }));
    signal.addEventListener("abort", () => URL.revokeObjectURL(src));
    const language = one.name.slice(stem.length, -".vtt".length);
    return h("track", { kind: "subtitles", src, label: language || t("viewer.subtitles"), srclang: language || null, default: found.length === 1 });
  }));
}

function announce(file, source, { onStep }) {
  if (!("mediaSession" in navigator)) return;
  navigator.mediaSession.metadata = new MediaMetadata({ title: shown(file.name) });
  navigator.mediaSession.setActionHandler("previoustrack", () => onStep(-1));
  navigator.mediaSession.setActionHandler("nexttrack", () => onStep(1));
}
