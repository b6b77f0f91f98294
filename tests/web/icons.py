"""Makes the app's icons of cairn.svg, by hand: `python -m tests.web.icons`. It needs Playwright, and a Chromium.

An installed app has an icon with a ground of its own: rounded for most, to the edge where a system cuts it itself.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parents[2] / "web" / "static"
FOLDER = STATIC / "app"
GROUND = "#e2eff6"  # --accent-soft of css/tokens.css in light
ICONS = {
    # name: side in pixels, share of it that the drawing takes, how round the ground is
    "icon-192.png": (192, 0.68, "22%"),
    "icon-512.png": (512, 0.68, "22%"),
    "maskable-512.png": (512, 0.52, "0"),  # systems cut up to a fifth from each side
    "apple-touch-icon.png": (180, 0.62, "0"),
}


def main() -> int:
    """Draw all of them."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    drawing = (STATIC / "cairn.svg").read_text("utf-8")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, (side, share, radius) in ICONS.items():
            page = browser.new_page(viewport={"width": side, "height": side})
            page.set_content(
                f"<style>body{{margin:0}}div{{display:grid;place-items:center;height:100vh;border-radius:{radius};"
                f"background:{GROUND}}}svg{{width:{share * 100}%;height:{share * 100}%}}</style><div>{drawing}</div>"
            )
            page.screenshot(path=FOLDER / name, omit_background=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
