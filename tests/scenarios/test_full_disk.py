"""The disk fills up under a server: uploads are refused, nothing breaks, and room brings them back."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.config import Limits, Settings
from app.services import room
from storage.errors import StoreFullError
from tests.accounts.api import ADMIN
from tests.api.conftest import Running, Template, serving
from tests.api.people import MIB, Person, noise
from tests.api.wire import eventually
from tests.collect.conftest import keeping

DISK = 64 * MIB
RESERVED = Limits()
FILES = 60
TO_THE_LAST_BYTE = Limits(free_disk_bytes=0, free_disk_percent=0)


@dataclass(frozen=True)
class Small:
    """A disk of 64 MiB, and a file on it that can make room."""

    root: Path
    ballast: Path

    def make_room(self) -> None:
        self.ballast.unlink()

    @property
    def free(self) -> int:
        status = os.statvfs(self.root)
        return status.f_bavail * status.f_frsize


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Small]:
    """A file system of its own, if this user may mount one."""
    root = tmp_path / "disk"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(root)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False) if shutil.which("mount") else None
    if done is None or done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {'no mount' if done is None else done.stderr.strip()}")
    try:
        ballast = root / "ballast"
        ballast.write_bytes(bytes(20 * MIB))
        yield Small(root, ballast)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.fixture(params=[RESERVED, TO_THE_LAST_BYTE], ids=["with the reserve", "to the last byte"])
async def server(disk: Small, template: Template, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """A server on the small disk."""
    folder = disk.root / "data"
    shutil.copytree(template.folder, folder)
    async with serving(folder, Settings(limits=request.param)) as running:
        yield running


async def fill(ada: Person) -> tuple[dict[str, bytes], str]:
    """Upload until the disk is full; return what was acknowledged, and the path refused."""
    kept: dict[str, bytes] = {}
    while True:
        path, data = f"/{len(kept):03}", noise(2 * MIB)
        asked = await ada.request(path, [data])
        steps = [asked]
        if asked.status == 201:
            steps.append(await ada.send(asked.json["chunks"][0]["url"], data))
            if steps[-1].status == 204:
                steps.append(await ada.commit(asked.json["upload_id"]))
        if steps[-1].status != 201:
            assert (steps[-1].status, steps[-1].code) == (507, "storage_full"), steps[-1].body
            return kept, path
        kept[path] = data
        assert len(kept) < DISK // MIB


async def nothing_waits(server: Running) -> bool:
    return not any((server.folder / "store" / "staging").iterdir())


async def test_a_full_disk_refuses_uploads_keeps_reads_and_heals_by_itself(
    server: Running, disk: Small, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOOK_EVERY_S", 0)  # this disk fills up in less than the second between two looks
    ada = Person(server.session, template.tokens[ADMIN])
    kept, refused = await fill(ada)

    assert len(kept) >= 10
    keeps_room = server.cairn.services.settings.limits == RESERVED
    assert (disk.free > DISK // 10 - 3 * MIB) == keeps_room
    for path, data in kept.items():
        file = (await ada.at(path)).json
        assert (await ada.content(file["file_id"])).body == data
    assert (await ada.at(refused)).status == 404
    in_one_shot = await ada.put(refused, noise(4 * MIB))
    assert (in_one_shot.status, in_one_shot.code) == (507, "storage_full")
    many = await asyncio.gather(*(ada.put(f"/many {n}", noise(3 * MIB)) for n in range(8)))
    assert {(reply.status, reply.code) for reply in many} == {(507, "storage_full")}
    assert sorted(await ada.names()) == sorted(path[1:] for path in kept)
    await eventually(lambda: nothing_waits(server))

    disk.make_room()

    async def takes_uploads() -> bool:
        return (await ada.put(refused, noise(2 * MIB, 1))).status in (200, 201)

    await eventually(takes_uploads)
    file = (await ada.at(refused)).json
    assert (await ada.content(file["file_id"])).body == noise(2 * MIB, 1)


async def test_a_full_disk_does_not_stop_a_restart(disk: Small, template: Template) -> None:
    folder = disk.root / "data"
    shutil.copytree(template.folder, folder)
    async with serving(folder, Settings(limits=TO_THE_LAST_BYTE)) as running:
        kept, _ = await fill(Person(running.session, template.tokens[ADMIN]))

    async with serving(folder, Settings(limits=TO_THE_LAST_BYTE)) as running:
        ada = Person(running.session, template.tokens[ADMIN])
        for path, data in kept.items():
            assert (await ada.content((await ada.at(path)).json["file_id"])).body == data


def take_the_rest(disk: Small, name: str = "another program") -> Path:
    """Let another program fill the disk, to the last byte, and return its file."""
    filler = disk.root / name
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


async def feed_of(person: Person) -> list[dict[str, Any]]:
    """Return all that the feed tells a new device."""
    changes: list[dict[str, Any]] = []
    since: dict[str, str] = {}
    while True:
        page = (await person.get("/api/v1/sync", params=since)).json
        changes += page["changes"]
        since = {"cursor": page["cursor"]}
        if not page["has_more"]:
            return changes


async def test_a_disk_without_a_byte_left_still_lets_people_delete_purge_and_read_on(
    disk: Small, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOOK_EVERY_S", 0)
    folder = disk.root / "data"
    shutil.copytree(template.folder, folder)
    async with serving(folder, Settings()) as server:
        ada = Person(server.session, template.tokens[ADMIN])
        files = [(await ada.put(f"/{n:03}", noise(100_000, n))).json["file_id"] for n in range(FILES)]
        await server.cairn.room.tend()
        ballast = folder / "guard" / "ballast"
        assert ballast.stat().st_size == DISK // 100
        filler = take_the_rest(disk)
        assert disk.free == 0

        refused = await ada.put("/more", noise(1000))
        assert (refused.status, refused.code) == (507, "storage_full")
        renamed = [await ada.change(file_id, name=f"{file_id}{'n' * 200}") for file_id in files]
        assert {(reply.status, reply.code) for reply in renamed} == {(507, "storage_full")}
        assert (await ada.post("/api/v1/folders", {"path": "/folder"})).status == 507
        assert ballast.exists()  # it is neither for uploads nor for what else takes room

        for file_id in files:
            assert (await ada.delete(f"/api/v1/files/{file_id}")).status == 204
        assert not ballast.exists()
        assert await ada.names() == []
        trash = (await ada.get("/api/v1/trash")).json["items"]
        last, *others = [item["trash_id"] for item in trash]
        assert (await ada.post(f"/api/v1/trash/{last}/restore")).status == 507
        for trash_id in others:
            assert (await ada.delete(f"/api/v1/trash/{trash_id}")).status == 204
        while await server.cairn.jobs.advance():
            pass
        assert [item["trash_id"] for item in (await ada.get("/api/v1/trash")).json["items"]] == [last]
        assert (await ada.put("/more", noise(1000))).status == 507

        filler.unlink()

        assert (await ada.post(f"/api/v1/trash/{last}/restore")).status == 200
        assert (await ada.content(files[-1])).body == noise(100_000, FILES - 1)
        assert [change["file"]["name"] for change in await feed_of(ada)][1:] == [f"{FILES - 1:03}"]
        assert (await ada.put("/more", noise(1000))).status == 201
        await server.cairn.room.tend()
        assert ballast.stat().st_size == DISK // 100


async def test_a_disk_without_a_byte_left_gives_its_ballast_to_nothing_that_only_grows(
    disk: Small, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOOK_EVERY_S", 3600)  # all of this comes between two looks
    folder = disk.root / "data"
    shutil.copytree(template.folder, folder)
    async with serving(folder, Settings(limits=TO_THE_LAST_BYTE)) as server:
        ada = Person(server.session, template.tokens[ADMIN])
        folder_id = (await ada.make_folder("/folder"))["file_id"]
        await server.cairn.room.tend()
        assert (await ada.put("/file", b"")).status == 201
        take_the_rest(disk)
        names = (f"{number}{'n' * 235}" for number in range(1_000_000))

        while (reply := await ada.change(folder_id, name=next(names))).status == 200:
            pass

        assert (reply.status, reply.code) == (507, "storage_full")
        assert (folder / "guard" / "ballast").exists()
        assert (await ada.delete(f"/api/v1/files/{folder_id}")).status == 204


async def test_a_disk_without_a_byte_left_does_not_stop_a_start(disk: Small, template: Template) -> None:
    folder = disk.root / "data"
    shutil.copytree(template.folder, folder)
    async with serving(folder, Settings()) as server:
        ada = Person(server.session, template.tokens[ADMIN])
        file_id = (await ada.put("/kept", noise(100_000, 1))).json["file_id"]
        await server.cairn.room.tend()
    take_the_rest(disk)

    async with serving(folder, Settings()) as server:
        ada = Person(server.session, template.tokens[ADMIN])
        assert (await ada.content(file_id)).body == noise(100_000, 1)
        assert (await ada.delete(f"/api/v1/files/{file_id}")).status == 204


async def test_a_disk_without_a_byte_left_still_lets_unused_chunks_be_collected(
    disk: Small, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOOK_EVERY_S", 0)
    folder = disk.root / "data"
    shutil.copytree(template.folder, folder)
    async with serving(folder, Settings()) as server, keeping(server.cairn, folder) as keeper:
        ada = Person(server.session, template.tokens[ADMIN])
        for n in range(10):
            file = (await ada.put(f"/{n:03}", noise(2 * MIB, n))).json
            await ada.delete(f"/api/v1/files/{file['file_id']}")
        for item in (await ada.get("/api/v1/trash")).json["items"]:
            await ada.delete(f"/api/v1/trash/{item['trash_id']}")
        while await server.cairn.jobs.advance():
            pass
        for name in ("one", "two", "three"):  # what the logs of the databases had is cut off, and taken too
            take_the_rest(disk, name)
            with contextlib.suppress(StoreFullError):
                await keeper.collect()
        disk.make_room()
        await server.cairn.room.tend()
        take_the_rest(disk)
        assert (await ada.put("/more", noise(1000))).status == 507

        collected = await keeper.collect_all()

        assert sum(each.freed.size for each in collected) == 10 * 2 * MIB
        assert disk.free > 10 * 2 * MIB
        assert (await ada.put("/more", noise(1000))).status == 201
