// The service worker keeps the shell: the files of this build, and a page that says the server is out of reach. What
// belongs to somebody is never kept: answers of the API, content, and the pages themselves, which name who is signed in.
// Files that another app shares (the manifest's share_target) wait in IndexedDB until a page has asked about them.
// The server puts `self.SHELL` before this: {build, files}.

const SCOPE = new URL("./", self.location.href);
const STATIC = new URL("static/", SCOPE).href;
const OWN = `${STATIC}${self.SHELL.build}/`;
const OFFLINE = new URL("offline", SCOPE).href;
const SHARE = new URL("share", SCOPE).href;
const PREFIX = "cairn-shell-";
const NAME = `${PREFIX}${self.SHELL.build}`;
const PLACES = ["", "files", "photos", "shared", "trash", "search", "settings", "admin"];
// A page of the build before may still be open, and load the rest of itself.
const BUILDS_KEPT = 2;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => event.waitUntil(begin()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "POST" && request.mode === "navigate" && request.url === SHARE) event.respondWith(takeShared(request));
  if (request.method !== "GET") return;
  if (request.url.startsWith(STATIC)) event.respondWith(fromShell(request));
  else if (request.mode === "navigate" && request.url.split(/[?#]/)[0] === OFFLINE) event.respondWith(fromShell(request));
  else if (request.mode === "navigate" && isPlace(request.url)) event.respondWith(page(event));
});

async function keep() {
  const cache = await caches.open(NAME);
  await cache.add(new Request(OFFLINE, { credentials: "omit", cache: "reload" }));
  // A few at a time: whoever is there waits for files of their own.
  const left = [...self.SHELL.files];
  await Promise.all([1, 2].map(async () => {
    while (left.length) await cache.add(new Request(OWN + left.pop(), { credentials: "omit" }));
  }));
}

async function begin() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(names.slice(0, Math.max(0, names.length - BUILDS_KEPT + 1)).map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
  for (const client of await self.clients.matchAll()) client.postMessage({ build: self.SHELL.build });
}

async function fromShell(request) {
  const kept = await caches.match(request, { ignoreSearch: true, ignoreVary: true });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && response.status === 200 && request.url.startsWith(OWN)) {
    const cache = await caches.open(NAME);
    await cache.put(request, response.clone());
  }
  return response;
}

async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return Response.redirect(`${OFFLINE}#${encodeURIComponent(event.request.url.slice(SCOPE.href.length))}`);
  }
}

/** Keep what was shared, in place of what was before, and lead to the page that asks about it. */
async function takeShared(request) {
  try {
    const files = (await request.formData()).getAll("files").filter((one) => one instanceof File);
    await keepShared(files);
  } catch {
    // There is no room, or the form was broken: the page finds nothing, and says so.
  }
  return Response.redirect(new URL("files?shared=1", SCOPE), 303);
}

async function keepShared(files) {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("cairn-shared", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("files", { autoIncrement: true });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  await new Promise((resolve, reject) => {
    const transaction = database.transaction("files", "readwrite");
    const store = transaction.objectStore("files");
    store.clear();
    for (const file of files) store.add(file);
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  }).finally(() => database.close());
}

function isPlace(url) {
  const { origin, pathname } = new URL(url);
  if (origin !== SCOPE.origin || !pathname.startsWith(SCOPE.pathname)) return false;
  return PLACES.includes(pathname.slice(SCOPE.pathname.length).split("/")[0]);
}
