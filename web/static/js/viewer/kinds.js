// What a file is shown as, by its content type and its name.

const MIB = 1024 * 1024;

/** Up to here code gets its colours, and text can be edited. */
export const COLOURED = MIB;

/** Up to here text is shown whole; of more, the first part. */
export const SHOWN = 8 * MIB;

// Ending to language of highlight.js; "" is plain text.
const TEXTS = {
  txt: "", log: "", text: "", me: "", srt: "", vtt: "", tex: "", asc: "", nfo: "", org: "", rst: "", properties: "ini",
  md: "markdown", markdown: "markdown", csv: "", tsv: "",
  bash: "bash", sh: "bash", zsh: "bash", fish: "bash", c: "c", h: "c", cc: "cpp", cpp: "cpp", cxx: "cpp", hpp: "cpp", ino: "cpp",
  css: "css", diff: "diff", patch: "diff", go: "go", ini: "ini", toml: "ini", conf: "ini", cfg: "ini", env: "ini", service: "ini",
  java: "java", js: "javascript", mjs: "javascript", cjs: "javascript", jsx: "javascript", json: "json", jsonl: "json", geojson: "json",
  ipynb: "json", kt: "kotlin", kts: "kotlin", php: "php", py: "python", pyw: "python", pyi: "python", rb: "ruby", rs: "rust",
  sql: "sql", ts: "typescript", tsx: "typescript", xml: "xml", html: "xml", htm: "xml", xhtml: "xml", svg: "xml", rss: "xml", plist: "xml",
  gpx: "xml", kml: "xml", vue: "xml", yaml: "yaml", yml: "yaml",
};
const NAMES = { dockerfile: "bash", makefile: "bash", license: "", readme: "", changelog: "", ".gitignore": "", ".env": "ini", ".bashrc": "bash" };
const PICTURES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon"]);
const ZIPS = new Set(["zip", "cbz", "jar", "apk", "whl", "xpi"]);
const HEIC = new Set(["image/heic", "image/heif"]);

/** The ending of a name in small letters, without the dot. */
export function ending(name) {
  const at = name.lastIndexOf(".");
  return at > 0 ? name.slice(at + 1).toLowerCase() : "";
}

/**
 * Tell what a file is shown as.
 *
 * @returns {"image" | "svg" | "video" | "audio" | "pdf" | "markdown" | "table" | "text" | "archive" | "other"}
 */
export function kindOf(file) {
  const type = file.content_type ?? "";
  const end = ending(file.name);
  if (end === "svg" || type === "image/svg+xml") return "svg";
  if (PICTURES.has(type) || HEIC.has(type)) return "image";
  if (type.startsWith("video/")) return "video";
  if (type.startsWith("audio/")) return "audio";
  if (type === "application/pdf" && end === "pdf") return "pdf";
  if (end === "md" || end === "markdown") return "markdown";
  if (end === "csv" || end === "tsv") return "table";
  if (end in TEXTS || file.name.toLowerCase() in NAMES || type.startsWith("text/") || type === "application/json") return "text";
  if (type === "application/zip" || ZIPS.has(end)) return "archive";
  return "other";
}

/** Whether browsers draw the original of an image themselves; what iPhones make, Safari alone. */
export const drawsOriginal = (file) => PICTURES.has(file.content_type);

/** Whether the original is shown rather than a picture of it: it may move. */
export const moves = (file) => file.content_type === "image/gif" || file.content_type === "image/avif";

/** The language of highlight.js, "" for plain text. */
export function languageOf(file) {
  return TEXTS[ending(file.name)] ?? NAMES[file.name.toLowerCase()] ?? "";
}
