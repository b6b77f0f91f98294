"""Pictures that were made to harm: whatever they do, the server lives and answers (security.md, O6)."""

import asyncio
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

import pytest

from app.services import thumbnailing
from app.services.thumbnailing import Thumbnailer
from tests.api.conftest import Running
from tests.api.people import Person, noise
from tests.thumbnails.pictures import PNG, long_gif, look, opened, picture, png

MIB = 1024 * 1024
GROWTH = 24 * MIB
QUICK_S = 1.0
ROOT = Path(__file__).parents[2]
WEBP_FLOOD = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff" + bytes(64)

HOSTILE: MappingProxyType[str, Callable[[], bytes]] = MappingProxyType(
    {
        "flood.png": lambda: png(60_000, 60_000, zlib.compress(bytes(100_000))),
        "flood.webp": lambda: WEBP_FLOOD,
        "flood.gif": lambda: b"GIF89a\xff\xff\xff\xff\0\0\0" + bytes(64),
        "truncated.jpg": lambda: picture((3_000, 2_000))[:-9_000],
        "noise.jpg": lambda: b"\xff\xd8\xff\xe0" + noise(MIB, 7),
        "fits.jpg": lambda: b"SIMPLE  =                    T" + b" " * 2_850,
        "vector.png": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "page.jpg": lambda: b"%PDF-1.7\n",
        "script.jpg": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n",
        "tiff.jpg": lambda: b"II*\0" + bytes(400),
        "text.png": lambda: PNG + b"no piece of a picture",
        "empty.jpg": lambda: b"",
    }
)


@pytest.mark.parametrize("name", HOSTILE)
async def test_nothing_is_made_of_it(server: Running, ada: Person, name: str) -> None:
    file = (await ada.put(f"/{name}", HOSTILE[name]())).json
    before = _memory()

    reply = await look(ada, file)

    assert (reply.status, reply.body) == (HTTPStatus.NO_CONTENT, b"")
    assert _memory() - before < GROWTH
    assert opened(await look(ada, (await ada.put("/good.jpg", picture())).json)).size == (256, 192)


@pytest.mark.parametrize("name", ["a.svg", "a.pdf", "a.eps", "a.odt", "a.tiff", "a"])
async def test_what_says_to_be_no_picture_is_not_even_looked_into(ada: Person, name: str) -> None:
    file = (await ada.put(f"/{name}", picture())).json

    assert (await look(ada, file)).status == HTTPStatus.NO_CONTENT


async def test_first_of_ten_thousand_frames_is_all_that_is_drawn(ada: Person) -> None:
    file = (await ada.put("/long.gif", long_gif(10_000))).json
    begun_s = time.monotonic()

    assert opened(await look(ada, file)).size == (2, 2)
    assert time.monotonic() - begun_s < thumbnailing.PATIENCE_S / 4


async def test_server_answers_while_a_bomb_goes_off(server: Running, ada: Person) -> None:
    large = zlib.compress(bytes(9_901 * 10_000), 1)
    file = (await ada.put("/bomb.png", png(9_900, 10_000, large))).json
    before, slowest_s = _memory(), 0.0

    making = asyncio.ensure_future(look(ada, file))
    while not making.done():
        begun_s = time.monotonic()
        assert (await server.stranger.get("/healthz")).status == HTTPStatus.OK
        slowest_s = max(slowest_s, time.monotonic() - begun_s)

    assert opened(await making).size == (253, 256)
    assert slowest_s < QUICK_S
    assert _memory() - before < GROWTH


async def test_one_that_takes_too_long_is_ended_and_not_tried_again(
    server: Running, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = (await ada.put("/slow.png", png(9_900, 10_000, zlib.compress(bytes(9_901 * 10_000), 1)))).json
    monkeypatch.setattr(thumbnailing, "PATIENCE_S", 0.01)

    assert (await look(ada, slow)).status == HTTPStatus.NO_CONTENT

    monkeypatch.undo()
    assert (await look(ada, slow)).status == HTTPStatus.NO_CONTENT
    assert opened(await look(ada, (await ada.put("/good.jpg", picture())).json)).size == (256, 192)


def test_process_that_ended_by_itself_is_started_again(tmp_path: Path) -> None:
    drawer, source = Thumbnailer(), tmp_path / "a.png"
    source.write_bytes(picture((40, 30), "PNG"))
    with source.open("rb") as file:
        assert drawer.make(file, 256).media_type == "image/jpeg"
        first = drawer.process_id
        assert first is not None

        drawer.dismiss()

        assert drawer.make(file, 256).media_type == "image/jpeg"
    assert drawer.process_id != first
    drawer.close()


def test_process_can_open_no_file_and_no_connection_and_start_nothing() -> None:
    tries = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
from app import thumbnailer
thumbnailer.prepare()
thumbnailer.shut_in()
for act in (
    lambda: open("/etc/passwd"), lambda: open("/tmp/new", "w"), lambda: socket.socket(), lambda: os.fork(),
    lambda: os.execv("/bin/true", ["true"]), lambda: os.kill(os.getppid(), 0),
    lambda: bytearray(600 * 1024 * 1024),
):
    try:
        act()
    except (PermissionError, MemoryError):
        print("refused")
    else:
        print("let")
"""

    ended = subprocess.run([sys.executable, "-c", tries, ROOT], capture_output=True, text=True, check=True)

    assert ended.stdout.split() == ["refused"] * 7, ended.stderr


def _memory() -> int:
    """Return the bytes of memory that this process, which is the server's too, holds."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096
