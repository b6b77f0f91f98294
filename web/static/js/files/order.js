// The order of a folder, made as the server makes it (app/listing.py): what comes while it is open finds its place.

/** By what names are sorted as people sort them: "file 2" before "file 10". */
export function naturalKey(name) {
  return fold(name).replace(/[0-9]+/g, (number) => {
    const digits = number.replace(/^0+/, "");
    return `0${String.fromCharCode(48 + digits.length)}${digits}`;
  });
}

/** A name as it is compared: no case, no accents. */
export function fold(name) {
  return name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Where a text stands in a name, as positions in the name; nowhere is [0, 0]. */
export function rangeOf(text, name) {
  const wanted = fold(text);
  if (!wanted) return [0, 0];
  let folded = "";
  const origins = []; // of each letter of `folded`, the place in the name
  let at = 0;
  for (const sign of name.normalize("NFC")) {
    for (const _ of fold(sign)) origins.push(at);
    folded += fold(sign);
    at += sign.length;
  }
  const found = folded.indexOf(wanted);
  if (found < 0) return [0, 0];
  return [origins[found], origins[found + wanted.length] ?? at];
}

const KEYS = {
  natural: (file) => naturalKey(file.name),
  size: (file) => file.size,
  mtime: (file) => file.mtime_ms ?? file.modified_ms,
  type: (file) => file.content_type ?? "",
};

/**
 * Compare Files of a folder: folders first, then by the key, then by name.
 *
 * @param {"natural" | "size" | "mtime" | "type"} sort
 * @param {"asc" | "desc"} order
 */
export function comparing(sort, order) {
  const key = KEYS[sort];
  const way = order === "desc" ? -1 : 1;
  return (one, other) => {
    if (one.kind !== other.kind) return one.kind === "folder" ? -1 : 1;
    return way * (compare(key(one), key(other)) || compare(one.name, other.name));
  };
}

function compare(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
