// The bar that shows how full one's storage is.

import { $, fill, h } from "../core/dom.js";
import { size } from "../core/format.js";
import { meter } from "../core/meter.js";
import { t } from "../core/text.js";

/** Keep the bar in step with the profile. */
export function startStorageBar(profile) {
  const box = $("#storage");
  profile.subscribe(({ me }) => {
    const { used, quota } = me;
    if (quota === null) fill(box, h("span", {}, t("storage.used", { used: size(used) })));
    else fill(box, meter(used, quota, t("storage.title")), h("span", {}, t("storage.of", { used: size(used), quota: size(quota) })));
  });
}
