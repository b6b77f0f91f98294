// The pages as an app: where the browser trusts the connection, a worker keeps the shell, and says when there is a new one.

import { ROOT } from "../core/api.js";
import { onChange } from "../core/events.js";
import { t } from "../core/text.js";
import { toast } from "../core/toast.js";

const LOOK_EVERY_MS = 60_000;
const SHOWN_MS = 24 * 3_600_000;
const BUILD = import.meta.url.slice(ROOT.href.length).split("/")[1];

/** Start; once, by the shell. */
export async function start() {
  if (!isSecureContext || !navigator.serviceWorker) return;
  navigator.serviceWorker.addEventListener("message", ({ data }) => data.build !== BUILD && offer());
  const options = { updateViaCache: "none" };
  const registration = await navigator.serviceWorker.register(new URL("service-worker.js", ROOT), options).catch(() => null);
  if (!registration) return; // a private window, or a browser whose owner allows none
  let looked = Date.now();
  // The server may have been renewed when its stream of news begins anew, or while nobody looked at this page.
  const look = () => {
    if (document.hidden || Date.now() - looked < LOOK_EVERY_MS) return;
    looked = Date.now();
    registration.update().catch(() => {}); // out of reach: the next look will do
  };
  document.addEventListener("visibilitychange", look);
  onChange(look);
}

function offer() {
  toast(t("core.new_build"), { action: { label: t("core.reload"), run: () => location.reload() }, ms: SHOWN_MS });
}
