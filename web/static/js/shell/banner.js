// The note that the page came over plain http; dismissed, it stays away for this session of the browser.

const KEY = "cairn-plain-http-seen";

/** Show it unless it was dismissed. */
export function startBanner() {
  const banner = document.querySelector("#plain-http");
  if (!banner || sessionStorage.getItem(KEY)) return;
  banner.hidden = false;
  banner.querySelector("button").addEventListener("click", () => {
    sessionStorage.setItem(KEY, "1");
    banner.hidden = true;
  });
}
