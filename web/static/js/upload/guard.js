// While files are on their way: a warning before the page is left, and a screen that does not go dark.

/** @param {import("./uploads.js").Uploads} uploads */
export function startGuard(uploads) {
  let lock = null;
  let asked = false;

  addEventListener("beforeunload", (event) => {
    if (uploads.isOwner && uploads.board.isBusy) event.preventDefault();
  });

  async function stayAwake() {
    const wants = uploads.isOwner && uploads.board.isBusy && !uploads.board.status.held && !document.hidden;
    if (!wants) {
      lock?.release();
      lock = null;
    } else if (!lock && !asked && navigator.wakeLock) {
      asked = true;
      try {
        lock = await navigator.wakeLock.request("screen");
        lock.addEventListener("release", () => (lock = null));
      } catch {
        // Low battery: the system says no.
      }
      asked = false;
    }
  }
  uploads.board.subscribe(stayAwake);
  document.addEventListener("visibilitychange", stayAwake);
}
