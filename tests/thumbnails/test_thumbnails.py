"""What a thumbnail shows, who gets it, and what is kept of it."""

import io
import sqlite3
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from app.repositories.thumbnails import Thumbnail, ThumbnailCache
from app.services import thumbnails as service
from tests.api.conftest import Running
from tests.api.people import Person
from tests.links.people import make_link
from tests.thumbnails.pictures import colour, look, opened, picture

UPRIGHT = 0x0112
HEIC = Path(__file__).with_name("upright.heic").read_bytes()


async def test_thumbnail_is_a_small_jpeg_that_keeps_the_shape(ada: Person) -> None:
    file = (await ada.put("/a.jpg", picture((4000, 3000)))).json

    small, large = await look(ada, file), await look(ada, file, 1600)

    assert small.headers["Content-Type"] == "image/jpeg"
    assert opened(small).size == (256, 192)
    assert opened(large).size == (1600, 1200)
    assert colour(opened(small), 0.2, 0.5) == "red"
    assert colour(opened(small), 0.8, 0.5) == "blue"


async def test_nothing_that_stood_beside_the_picture_is_in_the_thumbnail(ada: Person) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Grandmother's secret garden"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = picture(exif=exif, icc_profile=profile, comment=b"by hand")
    file = (await ada.put("/a.jpg", data)).json

    shown = opened(await look(ada, file))

    assert not shown.getexif()
    assert shown.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}


@pytest.mark.parametrize(("orientation", "size", "top_left"), [(3, (256, 192), "blue"), (6, (192, 256), "red")])
async def test_picture_stands_upright(ada: Person, orientation: int, size: tuple[int, int], top_left: str) -> None:
    exif = Image.Exif()
    exif[UPRIGHT] = orientation
    file = (await ada.put("/a.jpg", picture(exif=exif))).json

    shown = opened(await look(ada, file))

    assert shown.size == size
    assert colour(shown, 0.2, 0.2) == top_left


async def test_picture_is_never_made_larger(ada: Person) -> None:
    file = (await ada.put("/a.png", picture((60, 40), "PNG"))).json

    assert opened(await look(ada, file, 1600)).size == (60, 40)


@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [("a.png", "PNG", "RGB"), ("a.gif", "GIF", "P"), ("a.webp", "WEBP", "RGB"), ("a.jpeg", "JPEG", "CMYK")],
)
async def test_each_kind_on_the_list_is_shown(ada: Person, name: str, kind: str, mode: str) -> None:
    file = (await ada.put(f"/{name}", picture(kind=kind, mode=mode))).json

    shown = opened(await look(ada, file))

    assert (colour(shown, 0.2, 0.5), colour(shown, 0.8, 0.5)) == ("red", "blue")


async def test_what_iphones_make_is_shown_upright(ada: Person) -> None:
    file = (await ada.put("/IMG_0001.HEIC", HEIC)).json

    assert opened(await look(ada, file)).size == (48, 64)


async def test_what_shines_through_stays_so(ada: Person) -> None:
    body = io.BytesIO()
    Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(body, "PNG")
    file = (await ada.put("/a.png", body.getvalue())).json

    reply = await look(ada, file)

    assert reply.headers["Content-Type"] == "image/webp"
    assert opened(reply).convert("RGBA").getpixel((100, 100)) == (0, 0, 0, 0)


async def test_sixteen_bits_of_grey_are_not_washed_out(ada: Person) -> None:
    body = io.BytesIO()
    Image.new("I;16", (300, 300), 0x8000).save(body, "PNG")
    file = (await ada.put("/scan.png", body.getvalue())).json

    shown = opened(await look(ada, file)).convert("L").getpixel((100, 100))

    assert shown in range(126, 131)


async def test_browser_may_ask_whether_it_changed(ada: Person) -> None:
    file = (await ada.put("/a.jpg", picture())).json
    first = await look(ada, file)

    again = await look(ada, file, known=first.headers["ETag"])
    await ada.put("/a.jpg", picture((30, 30)))
    changed = await look(ada, file, known=first.headers["ETag"])

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert again.status == HTTPStatus.NOT_MODIFIED
    assert opened(changed).size == (30, 30)


async def test_picture_of_a_version_stays_and_may_be_kept(ada: Person) -> None:
    file = (await ada.put("/a.jpg", picture())).json
    await ada.put("/a.jpg", picture((30, 30)))

    reply = await look(ada, file, version_id=file["version_id"])

    assert opened(reply).size == (256, 192)
    assert "immutable" in reply.headers["Cache-Control"]


async def test_permission_is_asked_each_time_and_not_of_the_cache(ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/ours")
    file = (await ada.put("/ours/a.jpg", picture())).json
    members = f"/api/v1/files/{folder['file_id']}/members"
    assert (await look(bob, file)).status == HTTPStatus.NOT_FOUND
    await ada.post(members, {"username": "bob", "role": "viewer"})
    assert opened(await look(bob, file)).size == (256, 192)

    await ada.delete(f"{members}/bob")

    assert (await look(bob, file)).status == HTTPStatus.NOT_FOUND
    assert opened(await look(ada, file)).size == (256, 192)


async def test_the_same_photo_of_another_is_made_anew(ada: Person, bob: Person) -> None:
    """From the time it takes nobody learns whether somebody else has the photo."""
    of_ada, of_bob = (await ada.put("/a.jpg", picture())).json, (await bob.put("/b.jpg", picture())).json
    first = await look(ada, of_ada)

    assert (await look(bob, of_bob)).headers["ETag"] != first.headers["ETag"]


async def test_link_shows_pictures_and_counts_none_as_a_download(ada: Person) -> None:
    await ada.make_folder("/album")
    await ada.put("/album/a.jpg", picture())
    beside = (await ada.put("/b.jpg", picture())).json
    holder = await make_link(ada, "/album", max_downloads=1)
    inside = (await holder.listed())["a.jpg"]

    for _ in range(2):
        assert opened(await holder.ask(f"/thumbnail?file_id={inside['file_id']}")).size == (256, 192)
    assert (await holder.ask(f"/thumbnail?file_id={beside['file_id']}")).status == HTTPStatus.NOT_FOUND
    assert (await holder.ask(f"/content?file_id={inside['file_id']}")).status == HTTPStatus.OK


async def test_too_many_who_wait_are_sent_away_for_a_moment(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    file = (await ada.put("/a.jpg", picture())).json
    monkeypatch.setattr(service, "WAITING", 0)

    reply = await look(ada, file)

    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(reply.headers["Retry-After"]) > 0


async def test_cache_may_be_deleted_and_says_so_to_backups(server: Running, ada: Person) -> None:
    file = (await ada.put("/a.jpg", picture())).json
    assert opened(await look(ada, file)).size == (256, 192)

    folder = server.folder / "cache"

    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    with sqlite3.connect(folder / "thumbnails.db") as kept:
        assert kept.execute("SELECT count(*) FROM thumbnails").fetchone() == (1,)
    kept.close()


def test_cache_lets_go_of_what_was_not_asked_for_longest(tmp_path: Path) -> None:
    cache = ThumbnailCache.open(tmp_path / "cache" / "thumbnails.db", most=10_000)
    pictures = {bytes([number]): Thumbnail("image/jpeg", bytes(1_000)) for number in range(8)}
    for now_ms, (key, thumbnail) in enumerate(pictures.items()):
        cache.keep(key, thumbnail, now_ms)
    cache.find(b"\0", 10**9, may_write=True)

    cache.keep(b"new", Thumbnail("image/jpeg", bytes(2_000)), 10**9)

    kept = [key for key in (*pictures, b"new") if cache.find(key, 10**9, may_write=False)]
    cache.close()
    assert kept == [b"\0", b"\3", b"\4", b"\5", b"\6", b"\7", b"new"]


def test_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "thumbnails.db"
    ThumbnailCache.open(path).close()
    path.write_bytes(b"no database" * 1_000)

    cache = ThumbnailCache.open(path)
    cache.keep(b"key", Thumbnail("image/jpeg", b"body"), 1)

    assert cache.find(b"key", 1, may_write=False) == Thumbnail("image/jpeg", b"body")
    cache.close()


def test_server_itself_loads_no_decoder() -> None:
    asked = "import sys, app.application; print([name for name in ('PIL', 'pi_heif') if name in sys.modules])"

    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"
