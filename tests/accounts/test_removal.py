"""Deleting an account: the name is free, what it held ends at once, and its files go for good in slices."""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from app.application import Cairn
from app.data_folder import DataFolder
from app.services.fsck import Damage, Level, check
from storage.disk import LocalDisk
from tests.accounts.api import PASSWORD, Api
from tests.api.people import Person, noise

FILES = "?files=delete"


@pytest.fixture
async def ada(api: Api, admin: object) -> Person:
    """The first admin's device."""
    return Person(api.client, (await api.log_in()).token)


@pytest.fixture
async def ben(ada: Api, api: Api) -> Person:
    """A device of whoever is going to be deleted."""
    return await join(ada, api)


async def join(ada: Api, api: Api) -> Person:
    reply = await ada.post("/api/v1/users", {"username": "ben", "password": PASSWORD})
    assert reply.status == HTTPStatus.CREATED, reply.body
    return Person(api.client, (await api.log_in("ben")).token)


async def delete(ada: Api) -> int:
    return (await ada.call("DELETE", f"/api/v1/users/ben{FILES}")).status


async def fill(ben: Person) -> None:
    """Leave files, versions, folders, and in the trash names that are in use again."""
    for round_ in range(3):
        folder = await ben.make_folder(f"/photos/{round_}", parents=True)
        for number in range(3):
            await ben.upload(f"/photos/{round_}/{number}", noise(20))
        if round_ < 2:
            await ben.delete(f"/api/v1/files/{(await ben.at(f'/photos/{round_}/1')).json['file_id']}")
            await ben.upload(f"/photos/{round_}/1", noise(30))
            await ben.delete(f"/api/v1/files/{folder['file_id']}")
            await ben.make_folder(f"/photos/{round_}")
    gone = await ben.upload("/gone", noise(9))
    await ben.delete(f"/api/v1/files/{gone['file_id']}")


async def counts(cairn: Cairn) -> list[int]:
    """Return bytes used, nodes that are alive or in the trash, versions and closed states of what was ben's."""
    statement = """
        SELECT (SELECT sum(used) FROM spaces WHERE owner_id = u.id),
          (SELECT count(*) FROM nodes n JOIN spaces s ON s.id = n.space_id
            WHERE s.owner_id = u.id AND (n.dead_seq = 0 OR n.dead_ms IS NOT NULL)),
          (SELECT count(*) FROM versions v JOIN nodes n ON n.id = v.node_id JOIN spaces s ON s.id = n.space_id
            WHERE s.owner_id = u.id),
          (SELECT count(*) FROM past p JOIN spaces s ON s.id = p.space_id WHERE s.owner_id = u.id)
          FROM users u WHERE u.name = 'ben' AND u.deleted_ms IS NOT NULL
    """
    row = await cairn.database.read(lambda tx: tx.one(statement))
    assert row is not None
    return list(row)


async def test_files_versions_and_trash_go_for_good(ada: Person, ben: Person, cairn: Cairn, tmp_path: Path) -> None:
    await fill(ben)
    kept = await ada.upload("/mine", noise(7))

    assert await delete(ada) == HTTPStatus.NO_CONTENT
    assert (await counts(cairn))[0] > 0
    while await cairn.jobs.advance():
        pass

    assert await counts(cairn) == [0, 0, 0, 0]
    assert (await ada.content(kept["file_id"])).status == HTTPStatus.OK
    assert list(check(DataFolder(tmp_path / "data", LocalDisk()), LocalDisk(), Level.REFERENCES)) == []


async def test_every_slice_leaves_a_whole_database(
    ada: Person, ben: Person, cairn: Cairn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.erase.SLICE", 3)
    await fill(ben)
    await delete(ada)
    slices = 0

    while await cairn.jobs.advance():
        slices += 1
        assert list(check(DataFolder(tmp_path / "data", LocalDisk()), LocalDisk(), Level.METADATA)) == []

    assert slices > 5
    assert await counts(cairn) == [0, 0, 0, 0]


async def test_what_was_held_ends_at_once_and_the_name_is_another_persons(ada: Person, ben: Person, api: Api) -> None:
    old = await ben.upload("/mine", noise(20))
    upload = await ben.open_upload("/open", noise(20))

    assert await delete(ada) == HTTPStatus.NO_CONTENT

    assert (await ben.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
    assert (await ben.send(upload["chunks"][0]["url"], noise(20))).status == HTTPStatus.FORBIDDEN
    assert (await api.try_login("ben")).status == HTTPStatus.UNAUTHORIZED
    assert [item["username"] for item in (await ada.get("/api/v1/users")).json["items"]] == ["ada"]
    other = await join(ada, api)
    assert await other.names() == []
    assert (await other.content(old["file_id"])).status == HTTPStatus.NOT_FOUND
    assert (await ben.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED


async def test_a_name_can_be_deleted_again_and_again(ada: Person, api: Api, cairn: Cairn) -> None:
    for _ in range(3):
        await (await join(ada, api)).upload("/x", noise(3))
        assert await delete(ada) == HTTPStatus.NO_CONTENT
    while await cairn.jobs.advance():
        pass

    assert (await ada.get("/api/v1/users/ben")).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "query",
    ["", "?files=keep", "?files=delete&x=1", "?files=delete&to=ada", "?files=transfer", "?files=transfer&to=ben"],
)
async def test_what_becomes_of_the_files_must_be_chosen(ada: Person, ben: Person, query: str) -> None:
    assert (await ada.call("DELETE", f"/api/v1/users/ben{query}")).status == HTTPStatus.BAD_REQUEST
    assert (await ben.get("/api/v1/me")).status == HTTPStatus.OK


async def test_an_upload_that_commits_meanwhile_is_whole_or_refused(
    ada: Person, ben: Person, cairn: Cairn, tmp_path: Path
) -> None:
    opened = []
    for number in range(8):
        content = noise(100)
        answer = await ben.open_upload(f"/{number}", content)
        await ben.send_needed(answer, [content])
        opened.append(answer["upload_id"])
    commits: list[Any] = [ben.commit(upload_id) for upload_id in opened]

    *replies, deleted = await asyncio.gather(*commits[:4], *commits[4:], delete(ada))

    assert deleted == HTTPStatus.NO_CONTENT
    assert {reply.status for reply in replies} <= {201, 401, 404}
    while await cairn.jobs.advance():
        pass
    assert await counts(cairn) == [0, 0, 0, 0]
    assert list(check(DataFolder(tmp_path / "data", LocalDisk()), LocalDisk(), Level.REFERENCES)) == []


async def test_a_code_or_invitation_of_a_deleted_admin_is_worth_nothing(ada: Person, ben: Person, api: Api) -> None:
    await ada.call("PATCH", "/api/v1/users/ben", json={"is_admin": True})
    link = (await ben.post("/api/v1/invitations", {})).json["url"]
    code = (await ada.post("/api/v1/users/ben/reset")).json["code"]

    assert await delete(ada) == HTTPStatus.NO_CONTENT
    await join(ada, api)

    assert (await api.get(f"/api/v1{link}")).status == HTTPStatus.NOT_FOUND
    reset = await api.post("/api/v1/reset", {"username": "ben", "code": code, "password": f"{PASSWORD}s"})
    assert reset.status == HTTPStatus.UNAUTHORIZED


class TestSharedFolders:
    """What becomes of folders that the user shared, or that others shared with them."""

    @pytest.fixture
    async def eve(self, ada: Person, api: Api) -> Person:
        """Somebody with whom things are shared."""
        await ada.post("/api/v1/users", {"username": "eve", "password": PASSWORD})
        return Person(api.client, (await api.log_in("eve")).token)

    async def share(self, owner: Person, path: str, username: str, role: str = "editor") -> str:
        folder_id = str((await owner.make_folder(path))["file_id"])
        reply = await owner.post(f"/api/v1/files/{folder_id}/members", {"username": username, "role": role})
        assert reply.status in (HTTPStatus.OK, HTTPStatus.CREATED), reply.body
        return folder_id

    async def changes(self, person: Person, cursor: str) -> list[tuple[str, str, str | None]]:
        told = (await person.get("/api/v1/sync", params={"cursor": cursor})).json["changes"]
        return [(change["type"], change["file"]["path"], change.get("reason")) for change in told]

    async def test_members_of_a_deleted_users_folder_lose_it_with_its_files(
        self, ada: Person, ben: Person, eve: Person, cairn: Cairn, tmp_path: Path
    ) -> None:
        folder_id = await self.share(ben, "/ours", "eve")
        kept = await eve.upload("/ours/a", noise(50))
        upload = await eve.open_upload("/ours/b", noise(50))
        cursor = (await eve.get("/api/v1/sync")).json["cursor"]

        assert await delete(ada) == HTTPStatus.NO_CONTENT

        assert (await eve.get(f"/api/v1/files/{folder_id}")).status == HTTPStatus.NOT_FOUND
        assert (await eve.content(kept["file_id"])).status == HTTPStatus.NOT_FOUND
        assert (await eve.send(upload["chunks"][0]["url"], noise(50))).status == HTTPStatus.FORBIDDEN
        assert await self.changes(eve, cursor) == [("delete", "/ours", "access")]
        await finished(cairn)
        assert await counts(cairn) == [0, 0, 0, 0]
        assert faults(tmp_path) == []

    async def test_what_others_shared_with_a_deleted_user_stays_theirs(
        self, ada: Person, ben: Person, eve: Person, cairn: Cairn, tmp_path: Path
    ) -> None:
        folder_id = await self.share(eve, "/hers", "ben")
        kept = await ben.upload("/hers/from ben", noise(50))

        assert await delete(ada) == HTTPStatus.NO_CONTENT
        await finished(cairn)

        assert (await eve.content(kept["file_id"])).status == HTTPStatus.OK
        members = (await eve.get(f"/api/v1/files/{folder_id}/members")).json["items"]
        assert [member["username"] for member in members] == ["eve"]
        assert faults(tmp_path) == []

    async def test_a_home_that_is_transferred_is_a_folder_with_its_past_and_trash(
        self, ada: Person, ben: Person, eve: Person, cairn: Cairn, tmp_path: Path
    ) -> None:
        await fill(ben)
        content = noise(40)
        kept = await ben.upload("/letter", content)
        cursor = (await eve.get("/api/v1/sync")).json["cursor"]

        reply = await ada.call("DELETE", "/api/v1/users/ben?files=transfer&to=eve")
        await finished(cairn)

        assert reply.status == HTTPStatus.NO_CONTENT
        assert (await eve.at("/Files of ben/letter")).json["file_id"] == kept["file_id"]
        assert (await eve.content(kept["file_id"])).body == content
        assert ("upsert", "/Files of ben/letter", None) in await self.changes(eve, cursor)
        assert "gone" in {item["name"] for item in (await eve.get("/api/v1/trash")).json["items"]}
        assert (await ben.get("/api/v1/me")).status == HTTPStatus.UNAUTHORIZED
        assert (await ada.get("/api/v1/users/eve")).json["used"] > 0
        await eve.upload("/Files of ben/new", noise(5))
        assert faults(tmp_path) == []

    async def test_shared_folders_that_are_transferred_keep_their_other_members(
        self, ada: Person, ben: Person, eve: Person, cairn: Cairn, tmp_path: Path
    ) -> None:
        first, second = await self.share(ben, "/one", "eve", "viewer"), await self.share(ben, "/two", "ada")
        gone = await self.share(ben, "/three", "ada")
        await ben.upload("/two/a", noise(50))
        await ben.delete(f"/api/v1/files/{gone}")
        await self.share(eve, "/hers", "ben")

        reply = await ada.call("DELETE", "/api/v1/users/ben?files=transfer&to=eve")
        await finished(cairn)

        assert reply.status == HTTPStatus.NO_CONTENT
        for folder_id, expected in ((first, [("eve", "owner")]), (second, [("eve", "owner"), ("ada", "editor")])):
            members = (await eve.get(f"/api/v1/files/{folder_id}/members")).json["items"]
            assert [(member["username"], member["role"]) for member in members] == expected
        assert sorted(await eve.names()) == ["Files of ben", "hers", "one", "two"]
        assert await ada.names() == ["two"]
        assert faults(tmp_path) == []

    async def test_shared_folders_in_the_trash_come_back_from_the_heirs(
        self, ada: Person, ben: Person, eve: Person, cairn: Cairn, tmp_path: Path
    ) -> None:
        team = await self.share(ben, "/team", "ada")
        await ada.upload("/team/theirs", b"work of another")
        await ben.delete(f"/api/v1/files/{team}")

        await ada.call("DELETE", "/api/v1/users/ben?files=transfer&to=eve")
        await finished(cairn)
        back = await eve.post(f"/api/v1/trash/{team}/restore")
        await finished(cairn)

        assert (back.status, back.json["path"]) == (HTTPStatus.OK, "/team")
        assert (await eve.names(team), await ada.names()) == (["theirs"], ["team"])
        assert faults(tmp_path) == []

    @pytest.mark.usefixtures("eve")
    async def test_files_go_to_somebody_whose_account_works(self, ada: Person, ben: Person) -> None:
        await ada.call("PATCH", "/api/v1/users/eve", json={"disabled": True})

        for heir, status in (("eve", HTTPStatus.BAD_REQUEST), ("nobody", HTTPStatus.NOT_FOUND)):
            reply = await ada.call("DELETE", f"/api/v1/users/ben?files=transfer&to={heir}")
            assert reply.status == status
        assert (await ben.get("/api/v1/me")).status == HTTPStatus.OK


async def finished(cairn: Cairn) -> None:
    """Work off all jobs."""
    while await cairn.jobs.advance():
        pass


def faults(folder: Path) -> list[Damage]:
    """Return what a check of the data folder finds."""
    return list(check(DataFolder(folder / "data", LocalDisk()), LocalDisk(), Level.REFERENCES))
