"""Below the reserve of the disk nothing may grow the database, and people can still get in and make room."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.errors import NoRoomError
from app.services import room
from storage.disk import DiskUsage, LocalDisk
from tests.accounts.api import ADMIN, PASSWORD, Reply
from tests.api.conftest import Running, Template, copy_template, serving
from tests.api.people import MIB, Person, noise

VOLUME = 10_000 * MIB
RESERVE = VOLUME // 10
ONE_BYTE = 1
CHUNK = noise(1000)


class Volume(LocalDisk):
    """The machine's disk, which says of itself that as much is free as a test wants."""

    free = VOLUME

    def usage(self, path: Path) -> DiskUsage:  # noqa: ARG002 - there is one volume
        return DiskUsage(VOLUME, self.free)


@dataclass(frozen=True)
class Owned:
    """What ada has when the disk runs low."""

    file: dict[str, Any]
    older: str
    folder: str
    trashed: str
    upload: str
    growing: str


@pytest.fixture
def disk() -> Volume:
    return Volume()


@pytest.fixture
async def server(
    template: Template, disk: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    monkeypatch.setattr(room, "LOOK_EVERY_S", 0)
    async with serving(copy_template(template, tmp_path / "data"), Settings(), disk=disk) as running:
        await running.cairn.room.tend()
        yield running


@pytest.fixture
def ada(server: Running, template: Template) -> Person:
    return Person(server.session, template.tokens[ADMIN])


@pytest.fixture
async def owned(server: Running, ada: Person, disk: Volume) -> Owned:
    """Let ada have some of everything, a quota of one byte, and a disk with nothing left but the reserve."""
    older = (await ada.put("/file", b"older")).json["version_id"]
    file = (await ada.put("/file", b"newer")).json
    trashed = (await ada.put("/trashed", b"")).json["file_id"]
    await ada.delete(f"/api/v1/files/{trashed}")
    folder = (await ada.make_folder("/folder"))["file_id"]
    upload = await ada.open_upload("/upload", CHUNK)
    await ada.send_needed(upload, [CHUNK])
    growing = await ada.open_upload("/growing", size=2000, append=True)
    trash = (await ada.get("/api/v1/trash")).json["items"]
    await server.cairn.services.accounts.set_quota(ADMIN, ONE_BYTE)
    disk.free = RESERVE
    return Owned(file, older, folder, trash[0]["trash_id"], upload["upload_id"], growing["upload_id"])


Change = Callable[[Person, Owned], Awaitable[Reply]]
GROWING: dict[str, Change] = {
    "rename": lambda ada, own: ada.change(own.folder, name="n" * 240),
    "move": lambda ada, own: ada.change(own.file["file_id"], parent_id=own.folder),
    "date": lambda ada, own: ada.change(own.file["file_id"], mtime_ms=1),
    "folder": lambda ada, _: ada.post("/api/v1/folders", {"path": "/more"}),
    "folder by id": lambda ada, own: ada.post("/api/v1/folders", {"parent_id": own.folder, "name": "more"}),
    "copy": lambda ada, own: ada.post(f"/api/v1/files/{own.folder}/copy", {"parent_id": "root", "name": "copy"}),
    "version": lambda ada, own: ada.post(f"/api/v1/files/{own.file['file_id']}/versions/{own.older}/restore"),
    "trash": lambda ada, own: ada.post(f"/api/v1/trash/{own.trashed}/restore"),
    "empty file": lambda ada, _: ada.put("/empty", b""),
    "upload": lambda ada, _: ada.request("/more", size=0),
    "uploads": lambda ada, _: ada.post("/api/v1/uploadRequest", {"files": [{"path": "/more", "size": 0}]}),
    "append": lambda ada, own: ada.post(
        f"/api/v1/uploads/{own.growing}/chunks", {"from": 0, "chunks": [{"sha256": "0" * 64, "size": 1000}]}
    ),
    "commit": lambda ada, own: ada.commit(own.upload),
    "commits": lambda ada, own: ada.post("/api/v1/uploads/commit", {"upload_ids": [own.upload]}),
}


@pytest.mark.parametrize("name", GROWING)
async def test_a_change_that_grows_the_database_is_refused_below_the_reserve(
    server: Running, ada: Person, owned: Owned, disk: Volume, name: str
) -> None:
    before = server.cairn.database.commits

    refused = await GROWING[name](ada, owned)

    assert (refused.status, refused.code) == (507, "storage_full"), refused.body
    assert server.cairn.database.commits == before
    assert (server.folder / "guard" / "ballast").exists()

    disk.free = VOLUME
    await server.cairn.services.accounts.set_quota(ADMIN, None)
    assert (await GROWING[name](ada, owned)).status in (200, 201)


async def test_no_account_is_made_below_the_reserve(server: Running, owned: Owned) -> None:
    with pytest.raises(NoRoomError):
        await server.cairn.services.accounts.create("eve", PASSWORD)


async def test_below_the_reserve_people_get_in_and_make_room(server: Running, ada: Person, owned: Owned) -> None:
    accounts = server.cairn.services.accounts
    login = {"username": ADMIN, "password": PASSWORD, "device_name": "new"}

    again = await Person(server.session).post("/api/v1/login", login)
    new = Person(server.session, again.json["token"])

    assert again.status == 201, again.body
    device = (await new.get("/api/v1/me")).json["device_id"]
    assert (await ada.delete(f"/api/v1/devices/{device}")).status == 204
    assert (await ada.post("/api/v1/reauth", {"password": PASSWORD})).status == 204
    assert (await ada.delete(f"/api/v1/uploads/{owned.upload}")).status == 204
    assert (await ada.delete(f"/api/v1/files/{owned.file['file_id']}")).status == 204
    for item in (await ada.get("/api/v1/trash")).json["items"]:
        assert (await ada.delete(f"/api/v1/trash/{item['trash_id']}")).status == 204
    while await server.cairn.jobs.advance():
        pass
    await server.cairn.sweep.keep_time()
    await server.cairn.sweep.end_uploads()
    await accounts.set_quota(ADMIN, None)
    await accounts.set_password("bob", PASSWORD + PASSWORD)
    await accounts.disable("bob")
    await accounts.enable("bob")
    assert (await ada.post("/api/v1/logout")).status == 204
