"""Takes the pictures of docs/images: `python -m tests.web.screenshots [NAME …]`, by hand, after the pages have changed.

Each page is taken at three widths, in light and dark, of a server with a family's files. A part adds its pages here.
"""

import argparse
import io
import os
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from tests.server import NO_RESERVE, PASSWORD, RunningServer
from tests.web.listing import row
from tests.web.people import Person

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTHS = {"phone": (390, 844), "tablet": (768, 1024), "desktop": (1280, 800)}
THEMES = ("light", "dark")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NOW_MS = int(time.time() * 1000)
PICTURES_MS = 1500
"""So that thumbnails are there: a picture has no time of its own."""


def _nothing(_: Page) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Shot:
    """One page to be taken.

    Attributes:
        prepare: done in the page before it is taken, such as opening a menu.
        is_signed_in: whether somebody is.
    """

    name: str
    path: str
    prepare: Callable[[Page], None] = _nothing
    is_signed_in: bool = True


def _open_account(page: Page) -> None:
    page.click("#account")


def _show_grid(page: Page) -> None:
    page.keyboard.press("v")
    page.wait_for_timeout(PICTURES_MS)


def _wait_for_pictures(page: Page) -> None:
    page.wait_for_timeout(PICTURES_MS)


def _open_first_photo(page: Page) -> None:
    page.get_by_role("link", name="Fjord 1.jpg").first.click()
    page.wait_for_timeout(PICTURES_MS)


def _ask_for(name: str, choice: str) -> Callable[[Page], None]:
    """Return what chooses something of an entry's menu, and waits for the dialog."""

    def prepare(page: Page) -> None:
        row(page, name).hover()
        page.get_by_role("button", name=f"More actions for {name}").click()
        page.get_by_role("menuitem", name=choice).click()
        page.wait_for_selector("dialog[open] ul, dialog[open] ol")
        page.wait_for_selector(".skeleton", state="detached")

    return prepare


def _take_back(page: Page) -> None:
    page.get_by_role("button", name="More", exact=True).first.click()
    page.get_by_role("menuitem", name="Take back changes").click()
    page.get_by_label("What this device did").select_option(label="test")
    page.wait_for_selector(".plan-line")


def _follow_link(mode: str) -> Callable[[Page], None]:
    """Return what goes to the page of a link of anna's."""

    def prepare(page: Page) -> None:
        links = page.evaluate("fetch('api/v1/links').then((answer) => answer.json())")["items"]
        page.goto(next(link["url"] for link in links if link["mode"] == mode))
        page.wait_for_timeout(PICTURES_MS)

    return prepare


def _loaded(page: Page) -> None:
    """Wait for what the page asks for, QR codes included."""
    page.wait_for_load_state("networkidle")


def _set_up_second_factor(page: Page) -> None:
    page.get_by_role("button", name="Set up").click()
    page.wait_for_load_state("networkidle")


def _open_archive(page: Page) -> None:
    page.get_by_role("link", name="Letters of 2019.zip").click()
    page.wait_for_selector(".viewer-entry-name")


def _sign_in_elsewhere(page: Page) -> None:
    """Let somebody sign in as anna at another device, unless one is told of already."""
    if not page.evaluate("fetch('api/v1/me').then((answer) => answer.json())")["new_devices"]:
        body = {"username": "anna", "password": PASSWORD, "device_name": "Pixel 9"}
        page.request.post("/api/v1/login", data=body)
        page.reload()
    page.wait_for_selector(".sign-ins li")


SHOTS = (
    Shot("sign-in", "/", is_signed_in=False),
    Shot("files", "/files"),
    Shot("files-grid", "/files/Holiday in Norway", _show_grid),
    Shot("viewer", "/files/Holiday in Norway", _open_first_photo),
    Shot("archive", "/files/Documents", _open_archive),
    Shot("share", "/files", _ask_for("Recipes", "Share")),
    Shot("versions", "/files", _ask_for("Shopping list.md", "Versions")),
    Shot("photos", "/photos", _wait_for_pictures),
    Shot("search", "/search?q=fjord", _wait_for_pictures),
    Shot("shared", "/shared"),
    Shot("link", "/files", _follow_link("view")),
    Shot("drop-box", "/files", _follow_link("drop")),
    Shot("trash", "/trash"),
    Shot("take-back", "/trash", _take_back),
    Shot("account-menu", "/files", _open_account),
    Shot("settings", "/settings", _loaded),
    Shot("settings-second-factor", "/settings/security", _set_up_second_factor),
    Shot("settings-devices", "/settings/devices", _loaded),
    Shot("settings-storage", "/settings/storage", _loaded),
    Shot("settings-connect", "/settings/connect", _loaded),
    Shot("admin", "/admin", _loaded),
    Shot("admin-storage", "/admin/storage", _loaded),
    Shot("admin-health", "/admin/health", _loaded),
    Shot("admin-log", "/admin/log", _loaded),
    Shot("new-sign-in", "/files", _sign_in_elsewhere),
)


def fill(server: RunningServer) -> Person:
    """Give the server a family's files; return whose browser is shown."""
    ada = Person(server)
    anna = ada.invite("anna", is_admin=True, quota=60_000_000)
    ada.invite("ben", quota=40_000_000)
    for path, size in {
        "/Documents/Tax 2025.pdf": 240_000,
        "/Documents/Letter to the school.odt": 31_000,
        "/Holiday in Norway/Plan of the days.pdf": 180_000,
        "/Rental contract.pdf": 310_000,
        "/Garden plan.odg": 18_000,
        "/Songs of summer.m3u": 900,
        "/Recipes/Rhubarb cake.md": 700,
    }.items():
        anna.put(path, os.urandom(size), mtime_ms=NOW_MS - size * 40_000)
    for number, bought in enumerate(("- Bread\n", "- Bread\n- Apples\n", "- Bread\n- Apples\n- Tea\n")):
        anna.put("/Shopping list.md", f"# Saturday\n\n{bought}".encode(), mtime_ms=NOW_MS - (3 - number) * HOUR_MS)
    for number in range(1, 13):
        anna.put(f"/Holiday in Norway/Fjord {number}.jpg", landscape(number), mtime_ms=NOW_MS - number * 5 * DAY_MS)
    anna.put("/Documents/Letters of 2019.zip", _letters(), mtime_ms=NOW_MS - 9 * DAY_MS)
    _share(ada, anna)
    blurred = [
        anna.put(f"/Holiday in Norway/Blurred {number}.jpg", os.urandom(900_000 + number)) for number in range(9)
    ]
    anna.call("POST", "/api/v1/files/trash", {"file_ids": [file["file_id"] for file in blurred]})
    for path, size in (("/Old invoice.pdf", 90_000), ("/Photos/Blurred.jpg", 2_400_000), ("/Draft.odt", 12_000)):
        gone = anna.put(path, os.urandom(size))["file_id"]
        anna.call("DELETE", f"/api/v1/files/{gone}")
    return anna


def _letters() -> bytes:
    """Return a zip of letters and pictures."""
    body, chance = io.BytesIO(), random.Random(2019)  # noqa: S311 - the same each time
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as packed:
        for month, name in enumerate(("January", "March", "April", "July", "September", "December"), 1):
            for number in range(1, 5):
                entry = zipfile.ZipInfo(
                    f"{name}/Letter {number}.odt", (2019, month * 2 - 1, number * 6, 10, 5 * number, 0)
                )
                packed.writestr(entry, bytes(chance.randint(9_000, 80_000)))
            picture = zipfile.ZipInfo(f"{name}/Envelope.jpg", (2019, month * 2 - 1, 27, 17, 30, 0))
            packed.writestr(picture, bytes(chance.randint(900_000, 2_400_000)))
    return body.getvalue()


def _share(ada: Person, anna: Person) -> None:
    """Let anna share, and be shared with."""
    for owner, path, name, role in ((anna, "/Recipes", "ben", "editor"), (ada, "/Choir", "anna", "viewer")):
        folder = owner.folder(path)["file_id"] if owner is ada else _known(owner, path)
        owner.call("POST", f"/api/v1/files/{folder}/members", {"username": name, "role": role})
    trip = _known(anna, "/Holiday in Norway")
    anna.call("POST", "/api/v1/links", {"file_id": trip, "expires_ms": NOW_MS + 30 * DAY_MS})
    anna.call("POST", "/api/v1/links", {"file_id": _known(anna, "/Recipes"), "mode": "drop"})


def _known(person: Person, path: str) -> str:
    return str(person.call("GET", f"/api/v1/files?path={quote(path)}").json["file_id"])


def landscape(number: int) -> bytes:
    """Return a picture of mountains by the sea, another one for each number."""
    chance, (wide, high) = random.Random(number), (1200, 900)  # noqa: S311 - the same pictures each time
    sky, glow = _colour(chance, 120, 200), _colour(chance, 200, 250)
    picture = Image.new("RGB", (1, high))
    for y in range(high):
        picture.putpixel((0, y), _between(sky, glow, y / high))
    picture = picture.resize((wide, high))
    draw = ImageDraw.Draw(picture)
    sun = (chance.randint(200, 1000), chance.randint(120, 320))
    draw.ellipse((sun[0] - 50, sun[1] - 50, sun[0] + 50, sun[1] + 50), fill=(255, 244, 214))
    for ridge in range(4):
        base, colour = 420 + ridge * 110, _between((126, 158, 176), (28, 56, 66), ridge / 3)
        tops = [base + chance.randint(-150, 30) // (ridge + 1) for _ in range(0, wide + 120, 120)]
        draw.polygon([(0, high), *((at * 120, top) for at, top in enumerate(tops)), (wide, high)], fill=colour)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def _colour(chance: random.Random, least: int, most: int) -> tuple[int, int, int]:
    return (chance.randint(least, most), chance.randint(least, most), chance.randint(least, most))


def _between(one: tuple[int, int, int], other: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def take(browser: Browser, server: RunningServer, cookie: Any, shot: Shot, folder: Path) -> None:
    """Take one page at all widths and in both themes."""
    for width, (wide, high) in WIDTHS.items():
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": wide, "height": high},
            locale="en-GB",
            reduced_motion="reduce",
            has_touch=width == "phone",
        )
        if shot.is_signed_in:
            context.add_cookies([cookie])
        page = context.new_page()
        page.goto(shot.path)
        if shot.is_signed_in:
            page.wait_for_selector("html[data-ready]")
        shot.prepare(page)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type] # one of its words
            taken = page.screenshot(animations="disabled")
            # Of 256 colours each: a third of the size, and nobody sees it.
            Image.open(io.BytesIO(taken)).convert("RGB").quantize(256).save(
                folder / f"{shot.name}-{width}-{theme}.png", optimize=True
            )
        context.close()


def main() -> int:
    """Take all pages, or those named."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(shot.name for shot in SHOTS))
    parser.add_argument("--to", type=Path, default=IMAGES, help="a folder; docs/images if not given")
    arguments = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.stderr.write("No Chromium is installed.\n")
        return 1
    arguments.to.mkdir(parents=True, exist_ok=True)
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        server = RunningServer(Path(data) / "data", NO_RESERVE).start()
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            cookie = fill(server).session("127.0.0.1")
            for shot in SHOTS:
                if not arguments.names or shot.name in arguments.names:
                    take(browser, server, cookie, shot, arguments.to)
        finally:
            browser.close()
            server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
