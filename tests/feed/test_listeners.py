"""Who is told of commits: only of what is durable, and only of what a feed shows."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.db.database import Database
from app.db.migrate import migrate
from app.db.transaction import Listeners, Transaction
from app.repositories import spaces
from storage.disk import LocalDisk
from storage.store import ChunkStore


@pytest.fixture
def heard() -> list[frozenset[int]]:
    return []


@pytest.fixture
async def database(tmp_path: Path, heard: list[frozenset[int]]) -> AsyncIterator[Database]:
    """A database of its own, and what it tells of."""
    disk, path = LocalDisk(), tmp_path / "metadata.db"
    migrate(path, tmp_path, disk)
    store = await ChunkStore.open(tmp_path / "store", disk=disk, open_claims=[], clean=True)
    with ExitStack() as later:
        states = store.states()
        later.callback(states.close)
        database = await Database.open(
            path, disk=disk, chunks=states, clock_ms=lambda: 1, listeners=Listeners(changed=heard.append)
        )
        yield database
        await database.close()
    await store.close()


def change(tx: Transaction) -> None:
    spaces.adjust(tx, 7, seq=tx.record(node_id=1, operation=1, actor_id=1))


async def test_a_commit_names_the_spaces_whose_feed_has_news(database: Database, heard: list[frozenset[int]]) -> None:
    await database.write(change)

    assert heard == [frozenset({7})]


async def test_a_unit_that_is_undone_tells_nobody(database: Database, heard: list[frozenset[int]]) -> None:
    def fail(tx: Transaction) -> None:
        change(tx)
        raise KeyError("a refusal")

    with pytest.raises(KeyError):
        await database.write(fail)
    await database.write(lambda tx: tx.next_id())

    assert heard == []


async def test_room_promised_and_given_back_is_no_news(database: Database, heard: list[frozenset[int]]) -> None:
    await database.write(lambda tx: spaces.adjust(tx, 7, reserved=100))

    assert heard == []
