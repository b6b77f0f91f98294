// The server is out of reach: as soon as it is back, one goes on where one wanted to go.

const EVERY_MS = 3000;
const root = new URL("./", document.location.href);

async function look() {
  try {
    const response = await fetch(new URL("healthz", root), { cache: "no-store" });
    if (response.ok) {
      goOn();
      return;
    }
  } catch {
    // It is still away.
  }
  setTimeout(look, EVERY_MS);
}

function goOn() {
  const wanted = new URL(decodeURIComponent(location.hash.slice(1)) || "files", root);
  location.replace(wanted.href.startsWith(root.href) ? wanted : root);
}

addEventListener("online", look);
document.querySelector("#again").addEventListener("click", (event) => {
  event.preventDefault();
  goOn();
});
look();
