"""The way between the main process and those beside it, without either."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.auth.endings import Ended
from app.data_folder import DataFolder
from app.roles.beside import find_main
from app.roles.far import Mirror, find
from app.roles.link import (
    Answer,
    Changed,
    Copied,
    Done,
    Followers,
    Here,
    Link,
    Locate,
    Located,
    News,
    Over,
    Question,
    following,
    serve_link,
)
from app.version import VERSION
from storage.base import ChunkId, Encoding, Seal
from storage.disk import UNFINISHED, LocalDisk
from storage.errors import StoreUnavailableError
from storage.vault import VAULT_NAME, MasterKey, Vault


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    with DataFolder(tmp_path / "data", LocalDisk()) as folder:
        yield folder


async def nothing(_: Question) -> Answer:
    return Done(0)


async def to_the_end(hear: Callable[[], Awaitable[News]]) -> None:
    while True:
        await hear()


async def test_whoever_follows_hears_of_every_change_and_ending_from_then_on(folder: DataFolder) -> None:
    here, followers = Here("instance", "epoch", VERSION), Followers()
    async with serve_link(folder, here, followers, nothing), following(folder) as (found, hear):
        followers.changed(frozenset({7}))
        followers.ended(Ended(1, 2))
        followers.ended(Ended(3))
        heard = [await hear() for _ in range(3)]

    assert found == here
    assert heard == [Changed((7,)), Over(1, 2), Over(3, None)]


async def test_one_that_takes_nothing_is_left_behind_and_told_so(folder: DataFolder) -> None:
    here, followers = Here("instance", "epoch", VERSION), Followers()
    async with serve_link(folder, here, followers, nothing), following(folder) as (_, hear):
        for _ in range(2_000):  # nothing is taken while this goes on
            followers.changed(frozenset(range(1_000)))

        assert not followers.count
        with pytest.raises((OSError, EOFError)):
            await to_the_end(hear)


async def test_a_process_beside_one_of_another_version_does_not_start(folder: DataFolder) -> None:
    async with serve_link(folder, Here("instance", "epoch", "0.0.1"), Followers(), nothing):
        with closing(Link(folder)) as link, pytest.raises(StoreUnavailableError, match=r"0\.0\.1.*start it anew"):
            await find_main(link, asyncio.Event())


async def test_no_file_is_taken_over_but_keys_and_what_tells_of_the_store(folder: DataFolder, tmp_path: Path) -> None:
    async def answer(_: Question) -> Answer:
        return Copied({"keys/../../stolen": b"x"})

    async with serve_link(folder, Here("instance", "epoch", VERSION), Followers(), answer):
        with closing(Link(folder)) as link, pytest.raises(StoreUnavailableError, match="is no file of those"):
            await asyncio.to_thread(Mirror(link, folder, LocalDisk()).take)

    assert not (tmp_path / "stolen").exists()


async def test_a_chunk_under_a_key_that_is_new_is_found_with_that_key(folder: DataFolder, tmp_path: Path) -> None:
    disk, master, chunk_id = LocalDisk(), MasterKey(bytes(range(32))), ChunkId(bytes(32))
    there = tmp_path / "there"
    there.mkdir()
    Vault(there, disk, master).turn_on()

    async def answer(question: Question) -> Answer:
        if isinstance(question, Locate):
            return Located(1, 30, int(Encoding.RAW), None, None, 0, (1, bytes(32)), b"sealed")
        return Copied({f"store/{VAULT_NAME}": (there / VAULT_NAME).read_bytes()})

    folder.store.mkdir()
    vault = Vault(folder.store, disk, master, is_followed=True)
    async with serve_link(folder, Here("instance", "epoch", VERSION), Followers(), answer):
        with closing(Link(folder)) as link:
            found = await asyncio.to_thread(find, link, Mirror(link, folder, disk), vault, chunk_id)

    assert (found.seal, vault.numbers) == (Seal(1, bytes(32)), [1])


async def test_a_key_that_was_voided_goes_even_where_the_new_one_cannot_be_written(folder: DataFolder) -> None:
    async def answer(_: Question) -> Answer:
        return Copied({"keys/2.new.key": bytes(range(32))})

    folder.keys.mkdir(exist_ok=True)
    voided = folder.keys / "1.old.key"
    voided.write_bytes(bytes(range(32)))
    (folder.keys / f"2.new.key{UNFINISHED}").mkdir()
    async with serve_link(folder, Here("instance", "epoch", VERSION), Followers(), answer):
        with closing(Link(folder)) as link, pytest.raises(OSError, match=UNFINISHED):
            await asyncio.to_thread(Mirror(link, folder, LocalDisk()).take)

    assert not voided.exists()
