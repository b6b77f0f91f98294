"""The account of room adds up, and comes from no more than it has to."""

import pytest

from app.services import storage
from tests.api.conftest import Running
from tests.api.people import Person, noise


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each answer be as of now."""
    monkeypatch.setattr(storage, "KEPT_MS", -1)
    monkeypatch.setattr(storage, "STORE_KEPT_MS", -1)


async def test_live_versions_and_trash_are_told_apart_and_add_up(ada: Person) -> None:
    first = await ada.upload("/docs/a.txt", b"x" * 100, parents=True)
    await ada.upload("/docs/a.txt", b"y" * 30, base_version=first["version_id"])
    gone = await ada.upload("/docs/inner/b.txt", b"z" * 7, parents=True)
    await ada.delete(f"/api/v1/files/{gone['parent_id']}")
    await ada.upload("/c.txt", b"c")

    told = (await ada.get("/api/v1/storage")).json

    (home,) = told["spaces"]
    assert {name: home[name] for name in ("live", "versions", "trash", "files", "folders")} == {
        "live": 31,
        "versions": 100,
        "trash": 7,
        "files": 2,
        "folders": 1,
    }
    assert told["used"] == 138


async def test_admins_alone_are_told_of_the_store(server: Running, ada: Person, bob: Person) -> None:
    content = noise(5000, seed=5)
    await ada.upload("/a.bin", content)
    await bob.upload("/same.bin", content)
    await ada.upload("/zeros", b"\0" * 50_000)

    assert (await bob.get("/api/v1/storage")).json["store"] is None
    store = (await ada.get("/api/v1/storage")).json["store"]

    assert store["logical"] == 60_000
    assert store["unique"] == 55_000
    assert store["saved_by_deduplication"] == 5_000
    assert 49_000 < store["saved_by_compression"] < 50_000
    assert store["next_freed"] == {"retention": None, "trash": 0, "collector": 0}
    assert 0 < store["disk_free"] <= store["disk_total"]
    await server.cairn.keeper.tend()
    assert server.cairn.keeper.versions_due == 0


async def test_what_nobody_uses_any_more_is_what_the_collector_frees(server: Running, ada: Person) -> None:
    file = await ada.upload("/a.bin", noise(5000, seed=6))
    await ada.upload("/b.bin", noise(100_000, seed=7), noise(100_000, seed=8))
    await ada.delete(f"/api/v1/files/{file['file_id']}")
    await ada.delete(f"/api/v1/trash/{file['file_id']}")
    while await server.cairn.jobs.advance():
        pass
    await server.cairn.collector.collect(over_half=False)

    store = (await ada.get("/api/v1/storage")).json["store"]

    assert store["next_freed"]["collector"] == 5_000
    assert store["unique"] == store["logical"] == 200_000
