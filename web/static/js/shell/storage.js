// How full one's storage is: the same bar in the sidebar and in the settings.

import { $, fill, h } from "../core/dom.js";
import { size } from "../core/format.js";
import { meter } from "../core/meter.js";
import { t } from "../core/text.js";

/** Show the bar in the sidebar. */
export const startStorageBar = (profile) => keepStorageBar($("#storage"), profile);

/** Keep the bar in an element, in step with the profile. */
export function keepStorageBar(box, profile, { signal } = {}) {
  const draw = ({ me }) => {
    const { used, quota } = me;
    if (quota === null) fill(box, h("span", {}, t("storage.used", { used: size(used) })));
    else fill(box, meter(used, quota, t("storage.title")), h("span", {}, t("storage.of", { used: size(used), quota: size(quota) })));
  };
  profile.subscribe(draw, { signal });
  if (profile.get().me) draw(profile.get());
}
