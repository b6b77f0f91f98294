"""A server that cannot trust its disk reads on and takes no change, until a person has looked."""

import json
import sqlite3
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from aiohttp import ClientSession

from app.clock import now_ms
from app.services.standing import FAILURES, WITHIN_MS, Standing
from storage.disk import LocalDisk
from storage.errors import StoreUnavailableError
from tests.api.people import Person, noise
from tests.api.wire import eventually
from tests.crash import failing_server
from tests.server import PASSWORD, RunningServer

PROJECT = Path(__file__).parents[2]
READS_ONLY, SOUND = "Cairn only reads, for ", "the databases are sound"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data").start()
    yield running
    running.close()


@asynccontextmanager
async def person(server: RunningServer, token: str | None = None) -> AsyncIterator[Person]:
    """Give the admin, logged in unless there is a token."""
    async with ClientSession(server.url) as session:
        ada = Person(session, token)
        if token is None:
            ada.token = (await ada.try_login(password=PASSWORD)).json["token"]
        yield ada


def damage(database: Path, table: str) -> None:
    """Let a tree that is empty say that it holds three rows."""
    with closing(sqlite3.connect(database)) as connection:
        page_size = connection.execute("PRAGMA page_size").fetchone()[0]
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        page = connection.execute(query, (table,)).fetchone()[0]
    with database.open("r+b") as file:
        file.seek((page - 1) * page_size + 3)
        file.write(struct.pack(">H", 3))


async def assert_reads_alone(server: RunningServer, token: str, file_id: str, content: bytes) -> None:
    async with person(server, token) as ada:
        assert (await ada.get("/readyz")).json == {"status": "limited", "reasons": ["read_only"]}
        assert (await ada.content(file_id)).body == content
        assert (await ada.get("/api/v1/sync")).status == 200
        assert (await ada.post("/api/v1/installation", {"names": ["a"]})).json == {"known": False}
        for refused in (
            await ada.put("/more", b"more"),
            await ada.delete(f"/api/v1/files/{file_id}"),
            await ada.request("/more", [b"more"]),
            await ada.try_login(password=PASSWORD),
        ):
            assert (refused.status, refused.code) == (503, "unavailable"), refused.body
    collecting = [sys.executable, "-m", "client", "gc", "--data", str(server.data)]
    done = subprocess.run(collecting, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: ASYNC221 - it is short
    assert done.returncode == 1
    assert "only reads until its operator has looked" in done.stderr


@pytest.mark.parametrize(("database", "table"), [("metadata.db", "past_at"), ("store/chunks.db", "claims")])
async def test_damage_found_after_an_unclean_stop_leaves_a_server_that_reads_alone_also_after_a_restart(
    server: RunningServer, database: str, table: str
) -> None:
    async with person(server) as ada:
        token, content = str(ada.token), noise(100_000)
        file_id = (await ada.put("/kept", content)).json["file_id"]
    server.stop()
    (server.data / "guard" / "clean-stop").unlink()
    damage(server.data / database, table)

    server.start()

    async def is_told() -> bool:
        return READS_ONLY in server.log.read_text("utf-8")

    await eventually(is_told)
    await assert_reads_alone(server, token, file_id, content)
    server.stop()
    assert not (server.data / "guard" / "clean-stop").exists()
    server.start()
    await assert_reads_alone(server, token, file_id, content)
    name = Path(database).name
    assert (server.data / "guard" / "read-only").read_text("utf-8").startswith(f"{name} is damaged (")


async def test_a_crash_that_left_all_sound_is_looked_at_and_a_clean_stop_is_not(server: RunningServer) -> None:
    server.stop()
    server.start()
    server.stop()
    assert SOUND not in server.log.read_text("utf-8")
    server.start()

    server.kill()
    server.start()

    async def is_told() -> bool:
        return SOUND in server.log.read_text("utf-8")

    await eventually(is_told)
    async with person(server) as ada:
        assert (await ada.put("/new", b"new")).status == 201


async def test_a_server_whose_disk_failed_three_times_in_a_day_reads_alone_until_a_person_says_so(
    tmp_path: Path,
) -> None:
    flag = tmp_path / "fail"
    environment = {
        failing_server.DATABASE: "metadata.db",
        failing_server.WHEN: str(flag),
        "PYTHONPATH": str(PROJECT),
    }
    server = RunningServer(tmp_path / "data", environment, module=failing_server.__name__)
    token, file_id = "", ""
    try:
        for _ in range(FAILURES):
            server.start()
            async with person(server, token or None) as ada:
                token = str(ada.token)
                file_id = file_id or (await ada.put("/kept", b"kept")).json["file_id"]
                flag.touch()
                assert (await ada.put("/lost", b"lost")).status == 503
            assert server.process is not None
            assert server.process.wait(60) == 1
            server.process = None
            flag.unlink()

        server.start()
        await assert_reads_alone(server, token, file_id, b"kept")
        server.stop()

        (server.data / "guard" / "read-only").unlink()
        server.start()
        async with person(server, token) as ada:
            assert (await ada.put("/new", b"new")).status == 201
    finally:
        server.close()
    assert "the disk failed 3 times within a day: look at the disk, run `cairn fsck`" in server.log.read_text("utf-8")


class Record:
    """What one server after the other notes on a disk, by a clock that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = now_ms()

    def standing(self) -> Standing:
        return Standing(self.folder / "read-only", self.folder / "failures", LocalDisk(), lambda: self.now_ms)

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            self.standing().note_failure()


def test_failures_further_apart_than_a_day_are_not_counted_together(tmp_path: Path) -> None:
    record = Record(tmp_path)
    for _ in range(2 * FAILURES):
        record.fail()
        record.now_ms += WITHIN_MS // (FAILURES - 1)

    assert not record.standing().is_read_only


def test_a_clock_that_was_set_back_does_not_hide_failures(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.fail(FAILURES - 1)
    record.now_ms -= WITHIN_MS // 2

    record.fail()

    with pytest.raises(StoreUnavailableError):
        record.standing().require_writable()


def test_who_says_that_all_is_well_begins_to_count_anew(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.fail(FAILURES)
    (tmp_path / "read-only").unlink()

    record.fail(FAILURES - 1)

    assert not record.standing().is_read_only


def test_a_note_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "failures").write_text(json.dumps({"no": "list"}))
    record = Record(tmp_path)

    record.fail(FAILURES - 1)

    assert not record.standing().is_read_only
