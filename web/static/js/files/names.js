// Which names can be: the server's rules (app/services/names.py), said before it is asked.

import { t } from "../core/text.js";
import { errorText } from "../core/toast.js";

const MOST_BYTES = 255;

/** What is wrong with a name, in words; "" if nothing is. */
export function nameProblem(name) {
  if (!name.trim()) return t("files.name_empty");
  if (name === "." || name === ".." || name.includes("/")) return t("files.name_slash");
  if (/\p{Cc}/u.test(name)) return t("files.name_control");
  if (new TextEncoder().encode(name.normalize("NFC")).length > MOST_BYTES) return t("files.name_long");
  return "";
}

/** What a refusal of a name means, in words. */
export function refusalText(error) {
  return error.code === "name_taken" || error.code === "precondition_failed" ? t("files.name_taken") : errorText(error);
}
