"""A disk that says it failed: nothing it covered is acknowledged, the process ends if it must, the next start works."""

import contextlib
import errno
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.base import ChunkState
from storage.disk import LocalDisk
from storage.errors import StorageError, StoreFailedError
from storage.store import INDEX_NAME
from tests.crash import failing_server
from tests.crash.busy import check_all, prepare, session_with
from tests.crash.client import Client
from tests.crash.content import Content
from tests.crash.doors import RefusedError, UnansweredError, Wish
from tests.crash.oracle import Oracle
from tests.crash.powered import Installed, Told, copy_of, hold_to_promise, install, powered, sign_up
from tests.crash.service_door import ServiceDoor
from tests.crash.writer import Writer
from tests.device import Device
from tests.server import RunningServer
from tests.simdisk import Mode, SimDisk

BIG = 66_000
PROJECT = Path(__file__).parents[2]


@pytest.fixture(params=Mode, ids=lambda mode: mode.value)
async def installed(request: pytest.FixtureRequest, folder: Path) -> Installed:
    return await install(folder / "installed", request.param)


async def stubborn(client: Client) -> int:
    """Upload what takes each kind of sync and go on when it is refused; return how often it was."""
    refused = 0
    for number, sizes in enumerate([(BIG,), (900,), (BIG,) * 9, (BIG, BIG)]):
        try:
            await client.upload(Wish(Content(f"{number}", sizes), path=f"/{number}"))
        except UnansweredError:
            refused += 1
            client.oracle.answered()  # a sync of chunks that failed is a refusal: the file must not be there
    return refused


@pytest.mark.parametrize("operation", ["fsync", "syncfs", "sync_folder", "rename", "create", "write"])
async def test_chunks_whose_sync_failed_are_not_acknowledged_and_asked_for_again(
    installed: Installed, folder: Path, operation: str
) -> None:
    for nth in range(30):
        at = folder / f"{nth}"
        disk = copy_of(installed.disk, at)
        told, failures = Told(installed.actor, Oracle(installed.home, "")), list[StorageError]()
        with contextlib.suppress(OSError):  # where the fault meets the stop, which then is no clean one
            async with powered(at, disk, failures) as cairn:
                before = disk.counts[operation]
                disk.fail(operation, nth, errno.EIO)
                client = Client(ServiceDoor(cairn, installed.actor), told.oracle, told.opened)
                refused = await stubborn(client)
                met = disk.counts[operation] - before > nth
                assert refused <= met
                await told.oracle.check(client.door)
                await client.resume()
                await told.oracle.check(client.door)

        assert not failures
        await hold_to_promise(at, disk.crash(nth), told)
        shutil.rmtree(at)
        if not met:
            return
    pytest.fail("more calls are made than were tried")


@pytest.mark.parametrize("database", ["metadata.db", "chunks.db"])
async def test_after_a_failed_sync_of_a_database_nothing_is_acknowledged(
    installed: Installed, folder: Path, database: str
) -> None:
    for nth in range(20):
        at = folder / f"{nth}"
        disk = copy_of(installed.disk, at)
        told, failures = Told(installed.actor, Oracle(installed.home, "")), list[StorageError]()
        async with powered(at, disk, failures) as cairn:
            client = Client(ServiceDoor(cairn, installed.actor), told.oracle, told.opened)
            fail_commit(disk, database, nth)
            try:
                for number in range(4):
                    await client.upload(Wish(Content(f"{number}", (BIG, 900)), path=f"/{number}"))
            except UnansweredError:
                acknowledged = len(told.oracle.acknowledged)
                with pytest.raises(UnansweredError):
                    await client.upload(Wish(Content("after", (900,)), path="/after"))
                assert len(told.oracle.acknowledged) == acknowledged

        await hold_to_promise(at, disk.crash(nth), told)
        shutil.rmtree(at)
        if not failures:
            return
        assert isinstance(failures[0], StoreFailedError)
    pytest.fail("more commits are made than were tried")


def fail_commit(disk: SimDisk, database: str, nth: int) -> None:
    """Let the nth commit of one database from now, from 0, fail."""
    commit, left = disk.commit, [nth]

    def failing(connection: sqlite3.Connection, path: Path) -> None:
        if path.name == database:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.EIO, "Input/output error")
        commit(connection, path)

    disk.commit = failing  # type: ignore[method-assign] # a fault of this one disk


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    return tmp_path / "fail"


@pytest.fixture(params=["metadata.db", "chunks.db"])
def failing(request: pytest.FixtureRequest, tmp_path: Path, flag: Path) -> Iterator[RunningServer]:
    """A process whose database can not be synced once `flag` is there."""
    environment = {failing_server.DATABASE: request.param, failing_server.WHEN: str(flag), "PYTHONPATH": str(PROJECT)}
    running = RunningServer(tmp_path / "data", environment, module=failing_server.__name__)
    yield running
    running.close()


async def test_a_server_whose_database_cannot_be_synced_ends_with_1_and_starts_again(
    failing: RunningServer, flag: Path
) -> None:
    failing.start()
    async with session_with(failing) as session:
        writer = (await prepare(failing, session, random.Random(3)))[0]  # noqa: S311 - the same ones in each run
        for _ in range(20):
            await writer.step()
        refusal = await work_until_refused(writer, flag)
        code = ended(failing)

        flag.unlink()  # noqa: ASYNC240 - a test may wait for its disk
        failing.start()
        await writer.client.oracle.check(writer.client.door, also=set(writer.client.oracle.known))
        await writer.client.resume()
        await check_all(failing.data)

    log = failing.log.read_text()
    assert code == 1
    assert not isinstance(refusal, RefusedError) or refusal.code == "unavailable"
    assert "stopped, for the disk failed" in log
    assert "Look at the disk, then start again." in log
    assert "Traceback" not in log
    failing.stop()


async def work_until_refused(writer: Writer, flag: Path) -> Exception:
    """Let the disk fail, and return what a writer then meets."""
    flag.touch()  # noqa: ASYNC240 - a test may wait for its disk
    try:
        while True:
            await writer.step()
    except (UnansweredError, RefusedError) as refusal:
        return refusal


def ended(server: RunningServer) -> int:
    """Return the exit code of a server that ends by itself."""
    process, server.process = server.process, None
    assert process is not None
    return process.wait(60)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


def test_a_second_server_on_one_folder_is_refused_and_the_first_goes_on(server: RunningServer, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "client", "serve", "--data", str(server.data), "--port", "0"]
    second = subprocess.run(command, capture_output=True, check=False, timeout=90)

    assert second.returncode == 1
    assert second.stderr.decode().endswith(f"Another Cairn is running on {server.data}: stop it first.\n")
    Device(tmp_path / "home").login(server).ok("ls", "/")
    server.stop()


async def test_an_offline_command_beside_a_running_server_goes_through_it(
    server: RunningServer, tmp_path: Path
) -> None:
    async with session_with(server) as session:
        client = (await prepare(server, session, random.Random(1)))[0].client  # noqa: S311 - as above
        wish = Wish(Content("begun", (BIG,)), path="/writer-0/begun")
        url = (await client.request(wish)).uploads[0].missing[0]
        assert url is not None

        Device(tmp_path / "home").ok("keys", "rotate", "--now", "--data", server.data)

        with pytest.raises(RefusedError, match="bad_signature"):
            await client.door.put_chunk(url, wish.content.data())
        await client.resume()  # with URLs that the new key has signed


@pytest.mark.parametrize("state", [ChunkState.CONDEMNED, ChunkState.REMOVING, ChunkState.DAMAGED])
async def test_a_chunk_that_goes_before_the_commit_is_asked_for_then(tmp_path: Path, state: ChunkState) -> None:
    content = Content("common", (BIG,))
    async with powered(tmp_path, LocalDisk()) as cairn:
        door = ServiceDoor(cairn, await sign_up(cairn))
        client = Client(door, Oracle(await door.find("/"), ""))
        await client.upload(Wish(content, path="/one"))
        wish = Wish(content, path="/two")
        opened = await client.request(wish)
        with closing(sqlite3.connect(tmp_path / "data" / "store" / INDEX_NAME)) as index, index:
            index.execute("UPDATE chunks SET state = ?", (state,))

        with pytest.raises(RefusedError, match="missing_chunks"):
            await client.commit([opened.uploads[0].upload_id])

        assert opened.uploads[0].missing == {}
        client.oracle.answered()
        await client.resume()
        await client.oracle.check(door, also=set(client.oracle.known))
