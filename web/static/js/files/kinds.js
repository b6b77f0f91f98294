// What a file is, for its icon, its colour and its name in words.

import { t } from "../core/text.js";

const ICONS = {
  folder: "folder", image: "image", video: "film", audio: "music", pdf: "file-text", text: "file-text", code: "file-code",
  sheet: "file-spreadsheet", archive: "file-archive", document: "file-text", slides: "file-image", file: "file",
};
const BY_TYPE = {
  "application/pdf": "pdf", "application/zip": "archive", "application/gzip": "archive", "application/x-tar": "archive",
  "application/x-7z-compressed": "archive", "application/vnd.rar": "archive", "application/x-xz": "archive",
  "application/json": "code", "application/xml": "code", "application/javascript": "code", "text/javascript": "code",
  "text/html": "code", "text/css": "code", "text/x-python": "code", "application/x-sh": "code", "text/csv": "sheet",
  "application/rtf": "document", "application/msword": "document", "application/epub+zip": "document",
  "application/vnd.ms-excel": "sheet", "application/vnd.ms-powerpoint": "slides",
};
const BY_PART = [["wordprocessing", "document"], ["spreadsheet", "sheet"], ["presentation", "slides"], ["opendocument.text", "document"]];
const BY_ENDING = {
  md: "text", log: "text", py: "code", js: "code", ts: "code", rs: "code", go: "code", c: "code", h: "code", cpp: "code",
  java: "code", sh: "code", toml: "code", yaml: "code", yml: "code", ini: "code", sql: "code", "7z": "archive", rar: "archive",
  zst: "archive", heic: "image", heif: "image", avif: "image", mkv: "video", flac: "audio", opus: "audio", m4a: "audio",
};
const BY_CLASS = ["image", "video", "audio", "text"];
const DRAWN = new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/heif"]);

/** What a File is: a key of the icons. */
export function kindOf(file) {
  if (file.kind === "folder") return "folder";
  const type = (file.content_type ?? "").split(";")[0].trim().toLowerCase();
  const known = BY_TYPE[type] ?? BY_ENDING[endingOf(file.name)];
  if (known) return known;
  const named = BY_PART.find(([part]) => type.includes(part));
  if (named) return named[1];
  return BY_CLASS.find((name) => type.startsWith(`${name}/`)) ?? "file";
}

/** The name of its icon. */
export const iconOf = (file) => ICONS[kindOf(file)];

/** What it is in words: "Image", "PDF document". */
export const wordOf = (file) => t(`files.kind_${kindOf(file)}`);

/** Whether the server makes a small picture of it. */
export const hasThumbnail = (file) => file.kind === "file" && file.size > 0 && DRAWN.has(file.content_type);

/** Where the stem of a name ends: before ".tar.gz" as before ".jpg"; a folder's name has no ending. */
export function stemLength(file) {
  if (file.kind === "folder") return file.name.length;
  const found = /.(\.tar)?\.[^.\s]{1,12}$/.exec(file.name);
  return found ? found.index + 1 : file.name.length;
}

function endingOf(name) {
  return name.slice(name.lastIndexOf(".") + 1).toLowerCase();
}
