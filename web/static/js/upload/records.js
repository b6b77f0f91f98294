// What is on its way, kept in the browser (IndexedDB) so that a reload or a crash loses nothing but the time. A record
// names a file and its upload; only where the person wants it does it hold the bytes too.

const NAME = "cairn-upload";
const FILES = "files";
const FOLDERS = "handles";
const PACKS = "packs";

/**
 * @typedef {object} Record
 * @property {number} [key]
 * @property {string} user
 * @property {string} batch
 * @property {string} folder  Where the batch goes.
 * @property {string} path  Relative, below it.
 * @property {number} size
 * @property {number} mtimeMs
 * @property {string | null} uploadId
 * @property {string | null} policy
 * @property {string | null} base  The version that it replaces.
 * @property {Blob} [copy]
 */

export class Records {
  #user;
  #database;

  /** @param {string} user  Somebody else at this browser has other files. */
  constructor(user) {
    this.#user = user;
    this.#database = open();
    this.#database.catch(() => {}); // a private window may have none: then a reload forgets
  }

  /** @returns {Promise<Record[]>} */
  async all() {
    const records = await this.#do([FILES], "readonly", (files) => files.getAll());
    return (records ?? []).filter(({ user }) => user === this.#user);
  }

  /** Add records; returns their keys, in order. */
  async add(records) {
    const keys = [];
    await this.#do([FILES], "readwrite", (files) => {
      records.forEach((record, index) => {
        files.add({ ...record, user: this.#user }).onsuccess = ({ target }) => {
          keys[index] = target.result;
        };
      });
    });
    return keys;
  }

  put(record) {
    return this.#do([FILES], "readwrite", (files) => files.put({ ...record, user: this.#user }));
  }

  remove(keys) {
    return this.#do([FILES], "readwrite", (files) => {
      for (const key of keys) files.delete(key);
    });
  }

  /** Keep the uploads that were opened together; one line for all, as a line costs as much as a small file. */
  addPack(uploads) {
    return this.#do([PACKS], "readwrite", (packs) => packs.add({ user: this.#user, uploads }));
  }

  dropPack(key) {
    return this.#do([PACKS], "readwrite", (packs) => packs.delete(key));
  }

  /** Take out the packs that nobody has ended; gives their uploads. */
  async takePacks() {
    const own = ((await this.#do([PACKS], "readonly", (packs) => packs.getAll())) ?? []).filter(({ user }) => user === this.#user);
    for (const { key } of own) await this.dropPack(key);
    return own.flatMap(({ uploads }) => uploads);
  }

  /** Keep what leads back to the files of a batch: only secure pages are given such. */
  keepHandles(batch, handles) {
    return this.#do([FOLDERS], "readwrite", (store) => store.put({ batch, user: this.#user, handles }));
  }

  async handlesOf(batch) {
    return (await this.#do([FOLDERS], "readonly", (store) => store.get(batch)))?.handles ?? [];
  }

  /** Forget the ways to all but these batches; tells to how many there is one. */
  async pruneHandles(batches) {
    const all = (await this.#do([FOLDERS], "readonly", (store) => store.getAll())) ?? [];
    const own = all.filter(({ user }) => user === this.#user);
    for (const { batch } of own) if (!batches.has(batch)) await this.dropHandles(batch);
    return own.filter(({ batch }) => batches.has(batch)).length;
  }

  dropHandles(batch) {
    return this.#do([FOLDERS], "readwrite", (store) => store.delete(batch));
  }

  /** Run `work` in a transaction; gives the result of the request that it returns, undefined where nothing can be kept. */
  async #do(stores, mode, work) {
    let database;
    try {
      database = await this.#database;
    } catch {
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(stores, mode);
      const request = work(...stores.map((store) => transaction.objectStore(store)));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 2);
    request.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion < 1) {
        request.result.createObjectStore(FILES, { keyPath: "key", autoIncrement: true });
        request.result.createObjectStore(FOLDERS, { keyPath: "batch" });
      }
      request.result.createObjectStore(PACKS, { keyPath: "key", autoIncrement: true });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}
