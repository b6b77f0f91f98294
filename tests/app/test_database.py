"""The metadata database: one writer that commits for all who wait, readers that hold nobody up."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from app.application import Cairn
from app.clock import now_ms
from app.config import Settings
from app.db.database import READERS
from app.db.transaction import Snapshot, Transaction
from storage.errors import StorageError, StoreUnavailableError
from storage.index import connect_reader, connect_writer
from tests.api.conftest import serving

PATIENCE_S = 60.0


def note(tx: Transaction) -> int:
    """Write one journal row; return its seq."""
    return tx.record(node_id=tx.next_id(), operation=1, actor_id=1)


def seqs(tx: Snapshot) -> list[int]:
    """Return every seq of the journal."""
    return [row[0] for row in tx.execute("SELECT seq FROM journal ORDER BY seq")]


class Gate:
    """Holds a database thread inside a unit of work until it is opened."""

    def __init__(self) -> None:
        self._entered, self._opened = threading.Event(), threading.Event()

    def wait(self, _tx: Snapshot) -> None:
        self._entered.set()
        assert self._opened.wait(PATIENCE_S)

    async def entered(self) -> None:
        assert await asyncio.to_thread(self._entered.wait, PATIENCE_S)

    def open(self) -> None:
        self._opened.set()


async def test_units_that_wait_together_are_committed_together(cairn: Cairn) -> None:
    gate, before = Gate(), cairn.database.commits
    async with asyncio.TaskGroup() as group:
        group.create_task(cairn.database.write(gate.wait))
        await gate.entered()
        units = [group.create_task(cairn.database.write(note)) for _ in range(100)]
        await asyncio.sleep(0)  # each has put its unit into the queue
        gate.open()

    assert cairn.database.commits - before < 20
    got = [unit.result() for unit in units]
    assert got == list(range(got[0], got[0] + 100))


async def test_a_unit_that_fails_undoes_itself_alone_and_its_numbers(cairn: Cairn) -> None:
    def fail(tx: Transaction) -> int:
        note(tx)
        tx.execute("UPDATE spaces SET used = 99")
        raise LookupError

    before, gate = await cairn.database.read(seqs), Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(cairn.database.write(gate.wait))
        await gate.entered()
        units = [asyncio.ensure_future(cairn.database.write(note if n % 2 else fail)) for n in range(40)]
        await asyncio.sleep(0)
        gate.open()

    results = await asyncio.gather(*units, return_exceptions=True)

    assert [isinstance(result, LookupError) for result in results] == [True, False] * 20
    after = await cairn.database.read(seqs)
    assert after == list(range(1, len(before) + 21))
    assert [result for result in results if isinstance(result, int)] == after[-20:]
    assert await cairn.database.read(lambda tx: tx.execute("SELECT max(used) FROM spaces").fetchone()[0]) == 0


async def test_a_unit_that_breaks_a_rule_of_the_schema_fails_alone(cairn: Cairn) -> None:
    def break_it(tx: Transaction) -> None:
        tx.execute("INSERT INTO folders (node_id, size, items, below_seq) VALUES (12345678, 0, 0, 0)")

    broken, well = await asyncio.gather(
        cairn.database.write(break_it), cairn.database.write(note), return_exceptions=True
    )

    assert isinstance(broken, sqlite3.IntegrityError)
    assert isinstance(well, int)


async def test_rows_of_one_unit_have_one_time(cairn: Cairn) -> None:
    def times(tx: Transaction) -> list[int]:
        first, begun = tx.now_ms(), now_ms()
        while now_ms() == begun:
            pass  # the next millisecond comes by itself
        return [first, tx.now_ms(), tx.clock_ms()]

    first, *later = await cairn.database.write(times)

    assert later == [first, first]


async def test_the_numbers_are_in_the_database_with_what_used_them(cairn: Cairn) -> None:
    seq, next_id = await cairn.database.write(lambda tx: (note(tx), tx.next_id()))

    stored = await cairn.database.read(lambda tx: tuple(tx.execute("SELECT seq, next_id FROM meta").fetchone()))

    assert stored == (seq, next_id + 1)


async def test_a_caller_who_left_takes_nobody_with_it(cairn: Cairn) -> None:
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(cairn.database.write(gate.wait))
        await gate.entered()
        leaving = asyncio.ensure_future(cairn.database.write(note))
        staying = group.create_task(cairn.database.write(note))
        await asyncio.sleep(0)
        leaving.cancel()
        gate.open()

    assert leaving.cancelled()
    assert staying.result() > 0


async def test_reads_do_not_wait_for_the_writer(cairn: Cairn) -> None:
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(cairn.database.write(gate.wait))
        await gate.entered()

        async with asyncio.timeout(PATIENCE_S):
            found = await cairn.database.read(seqs)
        gate.open()

    assert found


async def test_a_read_sees_one_state_from_its_first_statement_on(cairn: Cairn) -> None:
    gate = Gate()

    def look_twice(tx: Snapshot) -> tuple[list[int], list[int]]:
        first = seqs(tx)
        gate.wait(tx)
        return first, seqs(tx)

    reading = asyncio.ensure_future(cairn.database.read(look_twice))
    await gate.entered()
    written = await cairn.database.write(note)
    gate.open()
    first, second = await reading

    assert first == second
    assert written not in second
    assert written in await cairn.database.read(seqs)


async def test_a_read_cannot_write(cairn: Cairn) -> None:
    with pytest.raises((sqlite3.OperationalError, StorageError)):
        await cairn.database.read(lambda tx: tx.execute("UPDATE meta SET seq = 0"))

    assert await cairn.database.write(note) > 1


async def test_what_is_written_after_the_end_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", Settings()) as running:
        database = running.cairn.database

    with pytest.raises(StoreUnavailableError):
        await database.write(note)


# Pragmas


def pragma(tx: Snapshot, name: str) -> object:
    return tx.execute(f"PRAGMA {name}").fetchone()[0]


async def test_the_writer_syncs_every_commit_and_alone_checkpoints(cairn: Cairn) -> None:
    names = ("journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys", "secure_delete", "mmap_size")

    values = await cairn.database.write(lambda tx: [pragma(tx, name) for name in names])

    assert values == ["wal", 2, 0, 1, 0, 0]  # 2 is FULL


async def test_every_reader_can_only_read_and_never_checkpoints(cairn: Cairn) -> None:
    names = ("journal_mode", "query_only", "wal_autocheckpoint")
    barrier = threading.Barrier(READERS)  # so that each of them is met

    def look(tx: Snapshot) -> tuple[int, list[object]]:
        barrier.wait(PATIENCE_S)
        return id(tx.connection), [pragma(tx, name) for name in names]

    met = dict(await asyncio.gather(*(cairn.database.read(look) for _ in range(READERS))))

    assert len(met) == READERS
    assert list(met.values()) == [["wal", 1, 0]] * READERS


async def test_the_store_syncs_every_commit_too(cairn: Cairn) -> None:
    path = Path(await cairn.database.read(lambda tx: tx.execute("PRAGMA database_list").fetchone()[2]))
    index = path.parent / "store" / "chunks.db"
    for connect, expected in ((connect_writer, ["wal", 2, 0, 0]), (connect_reader, ["wal", 2, 0, 1])):
        connection = connect(index)
        found = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "query_only")
        ]
        connection.close()
        assert found == expected
