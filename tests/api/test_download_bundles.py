"""Many small files in one answer: each as frames, in order; what cannot be given ends nothing for the others."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.db.database import Database
from app.deadlines import Deadlines
from app.ids import decode_id, encode_id
from app.services import download_bundles
from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import MIB, NONSENSE_ID, Person, frame, noise, sha256
from tests.api.traced import Traced
from tests.api.wire import connected, eventually, head

PATH = "/api/v1/downloadBundle"
END = bytes(36)
NOT_GIVEN = bytes(32) + b"\xff\xff\xff\xff"
SOON_S = 40.0
"""Half a second and what a busy machine adds; an answer that is not cut off would last a minute."""


async def ask(person: Person, *files: Any, **headers: str) -> Reply:
    """Ask for files, each a File or an id; a pair names a version too."""
    return await person.call("POST", PATH, json=wish(*files), headers=headers)


def wish(*files: Any) -> dict[str, Any]:
    """Return the body that asks for files."""
    return {"files": [_entry(file) for file in files]}


def _entry(file: Any) -> dict[str, str]:
    if isinstance(file, tuple):
        return {"file_id": file[0], "version_id": file[1]}
    return {"file_id": file} if isinstance(file, str) else {"file_id": file["file_id"]}


def given(*chunks: bytes) -> bytes:
    """Return what stands for a file of these chunks."""
    return b"".join(map(frame, chunks)) + END


async def test_files_come_in_the_order_in_which_they_were_asked_for(ada: Person) -> None:
    contents = [noise(1), noise(64 * 1024), noise(64 * 1024 + 1), noise(MIB), b"a" * 100_000, b""]
    files = [await ada.upload(f"/{number}", *([content] if content else [])) for number, content in enumerate(contents)]
    order = [3, 0, 5, 2, 1, 4, 0]

    reply = await ask(ada, *(files[number] for number in order))

    assert reply.status == 200
    assert reply.body == b"".join(given(*filter(None, [contents[number]])) for number in order)


async def test_a_file_of_several_chunks_comes_as_one_frame_for_each(ada: Person) -> None:
    chunks = [noise(300_000), noise(10), noise(200_000), noise(10_000).hex().encode()]
    file, other = await ada.upload("/f", *chunks), await ada.upload("/g", chunks[1])

    reply = await ask(ada, other, file, other)

    assert reply.body == given(chunks[1]) + given(*chunks) + given(chunks[1])


async def test_more_files_than_are_read_at_a_time_come_in_order(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_bundles, "GROUP_SIZE", 1000)
    monkeypatch.setattr(download_bundles, "GROUP_FRAMES", 3)
    contents = [noise(100 + 50 * number) for number in range(20)]
    files = [await ada.upload(f"/{number}", content) for number, content in enumerate(contents)]

    reply = await ask(ada, *files)

    assert reply.body == b"".join(map(given, contents))


async def test_an_older_version_and_one_in_the_trash_come_by_their_ids(ada: Person) -> None:
    old, new = noise(10), noise(20)
    first = await ada.upload("/f", old)
    second = await ada.upload("/f", new, base_version=first["version_id"])
    file_id = first["file_id"]

    alive = await ask(ada, (file_id, first["version_id"]), (file_id, second["version_id"]), file_id)
    await ada.delete(f"/api/v1/files/{file_id}")
    trashed = await ask(ada, (file_id, first["version_id"]), file_id)

    assert alive.body == given(old) + given(new) + given(new)
    assert trashed.body == given(old) + NOT_GIVEN


async def test_the_length_is_announced_and_nothing_is_compressed(ada: Person) -> None:
    file = await ada.upload("/f", b"a" * 100_000)

    reply = await ask(ada, file, **{"Accept-Encoding": "zstd, gzip, br"})

    assert "Content-Encoding" not in reply.headers
    assert (reply.headers["Content-Length"], reply.headers["Content-Type"]) == (
        str(len(reply.body)),
        "application/octet-stream",
    )
    assert reply.headers["Cache-Control"] == "no-store"


async def test_what_is_not_there_and_what_is_anothers_look_the_same(ada: Person, bob: Person) -> None:
    own, foreign = await bob.upload("/own", noise(10)), await ada.upload("/f", noise(20))
    trashed = await ada.upload("/t", noise(30))
    await ada.delete(f"/api/v1/files/{trashed['file_id']}")
    theirs = (foreign["file_id"], foreign["version_id"])
    home = (await ada.at("/")).json

    nothing = await ask(bob, NONSENSE_ID, own, (NONSENSE_ID, NONSENSE_ID))

    for other in (foreign, trashed, theirs, home):
        reply = await ask(bob, other, own, (own["file_id"], foreign["version_id"]))
        assert (reply.status, reply.body) == (nothing.status, nothing.body)
        assert reply.headers["Content-Length"] == nothing.headers["Content-Length"]
    assert nothing.body.startswith(NOT_GIVEN + frame((await bob.content(own["file_id"])).body))
    assert nothing.body.endswith(END + NOT_GIVEN)


async def test_folders_ids_of_another_kind_and_versions_of_other_files_are_not_given(ada: Person) -> None:
    file, other = await ada.upload("/f", noise(10)), await ada.upload("/g", noise(20))
    folder = await ada.make_folder("/d")

    reply = await ask(
        ada, folder, "root", file["version_id"], (file["file_id"], other["version_id"]), file["file_id"][:-1], file
    )

    assert reply.body == NOT_GIVEN * 5 + given((await ada.content(file["file_id"])).body)


async def test_what_retention_took_is_not_given(server: Running, ada: Person) -> None:
    gone, kept = await ada.upload("/gone", noise(10)), await ada.upload("/kept", b"kept")
    number = decode_id(gone["version_id"])[0]
    await server.cairn.database.write(
        lambda tx: tx.execute("UPDATE versions SET manifest = NULL WHERE id = :id", {"id": number}).rowcount
    )

    assert (await ask(ada, gone, kept)).body == NOT_GIVEN + given(b"kept")


async def test_what_is_too_large_or_does_not_fit_any_more_is_not_given(ada: Person) -> None:
    mib, over, small = noise(MIB), noise(MIB + 1), noise(10)
    whole = await ada.upload("/mib", mib)
    large, little = await ada.upload("/over", over), await ada.upload("/small", small)
    empty = await ada.upload("/empty")

    reply = await ask(ada, large, *[whole] * 7, little, whole, little, empty)

    assert reply.body == NOT_GIVEN + given(mib) * 7 + given(small) + NOT_GIVEN + given(small) + END


async def test_only_so_many_frames_are_given(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_bundles, "FRAMES", 5)
    two, three = [noise(10), noise(11)], [noise(12), noise(13), noise(14)]
    first, second = await ada.upload("/2", *two), await ada.upload("/3", *three)

    reply = await ask(ada, first, second, first)
    other_way = await ask(ada, second, second, first)

    assert reply.body == given(*two) + given(*three) + NOT_GIVEN
    assert other_way.body == given(*three) + NOT_GIVEN * 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"files": []},
        {"files": {}},
        {"files": [NONSENSE_ID]},
        {"files": [{}]},
        {"files": [{"version_id": NONSENSE_ID}]},
        {"files": [{"file_id": ""}]},
        {"files": [{"file_id": "a" * 65}]},
        {"files": [{"file_id": "../x"}]},
        {"files": [{"file_id": 5}]},
        {"files": [{"file_id": NONSENSE_ID, "size": 1}]},
        {"files": [{"file_id": NONSENSE_ID}], "x": 1},
        {"files": [{"file_id": NONSENSE_ID}] * 1001},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
async def test_a_malformed_wish_is_refused(ada: Person, body: Any) -> None:
    reply = await ada.call("POST", PATH, json=body)

    assert (reply.status, reply.code) == (400, "invalid_request")


async def test_a_thousand_files_are_taken_and_no_get(ada: Person) -> None:
    assert (await ask(ada, *[NONSENSE_ID] * 1000)).body == NOT_GIVEN * 1000
    assert (await ada.get(PATH)).status == 405


async def test_without_a_token_nothing_is_told(ada: Person, stranger: Person) -> None:
    file = await ada.upload("/f", noise(10))

    for asked in (file, NONSENSE_ID):
        reply = await ask(stranger, asked)
        assert (reply.status, reply.code) == (401, "unauthenticated")


class TestLookups:
    """What is asked for costs as much as it differs, and no wish holds up others (security.md, H4)."""

    @pytest.fixture(autouse=True)
    def a_quick_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(download_bundles, "UNIT_S", 60.0)

    async def test_few_files_are_looked_up_in_one_unit_of_work(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = [await ada.upload(f"/{number}", noise(10)) for number in range(12)]
        traced = Traced(monkeypatch)

        await ask(ada, *files)

        assert len(traced.take()) == 1

    async def test_what_is_asked_for_a_thousand_times_is_looked_up_once(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = noise(10)
        await _make_folders(ada, 20)
        file = await ada.upload("/d" * 20 + "/f", content)
        alive = await ada.upload("/f", content)
        await ada.delete(f"/api/v1/files/{file['file_id']}")
        traced = Traced(monkeypatch)

        for wish, answer in (
            ((file["file_id"], file["version_id"]), given(content)),
            (alive, given(content)),
            (file, NOT_GIVEN),
            (NONSENSE_ID, NOT_GIVEN),
        ):
            assert (await ask(ada, wish)).body == answer
            once = traced.take()
            assert (await ask(ada, *[wish] * 1000)).body == answer * 1000
            assert traced.take() == once

    async def test_a_file_is_looked_up_once_whatever_versions_are_asked_for(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = await ada.upload("/f", noise(10))
        made_up = [encode_id(number, bytes(5)) for number in range(90)]
        traced = Traced(monkeypatch)

        await ask(ada, *((file["file_id"], version) for version in made_up))
        own = traced.statements()
        await ask(ada, *((NONSENSE_ID, version) for version in made_up))

        assert sum("FROM nodes n WHERE n.id" in one for one in own) == 1
        assert sum("FROM versions" in one for one in own) == 90
        assert len(traced.statements()) == 2  # alive, and in the trash

    async def test_the_way_up_from_a_folder_is_walked_once_for_all_its_files(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await _make_folders(ada, 20)
        files = [await ada.upload("/d" * 20 + f"/{number}", noise(10)) for number in range(12)]
        await ada.delete(f"/api/v1/files/{files[0]['file_id']}")
        traced = Traced(monkeypatch)

        await ask(ada, *files, *((file["file_id"], file["version_id"]) for file in files))

        steps = [one for one in traced.statements() if "SELECT parent_id, name, dead_seq" in one]
        assert len(steps) == len(set(steps)) == 12 - 1 + 1 + 20 + 1  # files, the one in the trash, folders, the home

    async def test_many_are_looked_up_in_units_that_let_others_in_between(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        traced = Traced(monkeypatch)

        await ask(ada, *(encode_id(number, bytes(5)) for number in range(250)))
        by_count = [len(unit) for unit in traced.take()]
        monkeypatch.setattr(download_bundles, "UNIT_S", -1.0)
        await ask(ada, *(encode_id(number, bytes(5)) for number in range(7)))

        assert by_count == [100, 100, 50]
        assert [len(unit) for unit in traced.take()] == [1] * 7

    async def test_files_come_right_out_of_several_units(self, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(download_bundles, "UNIT_LOOKUPS", 3)
        contents = [noise(10 + number) for number in range(10)]
        files = [await ada.upload(f"/{number}", content) for number, content in enumerate(contents)]

        reply = await ask(ada, *files, NONSENSE_ID, *reversed(files), *files)

        whole = [given(content) for content in contents]
        assert reply.body == b"".join([*whole, NOT_GIVEN, *reversed(whole), *whole])

    async def test_one_users_lookups_go_one_after_the_other_and_another_user_does_not_wait_for_them(
        self, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        of_ada, of_bob = await ada.upload("/f", noise(10)), await bob.upload("/f", noise(10))
        gate, under_way, most = asyncio.Event(), 0, 0
        begun, read = asyncio.Event(), Database.read

        async def held(database: Database, work: Callable[..., Any]) -> Any:
            nonlocal under_way, most
            if begun.is_set() or not hasattr(work, "__self__"):  # all of Bob's, and what is no lookup
                return await read(database, work)
            under_way += 1
            most = max(most, under_way)
            await gate.wait()
            under_way -= 1
            return await read(database, work)

        monkeypatch.setattr(Database, "read", held)
        asked = [asyncio.create_task(ask(ada, of_ada)) for _ in range(8)]
        await eventually(lambda: _is_so(under_way > 0))
        for _ in range(20):
            assert (await bob.content(of_bob["file_id"])).status == 200
        begun.set()
        assert (await asyncio.wait_for(ask(bob, of_bob), SOON_S)).status == 200
        begun.clear()
        gate.set()

        assert {(await task).status for task in asked} == {200}
        assert most == 1


async def _make_folders(person: Person, depth: int) -> None:
    for number in range(1, depth + 1):
        await person.make_folder("/d" * number)


async def _is_so(value: bool) -> bool:  # noqa: FBT001 - all there is to say
    return value


@pytest.mark.local_files
class TestDamage:
    """A damaged chunk is the matter of its own file."""

    PACKED = noise(100_000, 21).hex().encode()
    RAW = noise(200_000, 22)

    @staticmethod
    def file_of(server: Running, data: bytes) -> Path:
        (found,) = (server.folder / "store" / "chunks").rglob(f"{sha256(data)}*")
        return found

    @pytest.mark.parametrize("data", [PACKED, RAW], ids=["packed", "raw"])
    async def test_a_file_whose_chunk_is_gone_is_not_given(self, server: Running, ada: Person, data: bytes) -> None:
        good = await ada.upload("/good", b"good")
        bad, alike = await ada.upload("/bad", b"begin", data), await ada.upload("/alike", data)
        self.file_of(server, data).unlink()

        assert (await ask(ada, good, bad, alike, good)).body == given(b"good") + NOT_GIVEN * 2 + given(b"good")

    async def test_a_packed_chunk_with_a_flipped_bit_is_not_given(self, server: Running, ada: Person) -> None:
        good, bad = await ada.upload("/good", b"good"), await ada.upload("/bad", self.PACKED)
        self._flip(self.file_of(server, self.PACKED))

        assert (await ask(ada, bad, good)).body == NOT_GIVEN + given(b"good")

    async def test_a_raw_chunk_with_a_flipped_bit_does_not_have_the_hash_of_its_frame(
        self, server: Running, ada: Person
    ) -> None:
        bad = await ada.upload("/bad", self.RAW)
        self._flip(self.file_of(server, self.RAW))

        body = (await ask(ada, bad)).body

        assert body[:36] == frame(self.RAW)[:36]
        assert sha256(body[36:-36]) != body[:32].hex()

    async def test_a_chunk_that_is_known_to_be_damaged_is_not_given(self, server: Running, ada: Person) -> None:
        data = noise(100)
        good, bad = await ada.upload("/good", b"good"), await ada.upload("/bad", data)
        with closing(sqlite3.connect(server.folder / "store" / "chunks.db")) as index:
            index.execute("UPDATE chunks SET state = 3 WHERE id = ?", (bytes.fromhex(sha256(data)),))
            index.commit()

        assert (await ask(ada, bad, good)).body == NOT_GIVEN + given(b"good")

    @staticmethod
    def _flip(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


async def test_an_answer_under_way_is_cut_off_when_its_credential_ends(server: Running, bob: Person) -> None:
    file = await bob.upload("/f", noise(MIB))
    async with connected(server.port) as line:
        await line.send(request_of(bob, *[file] * 8))
        assert b"200 OK" in await line.head()

        await server.cairn.services.accounts.disable("bob")

        await asyncio.wait_for(eventually(lambda: _none_is_under_way(server)), SOON_S)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await line.reader.readexactly(8 * MIB)


def request_of(person: Person, *files: Any) -> bytes:
    """Return a whole request, for a connection by hand."""
    body = json.dumps(wish(*files)).encode()
    return head("POST", PATH, person, Content_Length=str(len(body)), Content_Type="application/json") + body


async def _none_is_under_way(server: Running) -> bool:
    return server.cairn.services.calls.count == 0


class TestMemory:
    """Answers that nobody takes."""

    @pytest.fixture
    def deadlines(self) -> Deadlines:
        """All the time for readers, and none for those who wait for memory."""
        return Deadlines(memory_s=0.3)

    async def test_they_use_up_their_readers_share_and_no_more(self, server: Running, ada: Person, bob: Person) -> None:
        file, of_bob = await ada.upload("/f", noise(MIB)), await bob.upload("/f", noise(MIB))
        with ExitStack() as stack:
            lines = []
            for _ in range(6):
                line = stack.enter_context(socket.socket())
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await asyncio.to_thread(line.connect, ("127.0.0.1", server.port))
                line.sendall(request_of(ada, *[file] * 8))
                lines.append(line)
            for line in lines:
                assert await asyncio.to_thread(line.recv, 1)

            other = await ask(bob, of_bob)
            with suppress(aiohttp.ClientError):
                own = await ask(ada, *[file] * 8)
                assert (own.status, own.code) == (503, "unavailable")

        assert other.status == 200
