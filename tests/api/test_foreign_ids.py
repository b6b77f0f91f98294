"""Ids that come together belong together, and what is another's is answered like nonsense (security.md, P2, P4)."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.db.transaction import Snapshot
from app.ids import decode_id
from app.repositories import nodes, versions
from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person, entries, noise
from tests.api.traced import Traced

Ask = Callable[[Person, str], Awaitable[Reply]]


async def _append(bob: Person, upload_id: str) -> Reply:
    return await bob.post(f"/api/v1/uploads/{upload_id}/chunks", {"from": 0, "chunks": entries(b"x")})


async def _batch(bob: Person, upload_id: str) -> Reply:
    reply = await bob.post("/api/v1/uploads/commit", {"upload_ids": [upload_id]})
    return Reply(reply.json["results"][0]["status"], {}, b"", reply.json["results"][0])


async def _own_file(bob: Person) -> Any:
    reply = await bob.at("/own")
    return reply.json if reply.status == 200 else await bob.upload("/own", b"own")


async def _move_into(bob: Person, folder_id: str) -> Reply:
    return await bob.change((await _own_file(bob))["file_id"], parent_id=folder_id)


async def _version_of_own_file(bob: Person, version_id: str) -> Reply:
    file_id = (await _own_file(bob))["file_id"]
    return await bob.get("/api/v1/download", params={"file_id": file_id, "version_id": version_id})


async def _content_of_own_file(bob: Person, version_id: str) -> Reply:
    file_id = (await _own_file(bob))["file_id"]
    return await bob.get(f"/api/v1/files/{file_id}/content", params={"version_id": version_id})


async def _base_of_own_file(bob: Person, version_id: str) -> Reply:
    return await bob.request(None, file_id=(await _own_file(bob))["file_id"], base_version=version_id)


OF_FILES: dict[str, Ask] = {
    "show": lambda bob, file_id: bob.get(f"/api/v1/files/{file_id}"),
    "content": lambda bob, file_id: bob.content(file_id),
    "content with a condition": lambda bob, file_id: bob.content(
        file_id, **{"If-None-Match": "*", "Range": "bytes=0-"}
    ),
    "download": lambda bob, file_id: bob.get("/api/v1/download", params={"file_id": file_id}),
    "rename": lambda bob, file_id: bob.change(file_id, name="mine"),
    "rename with a seq": lambda bob, file_id: bob.change(file_id, name="mine", if_seq=1),
    "new version": lambda bob, file_id: bob.request(None, file_id=file_id),
    "child of it": lambda bob, file_id: bob.request(None, parent_id=file_id, name="x"),
}
OF_FOLDERS: dict[str, Ask] = {
    "show": lambda bob, folder_id: bob.get(f"/api/v1/files/{folder_id}"),
    "children": lambda bob, folder_id: bob.get(f"/api/v1/folders/{folder_id}/children"),
    "new folder in it": lambda bob, folder_id: bob.post("/api/v1/folders", {"parent_id": folder_id, "name": "x"}),
    "new folder of a name in use": lambda bob, folder_id: bob.post(
        "/api/v1/folders", {"parent_id": folder_id, "name": "f"}
    ),
    "upload into it": lambda bob, folder_id: bob.request(None, parent_id=folder_id, name="x"),
    "upload over what is in it": lambda bob, folder_id: bob.request(None, parent_id=folder_id, name="f"),
    "move into it": _move_into,
    "rename": lambda bob, folder_id: bob.change(folder_id, name="mine"),
}
OF_VERSIONS: dict[str, Ask] = {
    "manifest": _version_of_own_file,
    "content": _content_of_own_file,
    "base": _base_of_own_file,
}
OF_UPLOADS: dict[str, Ask] = {
    "resume": lambda bob, upload_id: bob.get(f"/api/v1/uploads/{upload_id}"),
    "append": _append,
    "commit": lambda bob, upload_id: bob.commit(upload_id),
    "commit in a batch": _batch,
    "give up": lambda bob, upload_id: bob.delete(f"/api/v1/uploads/{upload_id}"),
}


def _seen(reply: Reply) -> tuple[int, dict[str, str], dict[str, Any]]:
    headers = {name: value for name, value in reply.headers.items() if name.title() not in ("Date", "X-Request-Id")}
    return reply.status, headers, {key: value for key, value in reply.json.items() if key != "request_id"}


async def _assert_alike(bob: Person, asks: dict[str, Ask], foreign: str, status: int = 404) -> None:
    """Hold each answer about an id of another's against the answer about an id that never was."""
    for name, ask in asks.items():
        reply = await ask(bob, foreign)

        assert _seen(reply) == _seen(await ask(bob, NONSENSE_ID)), name
        assert reply.status == (409 if name == "base" else status), name


async def test_files_and_folders_of_another_are_not_there(ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/d")
    file = await ada.upload("/d/f", noise(10))

    await _assert_alike(bob, OF_FILES, file["file_id"])
    await _assert_alike(bob, OF_FOLDERS, folder["file_id"])

    assert (await ada.at("/d/f")).json == file


async def test_the_home_of_another_is_not_there(ada: Person, bob: Person) -> None:
    home = (await ada.at("/")).json

    await _assert_alike(bob, OF_FOLDERS, home["file_id"])


async def test_versions_of_other_files_are_not_there(ada: Person, bob: Person) -> None:
    foreign = await ada.upload("/f", noise(10))
    own_but_of_another_file = await bob.upload("/other", noise(10))

    await _assert_alike(bob, OF_VERSIONS, foreign["version_id"])
    await _assert_alike(bob, OF_VERSIONS, own_but_of_another_file["version_id"])


async def test_uploads_of_another_are_not_there(ada: Person, bob: Person) -> None:
    chunk = noise(10)
    open_ = await ada.open_upload("/a", chunk)
    done = await ada.open_upload("/b", chunk)
    await ada.send_needed(done, [chunk])
    await ada.commit(done["upload_id"])

    await _assert_alike(bob, OF_UPLOADS, open_["upload_id"])
    await _assert_alike(bob, OF_UPLOADS, done["upload_id"])

    await ada.send_needed(open_, [chunk])
    assert (await ada.commit(open_["upload_id"])).status == 201


async def test_ids_of_one_kind_are_none_of_another(ada: Person) -> None:
    file = await ada.upload("/f", noise(10))
    upload_id = (await ada.open_upload("/g"))["upload_id"]

    for wrong in (file["version_id"], file["space_id"], upload_id):
        assert (await ada.get(f"/api/v1/files/{wrong}")).status == 404
    for wrong in (file["file_id"], file["version_id"], "root"):
        assert (await ada.get(f"/api/v1/uploads/{wrong}")).status == 404
    reply = await ada.get("/api/v1/download", params={"file_id": file["file_id"], "version_id": file["file_id"]})
    assert reply.status == 404


async def test_an_id_with_another_tag_is_not_found(ada: Person) -> None:
    file = await ada.upload("/f", noise(10))
    file_id = file["file_id"]

    for changed in (file_id[:-1] + ("0" if file_id[-1] != "0" else "1"), file_id.upper(), file_id + "0", file_id[:-1]):
        reply = await ada.get(f"/api/v1/files/{changed}")
        assert (reply.status, reply.code) == (404, "not_found")


def _shape(units: list[list[str]]) -> list[list[str]]:
    """Return statements without the values in them."""
    return [[re.sub(r"x'[^']*'|'[^']*'|\b\d+\b", "?", one, flags=re.IGNORECASE) for one in unit] for unit in units]


OF_TRASH: dict[str, Ask] = {
    "restore": lambda bob, trash_id: bob.post(f"/api/v1/trash/{trash_id}/restore", {}),
    "purge": lambda bob, trash_id: bob.delete(f"/api/v1/trash/{trash_id}"),
    "delete": lambda bob, trash_id: bob.delete(f"/api/v1/files/{trash_id}"),
    "versions": lambda bob, file_id: bob.get(f"/api/v1/files/{file_id}/versions"),
    "members": lambda bob, file_id: bob.get(f"/api/v1/files/{file_id}/members"),
    "bundle": lambda bob, file_id: bob.post("/api/v1/downloadBundle", {"files": [{"file_id": file_id}] * 9}),
    "bundle with a version": lambda bob, file_id: bob.post(
        "/api/v1/downloadBundle", {"files": [{"file_id": file_id, "version_id": NONSENSE_ID}] * 9}
    ),
}


async def test_for_an_id_that_was_guessed_no_more_is_looked_up_than_for_nothing(
    ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 12):
        await ada.make_folder("/d" * number)
    deep, flat = await ada.upload("/d" * 11 + "/f", noise(10)), await ada.upload("/f", noise(10))
    trashed = await ada.upload("/d" * 11 + "/t", noise(10))
    await ada.delete(f"/api/v1/files/{trashed['file_id']}")
    await _own_file(bob)
    traced = Traced(monkeypatch)

    for name, ask in (OF_FILES | OF_FOLDERS | OF_TRASH).items():
        await ask(bob, NONSENSE_ID)
        nothing = _shape(traced.take())
        assert nothing, name
        for file in (deep, flat, trashed):
            await ask(bob, _guessed(file["file_id"]))
            assert _shape(traced.take()) == nothing, name


async def test_of_a_version_of_anothers_no_more_is_looked_up_than_of_nothing(
    ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = (await ada.upload("/f", *[noise(10) for _ in range(20)]))["version_id"]
    own_id = (await _own_file(bob))["file_id"]
    asks = OF_VERSIONS | {
        "put back": lambda bob, version_id: bob.post(f"/api/v1/files/{own_id}/versions/{version_id}/restore", {}),
        "bundle": lambda bob, version_id: bob.post(
            "/api/v1/downloadBundle", {"files": [{"file_id": own_id, "version_id": version_id}]}
        ),
    }
    traced = Traced(monkeypatch)

    for name, ask in asks.items():
        await ask(bob, NONSENSE_ID)
        nothing = _shape(traced.take())
        for version_id in (foreign, _guessed(foreign)):
            await ask(bob, version_id)
            assert _shape(traced.take()) == nothing, name


async def test_a_row_is_read_only_where_the_tag_is_right(server: Running, ada: Person) -> None:
    file = await ada.upload("/f", noise(10))
    number, tag = decode_id(file["file_id"])
    version, version_tag = decode_id(file["version_id"])

    def look(tx: Snapshot) -> list[object]:
        wrong = bytes(5)
        return [
            nodes.find_named(tx, number, wrong),
            versions.find_named(tx, version, wrong, node_id=number),
            versions.find_named(tx, version, version_tag, node_id=number + 1),
            versions.named_node(tx, version, wrong),
        ]

    assert await server.cairn.database.read(look) == [None] * 4
    assert await server.cairn.database.read(lambda tx: nodes.find_named(tx, number, tag)) is not None
    assert await server.cairn.database.read(lambda tx: versions.named_node(tx, version, version_tag)) == number


def _guessed(wire_id: str) -> str:
    """Return an id of the same number with another tag."""
    return wire_id[:-1] + ("0" if wire_id[-1] != "0" else "1")


@pytest.mark.parametrize("token", ["", "x", "cairn_" + "a" * 43])
async def test_without_a_valid_token_nothing_is_told(server: Any, ada: Person, token: str) -> None:
    file = await ada.upload("/f", noise(10))
    nobody = Person(ada.client, token)

    for reply in (await nobody.get(f"/api/v1/files/{file['file_id']}"), await nobody.get("/api/v1/files/nonsense")):
        assert (reply.status, reply.code, reply.headers["WWW-Authenticate"]) == (401, "unauthenticated", "Bearer")
