// The queue of this browser, with all that shows it.

import { ApiError } from "../core/api.js";
import { loadStyle } from "../core/dom.js";
import { startGuard } from "./guard.js";
import { Panel } from "./panel.js";
import { startQuestions } from "./questions.js";
import { startTelling } from "./telling.js";
import { Uploads } from "./uploads.js";
import { whoAmI } from "./wire.js";

/** Join it, and show it. @returns {Promise<Uploads>} */
export async function join({ profile, username }) {
  const me = profile.get().me ?? (await whoAmI());
  if (me.user.username !== username) throw new ApiError(403, { code: "stranger" }); // the page is of who was here before
  const [uploads] = await Promise.all([Uploads.join(me), loadStyle("css/upload.css")]);
  const panel = new Panel(uploads);
  uploads.onAdding = () => panel.open();
  startQuestions(uploads);
  startTelling(uploads.board);
  startGuard(uploads);
  return uploads;
}
