// What leads back to dropped files after a reload, without a new choice: secure pages alone are given it.

/**
 * Ask for the handles of a drop. To be called while the event is handled. Outside a secure page it is not even asked: there
 * the question crashed the page.
 * @returns {Promise<FileSystemHandle[]>}
 */
export async function handlesOf(transfer) {
  if (!isSecureContext) return [];
  const items = [...transfer.items].filter((item) => item.kind === "file" && item.getAsFileSystemHandle);
  const asked = items.map((item) => item.getAsFileSystemHandle().catch(() => null));
  return (await Promise.all(asked)).filter(Boolean);
}

/** Ask the person for leave to read again. To be called from a click. */
export async function allowed(handles) {
  const answers = await Promise.all(handles.map((handle) => handle.requestPermission({ mode: "read" }).catch(() => "denied")));
  return handles.filter((_, index) => answers[index] === "granted");
}

/** Find all files below handles, as scan.js does below entries; what is gone is left out. */
export async function* scanHandles(handles, above = "") {
  for (const handle of handles) {
    const path = `${above}${handle.name}`;
    if (handle.kind === "directory") {
      yield* scanHandles(await gathered(handle.values()).catch(() => []), `${path}/`);
      continue;
    }
    const file = await handle.getFile().catch(() => null);
    if (file) yield { files: [{ path, file, size: file.size, mtimeMs: file.lastModified }], folders: [] };
  }
}

async function gathered(values) {
  const list = [];
  for await (const value of values) list.push(value);
  return list;
}
