// What is in the folders that files go to: each is asked for once, and one below a folder that is new not at all.

import { children, fileAt } from "./wire.js";

const ROOT = "/";

export class Listings {
  #folders = new Map();
  #ask;
  #signal;

  /**
   * @param {(work: () => Promise<any>, signal: AbortSignal) => Promise<any>} ask  Repeats a call until it is through.
   * @param {AbortSignal} signal
   */
  constructor(ask, signal) {
    this.#ask = ask;
    this.#signal = signal;
  }

  /**
   * Return what has this path, or null.
   * @param {string} path  Absolute.
   * @param {string} base  A folder above it that is known to be there.
   * @returns {Promise<object | null>} a File
   */
  async find(path, base) {
    const listing = await this.#listing(parentOf(path), base);
    return listing.get(path.slice(path.lastIndexOf("/") + 1)) ?? null;
  }

  /** Note that a file is there now. */
  async note(file) {
    const listing = await this.#folders.get(parentOf(file.path));
    listing?.set(file.name, file);
  }

  #listing(path, base) {
    let listing = this.#folders.get(path);
    if (!listing) {
      listing = this.#list(path, base);
      this.#folders.set(path, listing);
      listing.catch(() => this.#folders.delete(path));
    }
    return listing;
  }

  async #list(path, base) {
    const folder = await this.#folder(path, base);
    if (folder?.kind !== "folder") return new Map();
    const files = await this.#ask(() => children(folder.file_id, this.#signal), this.#signal);
    return new Map(files.map((file) => [file.name, file]));
  }

  /** The folder itself: below `base` its parent's listing tells, so that nobody asks for what is not there. */
  async #folder(path, base) {
    if (path === ROOT) return { kind: "folder", file_id: "root" };
    if (path !== base) return this.find(path, base);
    try {
      return await this.#ask(() => fileAt(path, this.#signal), this.#signal);
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }
}

function parentOf(path) {
  return path.slice(0, path.lastIndexOf("/")) || ROOT;
}
