"""A server put back by hand is noticed, in whatever way it was done: no cursor counts that saw what is no more."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from app.application import Cairn
from app.auth.identity import Actor
from app.clock import now_ms
from app.data_folder import DataFolder
from app.db.database import connect_reader
from app.db.epochs import END_OF_IDS, HighWater, open_epoch
from app.errors import CursorResetError
from app.services import fsck
from app.services.fsck import Level
from storage import group_writer
from storage.disk import LocalDisk
from tests.crash.powered import sign_up
from tests.feed.conftest import opened
from tests.feed.reader import Reader, read_page

Served = Callable[[], AbstractAsyncContextManager[Cairn]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def actor(data: Path) -> Actor:
    """A device of a user who has a folder and a file's worth of history, on a server that has stopped."""
    async with opened(data) as cairn:
        actor = await sign_up(cairn)
        await make_folders(cairn, actor, "before", 5)
        return actor


async def make_folders(cairn: Cairn, actor: Actor, name: str, count: int) -> None:
    for number in range(count):
        await cairn.services.tree.make_folder_in(actor, "root", f"{name} {number}")


async def last_cursor(cairn: Cairn, actor: Actor) -> str:
    return (await read_page(cairn, actor, limit=10_000)).cursor


async def cursors_on_the_way(cairn: Cairn, actor: Actor) -> list[str]:
    """Return a cursor of each page of a listing, so of a reader who is in the middle of it."""
    reader, cursors = Reader(cairn, actor, limit=2), list[str]()
    while reader.has_more:
        cursors.append((await reader.turn()).cursor)
    return cursors


def damage(data: Path) -> list[str]:
    return [found.detail for found in fsck.check(DataFolder(data, LocalDisk()), LocalDisk(), Level.METADATA)]


def next_id(data: Path) -> int:
    with closing(connect_reader(data / "metadata.db")) as connection:
        return int(connection.execute("SELECT next_id FROM meta").fetchone()[0])


async def test_a_whole_folder_put_back_and_written_past_the_old_head_takes_no_cursor_of_before(
    data: Path, actor: Actor, tmp_path: Path
) -> None:
    async with opened(data) as cairn:
        old, on_the_way = await last_cursor(cairn, actor), Reader(cairn, actor, limit=2)
        await on_the_way.turn()
    shutil.copytree(data, tmp_path / "copy")
    async with opened(data) as cairn:
        await make_folders(cairn, actor, "lost", 4)
        on_the_way.cairn = cairn
        begun_before_the_copy = (await on_the_way.turn()).cursor
        lost = [await last_cursor(cairn, actor), begun_before_the_copy, *await cursors_on_the_way(cairn, actor)]
    shutil.rmtree(data)
    (tmp_path / "copy").rename(data)

    async with opened(data) as cairn:
        for cursor in lost:
            with pytest.raises(CursorResetError):
                await read_page(cairn, actor, cursor=cursor)
        await make_folders(cairn, actor, "other", 9)
        for cursor in lost:
            with pytest.raises(CursorResetError):
                await read_page(cairn, actor, cursor=cursor)
        known = await read_page(cairn, actor, cursor=old)

    assert len(known.changes) == 9
    assert damage(data) == []


async def test_a_database_put_back_alone_begins_a_new_epoch(
    data: Path, actor: Actor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(data / "metadata.db", tmp_path / "copy.db")
    async with opened(data) as cairn:
        old = await last_cursor(cairn, actor)
        await make_folders(cairn, actor, "lost", 4)
        lost = await last_cursor(cairn, actor)
    ids_before = next_id(data)
    shutil.copy(tmp_path / "copy.db", data / "metadata.db")

    async with opened(data) as cairn:
        for cursor in (old, lost):
            with pytest.raises(CursorResetError):
                await read_page(cairn, actor, cursor=cursor)
        with pytest.raises(CursorResetError):
            await read_page(cairn, actor, since_ms=now_ms())
        assert (await read_page(cairn, actor, since_ms=2**53)).changes == []
        await make_folders(cairn, actor, "other", 9)
        fresh = await read_page(cairn, actor)
        assert (await read_page(cairn, actor, cursor=fresh.cursor)).changes == []

    assert len(fresh.changes) == 1 + 5 + 9
    assert ids_before < next_id(data) < END_OF_IDS
    assert damage(data) == []
    assert "put back" in caplog.text


async def test_a_new_epoch_begins_once(data: Path, actor: Actor, tmp_path: Path) -> None:
    shutil.copy(data / "metadata.db", tmp_path / "copy.db")
    async with opened(data) as cairn:
        await make_folders(cairn, actor, "lost", 4)
    shutil.copy(tmp_path / "copy.db", data / "metadata.db")
    async with opened(data) as cairn:
        cursor = await last_cursor(cairn, actor)

    async with opened(data) as cairn:
        assert (await read_page(cairn, actor, cursor=cursor)).changes == []


async def test_a_server_that_was_not_put_back_keeps_its_epoch(data: Path, actor: Actor) -> None:
    async with opened(data) as cairn:
        cursor = await last_cursor(cairn, actor)
    (data / "guard" / "high-water").unlink()  # as an older Cairn leaves its folder

    for _ in range(2):
        async with opened(data) as cairn:
            assert (await read_page(cairn, actor, cursor=cursor)).changes == []


async def test_how_far_the_journal_came_is_noted_at_each_checkpoint(
    data: Path, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writer, "CHECKPOINT_SIZE", 1)
    note = data / "guard" / "high-water"
    async with opened(data) as cairn:
        before = note.read_bytes()
        await make_folders(cairn, actor, "more", 2)  # the first one's checkpoint is over when the second is answered
        after = note.read_bytes()

    assert after != before


async def test_a_damaged_note_begins_a_new_epoch(data: Path, actor: Actor) -> None:
    async with opened(data) as cairn:
        cursor = await last_cursor(cairn, actor)
    (data / "guard" / "high-water").write_bytes(b"{")

    async with opened(data) as cairn:
        with pytest.raises(CursorResetError):
            await read_page(cairn, actor, cursor=cursor)


def test_ids_jump_but_never_beyond_what_apps_can_read(data: Path, actor: Actor) -> None:
    high_water = HighWater(data / "guard" / "high-water", LocalDisk())
    with closing(sqlite3.connect(data / "metadata.db")) as connection, connection:
        connection.execute("UPDATE meta SET next_id = ?", (END_OF_IDS - 10,))
    (data / "guard" / "high-water").write_bytes(b"{")

    open_epoch(data / "metadata.db", high_water, LocalDisk())

    assert END_OF_IDS - 10 < next_id(data) < END_OF_IDS
