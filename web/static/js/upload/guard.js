// While files are on their way: a warning before the page is left, a screen that does not go dark, and a sign-in in place
// where the session ends.

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
  let held = null;
  function askForSignIn() {
    const hasEnded = uploads.board.status.held === "session" && held !== "session";
    held = uploads.board.status.held;
    if (hasEnded && !document.hidden) uploads.signIn();
  }

  uploads.board.subscribe(askForSignIn);
  uploads.board.subscribe(stayAwake);
  document.addEventListener("visibilitychange", stayAwake);
}
