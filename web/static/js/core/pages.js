// Lists that the server gives in pages.

import { get } from "./api.js";

/** All items of a list, page after page. @returns {Promise<Object[]>} */
export async function getAll(path, query = {}, options = {}) {
  const items = [];
  let after = null;
  do {
    const page = await get(path, { ...query, after }, options);
    items.push(...page.items);
    after = page.next;
  } while (after);
  return items;
}
