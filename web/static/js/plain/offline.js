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
  const wanted = placeIn(location.hash.slice(1));
  location.replace(wanted.href.startsWith(root.href) ? wanted : root);
}

function placeIn(hash) {
  try {
    return new URL(decodeURIComponent(hash) || "files", root);
  } catch {
    return root; // nobody's address, but anybody may write one
  }
}

addEventListener("online", look);
document.querySelector("#again").addEventListener("click", (event) => {
  event.preventDefault();
  goOn();
});
look();
