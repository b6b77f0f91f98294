// The page of a link: days as the page's language writes them, and files are shown in the viewer. All works without
// scripts too: then a file has a page of its own.

import { listen } from "../core/keys.js";
import { linkSource } from "../viewer/source.js";
import { openViewer } from "../viewer/open.js";

const days = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const MOST = 1000;
const FILES = ".link-pictures a, .link-row > a:has(.link-file)";

for (const time of document.querySelectorAll("time")) time.textContent = days.format(new Date(time.dateTime));
for (const image of document.querySelectorAll("img[loading], .link-picture")) {
  image.addEventListener("error", () => image.classList.add("failed"));
}

const here = new URL(location.href);
const token = here.pathname.split("/").at(-1);
let files = null;

listen();
document.addEventListener("click", (event) => {
  const link = event.target.closest(FILES);
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  show(link).catch(() => (location.href = link.href));
});

async function show(link) {
  files ??= await list();
  const idOf = (one) => new URL(one.href).searchParams.get("file_id");
  const linkOf = (file) => [...document.querySelectorAll(FILES)].find((one) => idOf(one) === file.file_id);
  // As the page shows them: what has a picture stands behind the rest.
  const shown = [...document.querySelectorAll(FILES)].map((one) => files.get(idOf(one))).filter(Boolean);
  await openViewer({
    files: shown,
    at: shown.findIndex((file) => file.file_id === idOf(link)),
    source: linkSource(token),
    from: (file) => linkOf(file)?.querySelector("img:not(.failed)") ?? null,
    onClose: (file) => linkOf(file)?.focus(),
  });
}

async function list() {
  const query = new URLSearchParams({ limit: MOST });
  if (here.searchParams.has("file_id")) query.set("file_id", here.searchParams.get("file_id"));
  const response = await fetch(`${token}/children?${query}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`the list is not there: ${response.status}`);
  return new Map((await response.json()).items.filter(({ kind }) => kind === "file").map((file) => [file.file_id, file]));
}
