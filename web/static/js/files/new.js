// What the New button offers while a folder is open.

import { t } from "../core/text.js";
import { addNew } from "../shell/new.js";

let open = null;
const mayMake = (place) => place.view === "files" && (open?.mayWrite() ?? false);

addNew({ order: 20, icon: "folder-plus", label: t("files.new_folder"), hint: "N", run: () => open?.newFolder(), when: mayMake });
addNew({ order: 21, icon: "file-plus", label: t("files.new_text"), run: () => open?.newTextFile(), when: mayMake });

addNew({ order: 22, icon: "inbox", label: t("files.new_drop"), run: () => open?.newDropBox(), when: (place) => mayMake(place) && open.mayShare() });

/** Offer it for a view, until `signal` aborts. */
export function offerNew(app, signal) {
  open = app;
  signal.addEventListener("abort", () => {
    if (open === app) open = null;
  }, { once: true });
}
