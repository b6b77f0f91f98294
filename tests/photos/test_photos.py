"""The gallery: pictures and videos of the whole view, by their times."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest

from app.services import photos
from tests.api.people import Person


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


async def shoot(person: Person, path: str, at: str) -> Any:
    reply = await person.put(path, path.encode(), **{"X-Mtime-Ms": str(ms(at))})
    assert reply.status == HTTPStatus.CREATED, reply.body
    return reply.json


async def gallery(person: Person, **query: int) -> list[str]:
    """Return the paths of all photos, page by page."""
    paths, given = list[str](), {name: str(value) for name, value in query.items()}
    while True:
        reply = await person.get("/api/v1/photos", params=given)
        assert reply.status == HTTPStatus.OK, reply.body
        paths += [item["path"] for item in reply.json["items"]]
        if reply.json["next"] is None:
            return paths
        given = {"limit": given.get("limit", "200"), "after": reply.json["next"]}


async def months(person: Person, offset_min: int = 0) -> dict[str, int]:
    reply = await person.get("/api/v1/photos/months", params={"offset_min": str(offset_min)})
    assert reply.status == HTTPStatus.OK, reply.body
    return {item["month"]: item["photos"] for item in reply.json["items"]}


async def test_pictures_and_videos_of_all_folders_come_newest_first(ada: Person) -> None:
    await ada.make_folder("/2026/summer", parents=True)
    await shoot(ada, "/2026/summer/b.jpg", "2026-07-02")
    await shoot(ada, "/a.mp4", "2026-08-01")
    await shoot(ada, "/2026/c.HEIC", "2025-12-31")
    for name in ("notes.txt", "drawing.svg", "song.mp3"):
        await shoot(ada, f"/{name}", "2026-07-03")

    assert await gallery(ada) == ["/a.mp4", "/2026/summer/b.jpg", "/2026/c.HEIC"]
    assert list((await months(ada)).items()) == [("2026-08", 1), ("2026-07", 1), ("2025-12", 1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_hold_each_photo_once_also_those_of_one_moment(ada: Person, limit: int) -> None:
    paths = [f"/{number}.jpg" for number in range(5)]
    for path in paths:
        await shoot(ada, path, "2026-07-02")

    shown = await gallery(ada, limit=limit)

    assert sorted(shown) == paths


async def test_gallery_begins_before_any_moment(ada: Person) -> None:
    for day in ("01", "02", "03"):
        await shoot(ada, f"/{day}.jpg", f"2026-07-{day}")

    assert await gallery(ada, before_ms=ms("2026-07-03")) == ["/02.jpg", "/01.jpg"]
    assert await gallery(ada, before_ms=ms("1900-01-01")) == []


async def test_months_are_those_of_the_askers_clock(ada: Person) -> None:
    await shoot(ada, "/late.jpg", "2026-07-31T23:30")

    assert await months(ada) == {"2026-07": 1}
    assert await months(ada, 60) == {"2026-08": 1}
    assert await months(ada, -1_440) == {"2026-07": 1}


async def test_what_is_shared_is_in_every_members_gallery_and_nobody_elses(ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/ours")
    await shoot(ada, "/ours/a.jpg", "2026-07-02")
    await shoot(ada, "/mine.jpg", "2026-07-01")
    await shoot(bob, "/his.jpg", "2026-07-03")
    assert await gallery(bob) == ["/his.jpg"]

    await ada.post(f"/api/v1/files/{folder['file_id']}/members", {"username": "bob", "role": "viewer"})

    assert await gallery(bob) == ["/his.jpg", "/ours/a.jpg"]
    assert await months(bob) == {"2026-07": 2}
    assert await gallery(ada) == ["/ours/a.jpg", "/mine.jpg"]


async def test_trash_takes_photos_out_of_the_gallery_and_gives_them_back(ada: Person) -> None:
    folder = await ada.make_folder("/trip")
    await ada.make_folder("/trip/day")
    await shoot(ada, "/trip/day/a.jpg", "2026-07-02")
    single = await shoot(ada, "/b.jpg", "2026-07-01")

    await ada.delete(f"/api/v1/files/{folder['file_id']}")
    await ada.delete(f"/api/v1/files/{single['file_id']}")
    assert (await gallery(ada), await months(ada)) == ([], {})

    for entry in (await ada.get("/api/v1/trash")).json["items"]:
        await ada.post(f"/api/v1/trash/{entry['trash_id']}/restore")
    assert await gallery(ada) == ["/trip/day/a.jpg", "/b.jpg"]


async def test_gallery_follows_what_becomes_of_a_file(ada: Person) -> None:
    made = await shoot(ada, "/a.jpg", "2026-07-02")
    await ada.make_folder("/away")

    copied = await ada.post(f"/api/v1/files/{made['file_id']}/copy", {"parent_id": "root", "name": "b.jpg"})
    assert await gallery(ada) == ["/b.jpg", "/a.jpg"]
    away = (await ada.at("/away")).json["file_id"]
    await ada.change(copied.json["file_id"], mtime_ms=ms("2020-02-29"), parent_id=away)
    assert await months(ada) == {"2026-07": 1, "2020-02": 1}

    text = await ada.upload("/a.jpg", b"text", content_type="text/plain", on_conflict="replace", base_version=None)
    assert text["content_type"] == "text/plain"
    assert await gallery(ada) == ["/away/b.jpg"]


async def test_large_folder_in_the_trash_is_passed_over_page_by_page(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await ada.make_folder("/gone")
    for number in range(5):
        await shoot(ada, f"/gone/{number}.jpg", "2026-07-02")
    await shoot(ada, "/old.jpg", "2026-07-01")
    await ada.delete(f"/api/v1/files/{folder['file_id']}")
    monkeypatch.setattr(photos, "EFFORT", 2)

    first = await ada.get("/api/v1/photos")

    assert first.json["items"] == []
    assert first.json["next"] is not None
    assert await gallery(ada) == ["/old.jpg"]


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": "1.2"}, {"after": "1.2.3", "before_ms": "4"}, {"limit": "0"}, {"limit": "1001"}]
)
async def test_nonsense_is_refused(ada: Person, query: dict[str, str]) -> None:
    assert (await ada.get("/api/v1/photos", params=query)).status == HTTPStatus.BAD_REQUEST


async def test_times_beyond_the_calendar_harm_nobody(ada: Person) -> None:
    for name, at in (("a.jpg", 2**53), ("b.jpg", -(2**53)), ("c.jpg", 0)):
        await ada.put(f"/{name}", b"x", **{"X-Mtime-Ms": str(at)})

    assert await gallery(ada) == ["/a.jpg", "/c.jpg", "/b.jpg"]
    assert await months(ada) == {"1970-01": 1}
    assert await months(ada, -1) == {"1969-12": 1}
    assert await gallery(ada, before_ms=2**53) == ["/c.jpg", "/b.jpg"]
