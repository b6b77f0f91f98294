"""fsck finds each kind of damage at its level, tells it from what is none, and raises no false alarm."""

# ruff: noqa: S608 - the statements here are put together from constants

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.data_folder import DataFolder
from app.repositories import checks
from app.services import fsck
from app.services.fsck import Damage, Level
from storage.disk import LocalDisk
from tests.crash.busy import check_all, prepare, session_with
from tests.crash.client import Client
from tests.crash.content import Content, sha256
from tests.crash.doors import Wish
from tests.crash.oracle import Oracle
from tests.crash.powered import powered, sign_up
from tests.crash.service_door import ServiceDoor
from tests.crash.writer import Writer
from tests.device import Device
from tests.server import RunningServer

BIG = Content("big", (70_000,))
TEXT = Content("text", (400_000,), dense=False)
SMALL = Content("small", (3_000,))
CHECKS = 4


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with some of everything, whose server was stopped."""
    folder = tmp_path_factory.mktemp("template")
    asyncio.run(fill(folder))
    return folder / "data"


async def fill(folder: Path) -> None:
    async with powered(folder, LocalDisk()) as cairn:
        door = ServiceDoor(cairn, await sign_up(cairn))
        client = Client(door, Oracle(await door.find("/"), ""))
        await client.make_folder("/a")
        await client.make_folder("/a/b")
        await client.upload(Wish(BIG, path="/a/b/big"))
        await client.upload(Wish(TEXT, path="/a/text"))
        await client.upload(Wish(SMALL, path="/small"))
        for number in range(2):
            seen = await door.find("/small")
            content = Content(f"small {number}", (3_001 + number,))
            await client.upload(Wish(content, file_id=seen.file_id, base_version=seen.version_id))
        await client.request(Wish(Content("never", (5_000,)), path="/never"))


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "data")
    return tmp_path / "data"


@dataclass(frozen=True)
class Case:
    """One way to damage a data folder: statements on one of its databases, or anything else."""

    level: Level
    says: str
    sql: str = ""
    store: bool = False
    do: Callable[[Path], object] = lambda _: None

    def damage(self, data: Path) -> None:
        self.do(data)
        if self.sql:
            path = data / ("store/chunks.db" if self.store else "metadata.db")
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(self.sql)


def file_of(data: Path, content: Content) -> Path:
    """Return the file of a content's only chunk."""
    name = sha256(content.data()).hex()
    return next((data / "store" / "chunks" / name[0] / name[1]).glob(f"{name}*"))


def flip_bit(path: Path, at: int) -> None:
    held = bytearray(path.read_bytes())
    held[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(held)


def rows_of(content: Content) -> str:
    """Return the condition for a content's only chunk in the index."""
    return f"id = x'{sha256(content.data()).hex()}'"


NODE = "(SELECT id FROM nodes WHERE name = '{}')".format
META, REFS, CONTENT = Level.METADATA, Level.REFERENCES, Level.CONTENT

A_MEMBER = """
    INSERT INTO members (space_id, user_id, role, joined_seq, left_seq, mount_id)
    SELECT id, owner_id, 2, {seq}, NULL, 999 FROM spaces LIMIT 1
"""
A_CYCLE = Case(META, "can not be reached", f"UPDATE nodes SET parent_id = {NODE('b')} WHERE name = 'a'")
CASES = {
    "a gap in the journal": Case(META, "rows 3 to 3 are missing", "DELETE FROM journal WHERE seq = 3"),
    "no end of the journal": Case(
        META, "and should end at", "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)"
    ),
    "a wrong chain mark": Case(META, "row 3 does not follow", "UPDATE journal SET mark = zeroblob(8) WHERE seq = 3"),
    "another author in the journal": Case(META, "does not follow", "UPDATE journal SET actor_id = 77 WHERE seq = 3"),
    "another epoch": Case(META, "row 1 does not follow", "UPDATE meta SET epoch = 'another'"),
    "a journal of an older head": Case(META, "newer than the journal", "UPDATE meta SET seq = 2"),
    "time that goes back": Case(META, "older than the row before", "UPDATE journal SET at_ms = 5 WHERE seq = 4"),
    "a change of another node": Case(META, "gives to another", "UPDATE nodes SET seq = 1 WHERE name = 'small'"),
    "a hole in a past": Case(
        META,
        "hole in its past",
        f"DELETE FROM past WHERE to_seq = (SELECT max(to_seq) FROM past WHERE node_id = {NODE('small')})",
    ),
    "no beginning of a past": Case(
        META,
        "hole in its past",
        f"DELETE FROM past WHERE to_seq = (SELECT min(to_seq) FROM past WHERE node_id = {NODE('small')})",
    ),
    "no past at all": Case(META, "hole in its past", "DELETE FROM past"),
    "a version of no node": Case(META, "refers to a row", "UPDATE versions SET node_id = 999 WHERE size = 3000"),
    "a file of no version": Case(META, "does not agree with its version", "DELETE FROM versions WHERE size = 70000"),
    "a version of another size": Case(
        META, "does not agree with its version", "UPDATE versions SET size = 70001 WHERE size = 70000"
    ),
    "a version of another file": Case(
        META,
        "does not agree with its version",
        "UPDATE nodes SET version_id = (SELECT version_id FROM nodes WHERE name = 'text') WHERE name = 'big'",
    ),
    "a live file without version": Case(
        META, "live file without a version", "UPDATE nodes SET version_id = NULL WHERE name = 'big'"
    ),
    "too many bytes used": Case(META, "counts other bytes", "UPDATE spaces SET used = used + 1"),
    "too many bytes of properties": Case(
        META, "other bytes of properties", "UPDATE spaces SET property_size = property_size + 1"
    ),
    "too few bytes promised": Case(META, "promises other bytes", "UPDATE spaces SET reserved = 0"),
    "a lost chunk list": Case(META, "counts other chunks", "DELETE FROM upload_chunks"),
    "a cycle": A_CYCLE,
    "a node in no folder": Case(
        META, "in no folder", "PRAGMA foreign_keys = OFF; UPDATE nodes SET parent_id = 999 WHERE name = 'big'"
    ),
    "a node in a file": Case(META, "in no folder", f"UPDATE nodes SET parent_id = {NODE('small')} WHERE name = 'big'"),
    "a second root": Case(META, "without being its root", "UPDATE nodes SET parent_id = NULL WHERE name = 'a'"),
    "a space without root": Case(META, "has no root", "UPDATE spaces SET root_id = 999"),
    "wrong sums of bytes": Case(
        META, "counts 1 nodes with", f"UPDATE folders SET size = 1 WHERE node_id = {NODE('b')}"
    ),
    "wrong sums of nodes": Case(META, "counts 9 nodes", f"UPDATE folders SET items = 9 WHERE node_id = {NODE('b')}"),
    "no sums": Case(META, "folder without sums", f"DELETE FROM folders WHERE node_id = {NODE('b')}"),
    "an old etag": Case(META, "has an etag older", f"UPDATE folders SET below_seq = 1 WHERE node_id = {NODE('a')}"),
    "a time of deletion on what lives": Case(
        META, "alive and has a time", "UPDATE nodes SET dead_ms = 5 WHERE name = 'small'"
    ),
    "a deletion that is none of the journal's": Case(
        META, "by no change that the journal knows", "UPDATE nodes SET dead_seq = 1, dead_ms = 5 WHERE name = 'small'"
    ),
    "a purge that nobody finishes": Case(
        META, "no job goes on with it", "UPDATE nodes SET dead_seq = seq WHERE name = 'small'"
    ),
    "an old place in the feed": Case(
        META, "before its last change", "UPDATE nodes SET feed_seq = 1 WHERE name = 'small'"
    ),
    "an old end of the feed": Case(META, "before its last node's place", "UPDATE spaces SET head_seq = 1"),
    "a job about nothing": Case(
        META,
        "is about no node",
        "INSERT INTO jobs (id, tag, kind, user_id, actor_id, node_id, state, created_ms)"
        " SELECT 9, x'00', 2, a.user_id, a.id, 999, x'7b7d', 0 FROM actors a LIMIT 1",
    ),
    "a mount of nothing": Case(META, "shows no shared space", "UPDATE nodes SET kind = 2 WHERE name = 'a'"),
    "a file that shows a space": Case(
        META, "shows a space and is no mount", "UPDATE nodes SET target_id = space_id WHERE name = 'small'"
    ),
    "a mount of a stranger": Case(
        META, "mount that no member has", "UPDATE nodes SET kind = 2, target_id = space_id WHERE name = 'a'"
    ),
    "a member without a mount": Case(META, "has a member without a mount", A_MEMBER.format(seq=1)),
    "members of a home": Case(META, "is a home and has members", A_MEMBER.format(seq=1)),
    "a member of tomorrow": Case(META, "joined or left after the journal's end", A_MEMBER.format(seq=10**9)),
    "a shared space of nobody": Case(META, "owner is not the one member", "UPDATE spaces SET is_shared = 1"),
    "a user without a home": Case(META, "has no home", "UPDATE spaces SET is_shared = 1"),
    "ids that come again": Case(META, "can be given out again", "UPDATE meta SET next_id = 3"),
    "a lost file of a chunk": Case(REFS, "store missing", do=lambda data: file_of(data, BIG).unlink()),
    "a short file of a chunk": Case(
        REFS, "69999 bytes are stored", do=lambda data: file_of(data, BIG).write_bytes(BIG.data()[:-1])
    ),
    "a lost row of a chunk": Case(
        REFS, "1 chunks are not in the store", f"DELETE FROM chunks WHERE {rows_of(BIG)}", store=True
    ),
    "a chunk known to be damaged": Case(
        REFS, "not sent again", f"UPDATE chunks SET state = 3 WHERE {rows_of(BIG)}", store=True
    ),
    "lost bytes of a small chunk": Case(REFS, "store missing", "DELETE FROM small", store=True),
    "wrong size of a small chunk": Case(
        REFS, "bytes are stored", f"UPDATE chunks SET stored_size = 1 WHERE {rows_of(SMALL)}", store=True
    ),
    "a lost chunk below a cycle": Case(
        REFS,
        "1 chunks are not in the store",
        f"DELETE FROM chunks WHERE {rows_of(BIG)}",
        store=True,
        do=A_CYCLE.damage,
    ),
    "a short manifest": Case(
        REFS, "do not add up to 70000", "UPDATE versions SET manifest = substr(manifest, 1, 0) WHERE size = 70000"
    ),
    "a flipped bit in a plain file": Case(CONTENT, "store content", do=lambda data: flip_bit(file_of(data, BIG), 99)),
    "a flipped bit in a compressed file": Case(
        CONTENT, "store content", do=lambda data: flip_bit(file_of(data, TEXT), 99)
    ),
    "other bytes of a small chunk": Case(
        CONTENT, "store content", "UPDATE small SET data = zeroblob(length(data))", store=True
    ),
}


def found(data: Path, level: Level) -> list[Damage]:
    disk = LocalDisk()
    return list(fsck.check(DataFolder(data, disk), disk, level))


def test_a_sound_folder_is_clean_at_every_level(data: Path) -> None:
    assert [found(data, level) for level in Level] == [[], [], []]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_damage_is_found_at_its_level_and_not_before(data: Path, case: Case) -> None:
    case.damage(data)

    below = Level(case.level.value - 1) if case.level is not Level.METADATA else None
    told = [f"{damage.kind}: {damage.detail}" for damage in found(data, case.level) if not damage.is_harmless]
    assert any(case.says in line for line in told), told
    assert below is None or case.do == A_CYCLE.damage or found(data, below) == []


def test_every_rule_has_a_case_that_breaks_it(template: Path, tmp_path: Path) -> None:
    broken = set()
    for number, case in enumerate(case for case in CASES.values() if case.level is META):
        data = shutil.copytree(template, tmp_path / f"{number}")
        case.damage(data)
        broken |= {damage.detail for damage in found(data, META)}

    unbroken = [rule for _, rule, _ in checks._RULES if not any(told.startswith(f"{rule}:") for told in broken)]  # noqa: SLF001 - to miss none
    assert unbroken == []


@pytest.fixture
def shell(tmp_path: Path) -> Device:
    """A terminal on the server's machine."""
    return Device(tmp_path / "home")


def smash(path: Path, at: int) -> None:
    """Write nonsense into a file."""
    held = bytearray(path.read_bytes())
    held[at : at + 300] = b"\xff" * 300
    path.write_bytes(held)


def test_a_clean_folder_is_told_in_one_line(shell: Device, data: Path) -> None:
    assert shell.ok("fsck", "--content", "--data", data).out.decode() == f"{data} is clean (content).\n"


def test_damage_ends_with_1_and_names_file_and_owner(shell: Device, data: Path) -> None:
    CASES["a lost row of a chunk"].damage(data)

    text = shell.run("fsck", "--data", data)
    told = shell.run("fsck", "--json", "--data", data)
    metadata = shell.run("fsck", "--metadata", "--data", data)

    assert (text.code, told.code, metadata.code) == (1, 1, 0)
    assert "of /a/b/big of ada: 1 chunks are not in the store" in text.out.decode()
    assert (told.json["level"], told.json["complete"]) == ("references", True)
    assert [damage["kind"] for damage in told.json["damage"]] == ["version"]


def test_a_file_that_no_row_names_is_a_note_and_no_damage(shell: Device, data: Path) -> None:
    (data / "store" / "chunks" / "a" / "b" / ("ab" * 32)).write_bytes(b"left by a power cut")

    result = shell.run("fsck", "--json", "--data", data)

    assert (result.code, result.json["damage"]) == (0, [])
    assert [note["kind"] for note in result.json["notes"]] == ["store stray"]


@pytest.mark.parametrize("name", ["metadata.db", "store/chunks.db"])
def test_a_malformed_database_is_damage(shell: Device, data: Path, name: str) -> None:
    smash(data / name, 0)

    result = shell.run("fsck", "--data", data)

    assert result.code == 1
    assert "it can not be read to its end" in result.out.decode()
    assert "Traceback" not in result.err


@pytest.mark.parametrize("name", ["metadata.db", "store/chunks.db"])
def test_what_cannot_be_opened_could_not_be_checked(shell: Device, data: Path, name: str) -> None:
    (data / name).unlink()
    (data / name).mkdir()

    result = shell.run("fsck", "--json", "--data", data)

    assert (result.code, result.json["complete"]) == (5, False)
    assert result.err.count("\n") == 1


def test_chunks_in_a_bucket_are_not_missed_in_files(shell: Device, data: Path) -> None:
    (data / "store" / "layout").write_text("cairn chunks in a bucket 1\n" + "ab" * 16 + "\nmarked\n")

    result = shell.run("fsck", "--json", "--data", data)

    assert (result.code, result.json["complete"], result.json["damage"]) == (5, False, [])
    assert "--config" in result.err


def test_a_folder_without_a_cairn_could_not_be_checked(shell: Device, tmp_path: Path) -> None:
    result = shell.run("fsck", "--data", tmp_path / "nothing")

    assert result.code == 5
    assert "There is no Cairn in" in result.err
    assert not (tmp_path / "nothing").exists()


async def test_beside_a_busy_server_there_is_no_false_alarm(tmp_path: Path) -> None:
    running = RunningServer(tmp_path / "data").start()
    try:
        async with session_with(running) as session:
            writers = await prepare(running, session, random.Random(1))  # noqa: S311 - a failure must come back
            checked = asyncio.Event()

            async def work(writer: Writer) -> None:
                while not checked.is_set():
                    await writer.step()

            async with asyncio.TaskGroup() as group:
                for writer in writers:
                    group.create_task(work(writer))
                for _ in range(CHECKS):
                    await check_all(running.data)
                checked.set()
    finally:
        running.close()
