// What is done with an entry more rarely, mostly by other parts; each is loaded when somebody asks for it.

import { toastError } from "../core/toast.js";

/** Who sees an entry, and the links to it; `make`: the mode of a link that is made at once. */
export const share = (file, make = null) => import("../sharing/dialog.js").then((part) => part.openShareDialog(file, make)).catch(toastError);

/** What a file held before. */
export const versions = (file) => import("../time/versions.js").then((part) => part.openVersions(file)).catch(toastError);

/** A folder as it was at a moment. */
export const rewind = (folder) => import("../time/rewind.js").then((part) => part.openRewind(folder)).catch(toastError);

/** A link for whoever has no account. */
export const copyLink = (file) => import("./link.js").then((part) => part.copyLink(file)).catch(toastError);
