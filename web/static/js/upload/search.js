// Finds the files of earlier runs among those that are chosen again: by their path below what was chosen, or where it is not
// known by their name, and always by size and time.

export class Search {
  #wanted = new Map();
  /** By batch: {folder, files}. */
  found = new Map();
  count = 0;

  /** @param {import("./records.js").Record[]} records */
  constructor(records) {
    for (const record of records) {
      for (const path of new Set([record.path, nameOf(record.path)])) {
        const key = keyOf(path, record.size, record.mtimeMs);
        this.#wanted.set(key, [...(this.#wanted.get(key) ?? []), record]);
      }
    }
  }

  /** @param {import("./scan.js").Found[]} files */
  look(files) {
    for (const found of files) {
      const path = found.path.normalize("NFC");
      const records = this.#of(path, found) ?? this.#of(nameOf(path), found);
      for (const record of records ?? []) this.#take(record, found);
    }
  }

  #of(path, { size, mtimeMs }) {
    return this.#wanted.get(keyOf(path, size, mtimeMs))?.filter((record) => !record.isTaken);
  }

  #take(record, found) {
    record.isTaken = true;
    this.count += 1;
    const { files } = this.found.get(record.batch) ?? { files: [] };
    files.push({ ...found, path: record.path });
    this.found.set(record.batch, { folder: record.folder, files });
  }
}

function keyOf(path, size, mtimeMs) {
  return JSON.stringify([path, size, mtimeMs]);
}

function nameOf(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}
