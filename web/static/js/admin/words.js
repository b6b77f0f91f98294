// What admin pages say of refusals: in the page's language, where it is known what is meant.

import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";

/** A sentence about what was refused. @param {string} [forbidden] what 403 means here */
export function problemText(error, forbidden) {
  if (error.code === "name_taken") return t("account.name_taken");
  if (error.code === "forbidden" && forbidden) return forbidden;
  return errorText(error);
}
