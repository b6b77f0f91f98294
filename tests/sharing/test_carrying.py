"""A folder is shared while its owner goes on working in it: whatever comes between two slices, all ends right."""

import random
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from app.auth.identity import Actor, ActorKind
from app.db.transaction import Snapshot, Transaction
from app.ids import decode_id
from app.manifest import Manifest
from app.repositories import nodes
from app.repositories.jobs import JobKind
from app.services import access
from app.services.conversion import carry_slice
from app.services.jobs import JobService
from app.services.purge import purge_slice
from app.services.reveal import reveal_slice
from app.services.sharing import make_space
from tests.api.conftest import Running
from tests.sharing.conftest import Member

STEPS = 120
NAMES = ["a", "b", "c", "d", "e"]
REFUSED = {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}


@pytest.fixture
def runs_jobs() -> bool:
    """Steps of jobs are taken by the script."""
    return False


class Script:
    """Draws what the owner does, and when the job goes a step further."""

    def __init__(self, server: Running, ada: Member, seed: int) -> None:
        self.database = server.cairn.database
        self.ada = ada
        self.chance = random.Random(seed)  # noqa: S311 - the same steps in each run
        self.folders: list[str] = []
        self.nodes: list[str] = []
        slices = {
            JobKind.CARRY: partial(carry_slice, limit=3),
            JobKind.REVEAL: partial(reveal_slice, limit=3),
            JobKind.PURGE: partial(purge_slice, limit=3),
        }
        self.jobs = JobService(self.database, slices)

    async def begin(self) -> str:
        """Make a tree, and let its top become a space without anything below it carried over yet."""
        top = await self.ada.make_folder("/Top")
        other = await self.ada.make_folder("/Other")
        self.folders = [top["file_id"], top["file_id"], other["file_id"]]
        for _ in range(40):
            await self.chance.choice([self.make_folder, self.upload])()
        await self.delete()
        await self.database.write(partial(_share, file_id=top["file_id"]))
        return str(top["file_id"])

    async def step(self) -> None:
        """Do one step."""
        doing = [self.make_folder, self.upload, self.edit, self.move, self.move, self.delete, self.restore, self.purge]
        await self.chance.choice([*doing, self.jobs.advance, self.jobs.advance])()

    async def make_folder(self) -> None:
        parent, name = self.chance.choice(self.folders), self.chance.choice(NAMES)
        made = self._taken(await self.ada.post("/api/v1/folders", {"parent_id": parent, "name": name}))
        if made is not None:
            self.folders.append(made["file_id"])
            self.nodes.append(made["file_id"])

    async def upload(self) -> None:
        made = await self._upload(parent_id=self.chance.choice(self.folders), name=self.chance.choice(NAMES))
        if made is not None:
            self.nodes.append(made["file_id"])

    async def edit(self) -> None:
        await self._upload(file_id=self.chance.choice(self.nodes), on_conflict="replace")

    async def move(self) -> None:
        node, parent = self.chance.choice(self.nodes), self.chance.choice(self.folders)
        self._taken(await self.ada.change(node, parent_id=parent, name=self.chance.choice(NAMES)))

    async def delete(self) -> None:
        reply = await self.ada.delete(f"/api/v1/files/{self.chance.choice(self.nodes)}")
        assert reply.status in {HTTPStatus.NO_CONTENT, *REFUSED}, reply.body

    async def restore(self) -> None:
        trash = await self.ada.trash()
        if trash:
            self._taken(await self.ada.post(f"/api/v1/trash/{self.chance.choice(trash)['trash_id']}/restore"))

    async def purge(self) -> None:
        trash = await self.ada.trash()
        if trash and self.chance.random() < 0.3:
            reply = await self.ada.delete(f"/api/v1/trash/{self.chance.choice(trash)['trash_id']}")
            assert reply.status == HTTPStatus.NO_CONTENT, reply.body

    async def _upload(self, **where: Any) -> Any:
        data = self.chance.randbytes(self.chance.randrange(1, 100))
        asked = self._taken(await self.ada.request(None, [data], **where))
        if asked is None:
            return None
        await self.ada.send_needed(asked, [data])
        committed = self._taken(await self.ada.commit(asked["upload_id"]))
        return None if committed is None else committed["file"]

    def _taken(self, reply: Any) -> Any:
        """Return what was answered, None if it was refused as it may be."""
        if reply.status in REFUSED:
            return None
        assert reply.status in (HTTPStatus.OK, HTTPStatus.CREATED), reply.body
        return reply.json


def _share(tx: Transaction, file_id: str) -> None:
    node = nodes.find(tx, decode_id(file_id)[0])
    assert node is not None
    owner = tx.execute("SELECT user_id FROM actors WHERE id = :id", {"id": node.actor_id}).fetchone()[0]
    actor = Actor(node.actor_id, owner, "ada", 1, ActorKind.DEVICE, is_admin=False, proved_ms=0)
    make_space(tx, actor, access.look(tx, actor, file_id))


def _unpossessed(tx: Snapshot) -> list[tuple[int, str]]:
    """Return the chunks of versions that their space does not possess."""
    held = {(row[0], bytes(row[1])) for row in tx.all("SELECT space_id, chunk FROM possession")}
    rows = tx.all("SELECT n.space_id, n.name, v.manifest FROM nodes n JOIN versions v ON v.node_id = n.id")
    return [(row[0], row[1]) for row in rows for id_ in Manifest(row[2]).ids() if (row[0], bytes(id_)) not in held]


async def _tree(person: Member, folder_id: str) -> dict[str, Any]:
    """Return what a person sees below a folder, by id: where, and of which space."""
    found: dict[str, Any] = {}
    waiting = [folder_id]
    while waiting:
        for item in (await person.get(f"/api/v1/folders/{waiting.pop()}/children")).json["items"]:
            found[item["file_id"]] = (item["parent_id"], item["name"], item["space_id"], item["size"], item["etag"])
            waiting += [item["file_id"]] if item["kind"] == "folder" else []
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_is_done_while_a_folder_is_carried_over_ends_in_its_space(
    server: Running, ada: Member, bob: Member, seed: int
) -> None:
    script = Script(server, ada, seed)
    top = await script.begin()

    for _ in range(STEPS):
        await script.step()
    while await script.jobs.advance():
        pass

    assert await server.cairn.database.read(_unpossessed) == []
    assert (await ada.share(top, "bob", "viewer")).status == 201
    assert await _tree(bob, top) == await _tree(ada, top)
