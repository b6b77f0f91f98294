// Which parts the shell has. A view is loaded when one goes there; a starter once the first view stands.

/** By the first part of the path. `style` is loaded with the view. */
export const VIEWS = {
  files: { load: () => import("./files/view.js"), style: "css/files.css" },
  search: { load: () => import("./search/view.js"), style: "css/files.css" },
  photos: { load: () => import("./photos/view.js"), style: "css/photos.css" },
  shared: { load: () => import("./sharing/view.js"), style: "css/sharing.css" },
  trash: { load: () => import("./time/trash.js"), style: "css/time.css" },
  settings: { load: () => import("./settings/view.js"), style: "css/settings.css" },
  admin: { load: () => import("./admin/view.js"), style: "css/admin.css" },
};

/** Each exports `start(context)`: what lives beside all views, such as the upload panel, and items of the New menu. */
export const STARTERS = [() => import("./upload/start.js"), () => import("./shell/app.js"), () => import("./settings/sign-ins.js"), () => import("./sharing/received.js")];
