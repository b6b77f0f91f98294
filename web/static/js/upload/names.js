// What a name and a path may be, by the server's rules (api.md, Conventions), and what to propose instead.

// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const LITTER = new Set([".ds_store", "thumbs.db", "desktop.ini"]);
const LONGEST_SUFFIX = 16;
const encoder = new TextEncoder();

/** Whether a file is one that a system leaves behind in every folder. */
export function isLitter(name) {
  return LITTER.has(name.toLowerCase());
}

/**
 * Return the path, of names joined by "/", as the server keeps it, and the nearest that it would take.
 * @param {{name_size: number}} limits
 * @returns {{path: string, isFine: boolean}}
 */
export function checkPath(path, limits) {
  const names = path.normalize("NFC").split("/");
  const proposed = names.map((name) => proposal(name, limits.name_size));
  return { path: proposed.join("/"), isFine: proposed.every((name, index) => name === names[index]) };
}

/** Whether a path is short and flat enough for the server. */
export function fits(path, limits) {
  return encoder.encode(path).length <= limits.path_size && path.split("/").length - 1 <= limits.depth;
}

/** Return `name` if the server takes it, else one like it that it takes. */
function proposal(name, mostBytes) {
  const clean = name.replaceAll(FORBIDDEN, "_").replaceAll("/", "_");
  if (clean === "" || clean === "." || clean === "..") return `_${clean.replaceAll(".", "_")}`;
  if (encoder.encode(clean).length <= mostBytes) return clean;
  const dot = clean.lastIndexOf(".");
  const suffix = dot > 0 && clean.length - dot <= LONGEST_SUFFIX ? clean.slice(dot) : "";
  return shorten(clean.slice(0, clean.length - suffix.length), mostBytes - encoder.encode(suffix).length) + suffix;
}

/** Return as many whole characters of `text` as fit. */
function shorten(text, mostBytes) {
  let size = 0;
  let kept = "";
  for (const character of text) {
    size += encoder.encode(character).length;
    if (size > mostBytes) break;
    kept += character;
  }
  return kept;
}
