"""No answer before its sync, and few syncs for many answers: counted at the disk's door and by the kernel."""

import asyncio
import random
import re
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.disk import LocalDisk
from tests.crash.busy import prepare, session_with
from tests.crash.client import Client
from tests.crash.content import Content
from tests.crash.doors import Seen, Wish
from tests.crash.oracle import Oracle
from tests.crash.powered import powered, sign_up
from tests.crash.service_door import ServiceDoor
from tests.server import RunningServer

COMMITS = 1000
SLOW_S = 0.005
BIG = 66_000


class SlowDisk(LocalDisk):
    """Takes its time for each commit, and remembers which changes are durable by then and how each was synced.

    Attributes:
        durable_seq: the journal's head that the last finished commit made durable.
        settings: (file name, journal mode, synchronous) of the connections that committed.
    """

    def __init__(self) -> None:
        self.durable_seq = 0
        self.commits: Counter[str] = Counter()
        self.settings: set[tuple[str, str, int]] = set()

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
        self.settings.add((path.name, mode, synchronous))
        head = connection.execute("SELECT seq FROM meta").fetchone()[0] if path.name == "metadata.db" else 0
        time.sleep(SLOW_S)  # a disk is slow; whoever answers before it is done gets caught
        super().commit(connection, path)
        self.durable_seq = max(self.durable_seq, head)
        self.commits[path.name] += 1


@pytest.fixture
def disk() -> SlowDisk:
    return SlowDisk()


@pytest.fixture
async def client(tmp_path: Path, disk: SlowDisk) -> AsyncIterator[Client]:
    """A device of a server on a slow disk."""
    async with powered(tmp_path, disk) as cairn:
        door = ServiceDoor(cairn, await sign_up(cairn))
        yield Client(door, Oracle(await door.find("/"), ""))


async def test_a_thousand_commits_at_once_share_few_syncs_and_none_is_answered_before_its_own(
    client: Client, disk: SlowDisk
) -> None:
    wishes = [Wish(Content(f"{number}", (100,)), path=f"/{number}") for number in range(COMMITS)]
    opened = await client.request(*wishes, bundle=True)
    await client.send(opened, wishes)
    before = disk.commits.copy()

    async def commit(upload_id: str) -> Seen:
        seen = (await client.door.commit([upload_id]))[0]
        assert seen.seq <= disk.durable_seq, f"{seen} was answered while {disk.durable_seq} was durable"
        return seen

    made = await asyncio.gather(*(commit(upload.upload_id) for upload in opened.uploads))

    assert len({seen.seq for seen in made}) == COMMITS
    assert disk.commits["metadata.db"] - before["metadata.db"] <= COMMITS // 5
    assert disk.commits["chunks.db"] - before["chunks.db"] <= COMMITS // 100


async def test_every_kind_of_change_is_durable_when_it_is_answered(client: Client, disk: SlowDisk) -> None:
    def is_durable() -> bool:
        return client.oracle.acknowledged[-1][0] == disk.durable_seq

    await client.make_folder("/folder")
    assert is_durable()
    await client.put_whole("/whole", Content("whole", (BIG,)))
    assert is_durable()
    first = client.oracle.files()[0]
    await client.move(first, client.oracle.folders()[1], "moved")
    assert is_durable()
    await client.upload(Wish(Content("next", (900,)), file_id=first.seen.file_id, base_version=first.seen.version_id))
    assert is_durable()


async def test_both_databases_are_committed_with_full_sync(client: Client, disk: SlowDisk) -> None:
    await client.put_whole("/whole", Content("whole", (900,)))

    assert disk.settings == {("metadata.db", "wal", 2), ("chunks.db", "wal", 2)}  # 2 is FULL


@contextmanager
def traced(server: RunningServer, log: Path) -> Iterator[None]:
    """Write each sync of a running server to `log`; a call is there before the server goes on from it."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace")
    assert server.process is not None
    command = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync,syncfs", "-o", str(log), "-p", str(server.process.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        if b"attached" not in said:
            pytest.skip(f"strace may not look: {said!r}")
        yield
        process.terminate()


def synced(log: Path, data: Path) -> list[str]:
    """Return what was synced by now, in order: databases by name, chunks by their folder."""
    paths = [Path(path) for path in re.findall(r"sync(?:fs)?\(\d+<([^>]*)>", log.read_text())]
    return [path.name if path.suffix == ".db-wal" else path.relative_to(data / "store").parts[0] for path in paths]


async def test_the_kernel_was_told_to_sync_before_each_answer(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data").start()
    log = tmp_path / "syncs"
    try:
        async with session_with(server) as session:
            client = (await prepare(server, session, random.Random(1)))[0].client  # noqa: S311 - the same ones each time
            with traced(server, log):
                await client.make_folder("/writer-0/folder")
                after_folder = synced(log, server.data)
                await client.put_whole("/writer-0/whole", Content("whole", (BIG,)))
                after_file = synced(log, server.data)[len(after_folder) :]
    finally:
        server.close()

    assert after_folder == ["metadata.db-wal"]
    # The upload's own row; then its bytes, the name they get, the row that says so, and the version.
    assert after_file == ["metadata.db-wal", "staging", "chunks", "chunks.db-wal", "metadata.db-wal"]
