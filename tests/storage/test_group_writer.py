"""The writer's thread: one commit for all who wait, an undo for each alone, and no answer before the commit."""

import asyncio
import contextlib
import errno
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage import group_writer
from storage.disk import DiskUsage, LocalDisk
from storage.errors import StorageError, StoreFailedError, StoreFullError, StoreUnavailableError
from storage.group_writer import GroupWriter, PlainSession, translated
from storage.index import connect_writer
from tests.simdisk import SimDisk


@dataclass
class Counting:
    """A session with a counter that follows the undo of a unit, as the server's has."""

    connection: sqlite3.Connection
    count: int = 0
    flushed: list[int] = field(default_factory=list)
    heard: list[tuple[str, int]] = field(default_factory=list)

    def mark(self) -> int:
        return self.count

    def reset(self, mark: int) -> None:
        self.count = mark

    def flush(self) -> None:
        self.flushed.append(self.count)

    def committed(self) -> None:
        self.heard.append(("commit", self.count))

    def checkpointed(self) -> None:
        self.heard.append(("checkpoint", self.count))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def disk(tmp_path: Path) -> SimDisk:
    return SimDisk(tmp_path)


@pytest.fixture
def failures() -> list[StorageError]:
    return []


@pytest.fixture
def writer(path: Path, disk: SimDisk, failures: list[StorageError]) -> Iterator[GroupWriter[Counting]]:
    writer = GroupWriter(
        path, open_session=lambda: Counting(connect_writer(path)), disk=disk, on_failure=failures.append
    )
    writer.write_blocking(lambda session: session.connection.execute("CREATE TABLE t (a INTEGER, b BLOB)"))
    yield writer
    writer.close()


def answers_once(monkeypatch: pytest.MonkeyPatch, disk: SimDisk, name: str) -> None:
    """Let SQLite answer the next commit so."""
    commit = disk.commit

    def refuse(connection: sqlite3.Connection, path: Path) -> None:
        monkeypatch.setattr(disk, "commit", commit)
        error = sqlite3.OperationalError("the disk says no")
        error.sqlite_errorname = name
        raise error

    monkeypatch.setattr(disk, "commit", refuse)


def adding(value: int, size: int = 0) -> Callable[[Counting], int]:
    """Return a unit of work that adds a row and counts it."""

    def work(session: Counting) -> int:
        session.connection.execute("INSERT INTO t VALUES (?, zeroblob(?))", (value, size))
        session.count += 1
        return value

    return work


def adding_and_raising(session: Counting) -> None:
    adding(-1)(session)
    raise KeyError("a bug or a refusal")


def rows(path: Path) -> list[int]:
    """Return what another connection sees."""
    connection = sqlite3.connect(path)
    found = [row[0] for row in connection.execute("SELECT a FROM t ORDER BY a")]
    connection.close()
    return found


async def behind(writer: GroupWriter[Counting]) -> Callable[[], None]:
    """Keep the thread busy with a unit of its own, so that all else queues up; return how to let it go."""
    begun, gate = threading.Event(), threading.Event()

    def wait_at_gate(_: Counting) -> None:
        begun.set()
        gate.wait(30)

    def hold_up() -> None:
        with contextlib.suppress(StorageError):
            writer.write_blocking(wait_at_gate)

    threading.Thread(target=hold_up).start()
    await asyncio.to_thread(begun.wait, 30)
    return gate.set


async def test_a_result_comes_back_and_is_committed(writer: GroupWriter[Counting], path: Path) -> None:
    result = await writer.write(adding(7))

    assert result == 7
    assert rows(path) == [7]


async def test_many_units_share_few_commits(
    writer: GroupWriter[Counting], path: Path, disk: SimDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writer, "GROUP_WORK_S", 60)  # however slow the machine
    go = await behind(writer)
    before = disk.counts["commit"]
    tasks = [asyncio.ensure_future(writer.write(adding(number))) for number in range(500)]
    await asyncio.sleep(0)

    go()
    results = await asyncio.gather(*tasks)

    assert results == list(range(500)) == rows(path)
    assert disk.counts["commit"] - before == 2  # of 501 units at most 256 each


async def test_a_unit_that_raises_undoes_only_itself(writer: GroupWriter[Counting], path: Path) -> None:
    go = await behind(writer)
    works = (adding(1), adding_and_raising, adding(2))
    tasks = [asyncio.ensure_future(writer.write(work)) for work in works]
    await asyncio.sleep(0)

    go()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    count, flushed = await writer.write(lambda session: (session.count, session.flushed))

    assert [results[0], results[2]] == [1, 2]
    assert isinstance(results[1], KeyError)
    assert rows(path) == [1, 2]
    assert count == 2
    assert flushed[-1] == 2


async def test_a_failed_commit_fails_all_and_all_after(
    writer: GroupWriter[Counting], path: Path, disk: SimDisk, failures: list[StorageError]
) -> None:
    go = await behind(writer)
    tasks = [asyncio.ensure_future(writer.write(adding(number))) for number in range(3)]
    await asyncio.sleep(0)
    disk.fail("commit", 0, errno.EIO)

    go()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(result) for result in results} == {StoreFailedError}
    with pytest.raises(StoreFailedError):
        await writer.write(adding(9))
    assert rows(path) == []
    assert len(failures) == 1


async def test_without_room_only_what_needs_it_is_refused(writer: GroupWriter[Counting], path: Path) -> None:
    await writer.write(lambda session: session.connection.execute("PRAGMA max_page_count = 20").fetchone())

    with pytest.raises(StoreFullError):
        await writer.write(adding(1, size=1_000_000))
    after = await writer.write(adding(2))

    assert after == 2
    assert rows(path) == [2]


@pytest.mark.parametrize("answer", group_writer.MAYBE_FULL)
async def test_a_quota_that_is_used_up_is_a_full_disk_and_no_failed_one(
    writer: GroupWriter[Counting],
    path: Path,
    disk: SimDisk,
    failures: list[StorageError],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    answers_once(monkeypatch, disk, answer)
    disk.fail("write", 0, errno.EDQUOT)

    with pytest.raises(StoreFullError):
        await writer.write(adding(1))

    assert await writer.write(adding(2)) == 2
    assert (rows(path), failures) == ([2], [])
    assert disk.list_(path.parent) == []  # what it looked with is gone


@pytest.mark.parametrize("room", [0, errno.EROFS], ids=["enough room", "read-only"])
async def test_a_write_that_fails_for_another_reason_is_a_failed_disk(
    writer: GroupWriter[Counting],
    disk: SimDisk,
    failures: list[StorageError],
    monkeypatch: pytest.MonkeyPatch,
    room: int,
) -> None:
    answers_once(monkeypatch, disk, "SQLITE_IOERR_WRITE")
    if room:
        disk.fail("create", 0, room)

    with pytest.raises(StoreFailedError, match="SQLITE_IOERR_WRITE"):
        await writer.write(adding(1))

    assert len(failures) == 1


async def test_after_the_disk_was_full_the_log_gives_back_its_room(
    writer: GroupWriter[Counting], path: Path, disk: SimDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.write(adding(1, 500_000))
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size
    answers_once(monkeypatch, disk, "SQLITE_FULL")
    with pytest.raises(StoreFullError):
        await writer.write(adding(2))

    await writer.write(adding(3))

    assert log.stat().st_size < size
    assert rows(path) == [1, 3]


async def test_a_mistake_in_a_statement_is_the_callers_own(writer: GroupWriter[Counting], path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await writer.write(lambda session: session.connection.execute("SELECT * FROM nowhere"))

    await writer.write(adding(1))
    assert rows(path) == [1]


async def test_a_cancelled_caller_holds_up_nobody(writer: GroupWriter[Counting], path: Path) -> None:
    go = await behind(writer)
    impatient = asyncio.ensure_future(writer.write(adding(1)))
    patient = asyncio.ensure_future(writer.write(adding(2)))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)

    go()
    await patient

    assert impatient.cancelled()
    assert rows(path) == [1, 2]


async def test_closing_finishes_what_waits_and_refuses_the_rest(writer: GroupWriter[Counting], path: Path) -> None:
    go = await behind(writer)
    task = asyncio.ensure_future(writer.write(adding(1)))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(asyncio.to_thread(writer.close))

    go()
    await closing

    assert await task == 1
    assert rows(path) == [1]
    with pytest.raises(StoreUnavailableError):
        await writer.write(adding(2))


async def test_closing_leaves_no_log_behind(writer: GroupWriter[Counting], path: Path) -> None:
    await writer.write(adding(1, size=100_000))

    await asyncio.to_thread(writer.close)

    assert sorted(file.name for file in path.parent.iterdir()) == ["x.db"]


async def test_the_log_is_written_back_when_it_has_grown(
    writer: GroupWriter[Counting], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writer, "CHECKPOINT_SIZE", 50_000)
    size_before = LocalDisk().stat(path).size

    await writer.write(adding(1, size=200_000))
    await writer.write(adding(2))  # its turn comes after the checkpoint

    assert LocalDisk().stat(path).size > size_before + 200_000


async def test_the_log_is_cut_off_then_and_not_written_back_after_every_group_from_then_on(
    path: Path, disk: SimDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writer, "CHECKPOINT_SIZE", 200_000)
    sessions: list[Counting] = []

    def opened() -> Counting:
        sessions.append(Counting(connect_writer(path)))
        return sessions[-1]

    writer = GroupWriter(path, open_session=opened, disk=disk)
    try:
        await writer.write(lambda session: session.connection.execute("CREATE TABLE t (a INTEGER, b BLOB)"))
        for value in range(60):
            await writer.write(adding(value, size=10_000))
    finally:
        writer.close()

    checkpoints = [what for what, _ in sessions[0].heard if what == "checkpoint"]
    assert 3 <= len(checkpoints) <= 8  # 60 rows of two pages of 16 KiB: one for each 200,000 bytes, and one at the end


async def test_a_log_may_grow_to_half_of_what_the_disk_has_left(
    writer: GroupWriter[Counting], path: Path, disk: SimDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = path.with_name(path.name + "-wal")
    monkeypatch.setattr(disk, "usage", lambda _: DiskUsage(total=1 << 40, free=100_000))

    await writer.write(adding(1, size=200_000))
    await writer.write(adding(2))  # its turn comes after the checkpoint

    assert log.stat().st_size < 100_000


def test_an_error_of_the_opening_is_raised_where_it_is_opened(path: Path) -> None:
    def fail() -> PlainSession:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        GroupWriter(path, open_session=fail, disk=LocalDisk())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SQLITE_FULL", StoreFullError),
        ("SQLITE_BUSY", StoreUnavailableError),
        ("SQLITE_IOERR_FSYNC", StoreFailedError),
        ("SQLITE_CORRUPT", StoreFailedError),
        ("SQLITE_READONLY_DBMOVED", StoreFailedError),
        ("SQLITE_CONSTRAINT_UNIQUE", type(None)),
    ],
)
def test_errors_of_the_disk_are_told_from_mistakes(name: str, expected: type) -> None:
    error = sqlite3.OperationalError("no matter what it says")
    error.sqlite_errorname = name

    assert type(translated(error)) is expected
