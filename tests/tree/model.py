"""A plain tree in memory, and the operations that are done to it and to a server alike."""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tests.accounts.api import Reply
from tests.api.people import Person
from tests.tree.keeper import copy, delete, purge, restore, restore_version, tree_below

NAMES = [f"n{number}" for number in range(9)]
SIZES = range(60)


@dataclass(slots=True)
class Node:
    """One node. `stamp` changes with what its etag must change with; sizes in bytes.

    Attributes:
        versions: sizes by version id.
        is_dead: it is the top of a deletion, or purged.
    """

    id: str
    kind: str
    parent: str | None
    name: str
    version: str | None = None
    mtime_ms: int | None = None
    executable: bool = False
    versions: dict[str, int] = field(default_factory=dict)
    stamp: int = 0
    is_dead: bool = False
    is_purged: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What a node was at some time."""

    parent: str | None
    name: str
    version: str | None
    mtime_ms: int | None
    executable: bool
    is_dead: bool


class Model:
    """The tree as it must be."""

    def __init__(self, root_id: str) -> None:
        self.nodes = {root_id: Node(root_id, "folder", None, "")}
        self.root = root_id
        self._stamps = 0

    def up(self, node_id: str) -> Iterator[Node]:
        """Yield a node and all above it."""
        at: str | None = node_id
        while at is not None:
            yield self.nodes[at]
            at = self.nodes[at].parent

    def is_live(self, node_id: str) -> bool:
        return not any(node.is_dead for node in self.up(node_id))

    def path(self, node_id: str) -> str:
        return "/" + "/".join(node.name for node in reversed([*self.up(node_id)][:-1]))

    def live(self, *kinds: str) -> list[Node]:
        """Return live nodes, but the root."""
        kinds = kinds or ("file", "folder")
        return [node for node in self.nodes.values() if node.kind in kinds and node.parent and self.is_live(node.id)]

    def folders(self) -> list[Node]:
        """Return live folders, and the root."""
        return [self.nodes[self.root], *self.live("folder")]

    def trash(self) -> list[Node]:
        """Return what was deleted by itself, and is not purged."""
        return [node for node in self.nodes.values() if node.is_dead and not node.is_purged]

    def children(self, node_id: str) -> list[Node]:
        """Return the children that are not dead by themselves."""
        return [node for node in self.nodes.values() if node.parent == node_id and not node.is_dead]

    def below(self, node_id: str) -> Iterator[Node]:
        """Yield a node and all that is, or was deleted, with it."""
        yield self.nodes[node_id]
        for child in self.children(node_id):
            yield from self.below(child.id)

    def size(self, node: Node) -> int:
        """Return what the node weighs in the folders above it."""
        return sum(file.versions[file.version] for file in self.below(node.id) if file.version is not None)

    def used(self) -> int:
        """Return what is charged: every version of whatever is not purged."""
        return sum(sum(node.versions.values()) for node in self.nodes.values() if not node.is_purged)

    def states(self) -> dict[str, State]:
        return {
            node.id: State(node.parent, node.name, node.version, node.mtime_ms, node.executable, node.is_dead)
            for node in self.nodes.values()
            if not node.is_purged
        }

    def touch_above(self, node_id: str | None) -> None:
        """Note a change in this folder: it reaches all above, but not beyond the top of a deletion."""
        self._stamps += 1
        for node in () if node_id is None else self.up(node_id):
            node.stamp = self._stamps
            if node.is_dead:
                break

    def add(self, file: Any) -> Node:
        """Take a new node from the server's answer."""
        node = Node(file["file_id"], file["kind"], file["parent_id"], file["name"])
        self.nodes[node.id] = node
        self.touch_above(node.parent)
        node.stamp = self._stamps
        self.write(node, file)
        return node

    def write(self, node: Node, file: Any) -> None:
        """Take a new content of a file from the server's answer."""
        if node.kind == "file":
            node.version = file["version_id"]
            node.versions[file["version_id"]] = file["size"]
            node.mtime_ms, node.executable = file["mtime_ms"], file["executable"]
            self.touch_above(node.parent)
            node.stamp = self._stamps

    def place(self, node: Node, file: Any) -> None:
        """Take a place from the server's answer: it must be one that is free."""
        parent, name = file["parent_id"], file["name"]
        assert self.is_live(parent)
        assert name not in {other.name for other in self.children(parent) if other is not node}
        if (parent, name, False) == (node.parent, node.name, node.is_dead):
            return  # the free name that was chosen is the one it has
        if not node.is_dead:  # else nothing has counted it since it was deleted
            self.touch_above(node.parent)
        node.parent, node.name, node.is_dead = parent, name, False
        self.touch_above(node.parent)

    def purge(self, node: Node) -> None:
        """Forget a deletion."""
        for gone in [*self.below(node.id)]:
            gone.is_dead = gone.is_purged = True


class World:
    """The model and the server, changed together."""

    def __init__(self, person: Person, model: Model, seed: int) -> None:
        self.model = model
        self.chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
        self._person = person
        self._number = 0

    async def step(self) -> str:
        """Do one operation where there is something to do it to; return what was done."""
        weights: dict[Callable[[], Awaitable[None]], int] = {
            self.make_folder: 4,
            self.make_file: 6,
            self.edit: 3,
            self.touch: 2,
            self.move: 6,
            self.move_into_itself: 1,
            self.copy: 2,
            self.delete: 4,
            self.delete_unseen: 1,
            self.restore: 4,
            self.bring_back: 3,
            self.restore_version: 2,
            self.purge: 2,
        }
        work = self.chance.choices([*weights], [*weights.values()])[0]
        await work()
        return work.__name__

    async def make_folder(self) -> None:
        parent, name = self.chance.choice(self.model.folders()), self.chance.choice(NAMES)
        reply = await self._person.post("/api/v1/folders", {"parent_id": parent.id, "name": name})
        if self._is_free(parent, name, reply):
            self.model.add(reply.json)

    async def make_file(self) -> None:
        parent, name = self.chance.choice(self.model.folders()), self.chance.choice(NAMES)
        reply = await self._upload(parent_id=parent.id, name=name)
        if self._is_free(parent, name, reply):
            self.model.add(reply.json["file"])

    async def edit(self) -> None:
        if file := self._pick(self.model.live("file")):
            reply = await self._upload(file_id=file.id, base_version=file.version)
            self.model.write(file, self._done(reply)["file"])

    async def touch(self) -> None:
        if file := self._pick(self.model.live("file")):
            executable = self.chance.random() < 0.5
            changed = self._done(await self._person.change(file.id, mtime_ms=self._new(), executable=executable))
            file.mtime_ms, file.executable = changed["mtime_ms"], executable
            self.model.touch_above(file.parent)
            file.stamp = self.model.nodes[self.model.root].stamp

    async def move(self) -> None:
        node = self._pick(self.model.live())
        parent, name = self.chance.choice(self.model.folders()), self.chance.choice(NAMES)
        if node is None or node in self.model.up(parent.id) or (node.parent, node.name) == (parent.id, name):
            return
        on_conflict = self.chance.choice(["fail", "rename"])
        reply = await self._person.change(node.id, parent_id=parent.id, name=name, on_conflict=on_conflict)
        if on_conflict == "rename" or self._is_free(parent, name, reply):
            self.model.place(node, self._done(reply))

    async def move_into_itself(self) -> None:
        if folder := self._pick(self.model.live("folder")):
            inside = self.chance.choice([node for node in self.model.below(folder.id) if node.kind == "folder"])
            replies = [
                await self._person.change(folder.id, parent_id=inside.id),
                await copy(self._person, {"file_id": folder.id}, inside.id, self.chance.choice(NAMES)),
            ]
            assert [reply.code for reply in replies] == ["conflict"] * 2

    async def copy(self) -> None:
        node = self._pick(self.model.live())
        parent, name = self.chance.choice(self.model.folders()), self.chance.choice(NAMES)
        if node is None or node in self.model.up(parent.id):
            return
        source = [*self.model.below(node.id)]
        reply = await copy(self._person, {"file_id": node.id}, parent.id, name)
        if not self._is_free(parent, name, reply):
            return
        made = self._done(reply)
        below = await tree_below(self._person, made["file_id"]) if node.kind == "folder" else {}
        copies = {node.id: self.model.add(made)}
        for old in source[1:]:
            assert old.parent is not None
            new = below.pop(f"{self.model.path(copies[old.parent].id)}/{old.name}")
            assert (new["kind"], new["size"]) == (old.kind, self.model.size(old))
            copies[old.id] = self.model.add(new)
        assert not below

    async def delete(self) -> None:
        if node := self._pick(self.model.live()):
            seen = (await self._person.get(f"/api/v1/files/{node.id}")).json
            condition: dict[str, Any] = self.chance.choice([{}, {"if_seq": seen["seq"]}, {"if_etag": seen["etag"]}])
            assert (await delete(self._person, node.id, **condition)).status == HTTPStatus.NO_CONTENT
            self.model.touch_above(node.parent)
            node.is_dead = True

    async def delete_unseen(self) -> None:
        if node := self._pick(self.model.live()):
            seqs = [
                (await self._person.get(f"/api/v1/files/{one.id}")).json["seq"] for one in self.model.below(node.id)
            ]
            refused = await delete(self._person, node.id, if_below_seq=max(seqs) - 1)
            assert refused.code == "conflict"

    async def restore(self) -> None:
        if node := self._pick(self.model.trash()):
            await self._take_back(node, self._done(await restore(self._person, node.id)))

    async def bring_back(self) -> None:
        gone = [
            node
            for node in self.model.nodes.values()
            if node.kind == "file" and not node.is_purged and not self.model.is_live(node.id)
        ]
        file = self._pick(gone)
        if file is None:
            return
        base = self.chance.choice([None, file.version])
        reply = await self._upload(file_id=file.id, restore=True, base_version=base)
        top = next(node for node in self.model.up(file.id) if node.is_dead)
        if top.is_purged:
            assert reply.code == "not_found"
            return
        back = self._done(reply)["file"]
        await self._take_back(file, back)
        self.model.write(file, back)

    async def restore_version(self) -> None:
        if file := self._pick(self.model.live("file")):
            version = self.chance.choice([*file.versions])
            back = self._done(await restore_version(self._person, {"file_id": file.id}, version))
            assert back["size"] == file.versions[version]
            self.model.write(file, back)

    async def purge(self) -> None:
        if node := self._pick(self.model.trash()):
            assert (await purge(self._person, node.id)).status == HTTPStatus.NO_CONTENT
            self.model.purge(node)

    async def _take_back(self, node: Node, back: Any) -> None:
        """Put a node where the server put it, with the folders that were made for it."""
        made = []
        at = back["parent_id"]
        while at not in self.model.nodes:
            made.append((await self._person.get(f"/api/v1/files/{at}")).json)
            at = made[-1]["parent_id"]
        for folder in reversed(made):
            self.model.add(folder)
        assert node.parent is not None
        if self.model.is_live(node.parent):
            assert back["parent_id"] == node.parent
        self.model.place(node, back)

    async def _upload(self, **where: Any) -> Reply:
        """Upload new content; return the answer to the commit, or the refusal before it."""
        content = self.chance.randbytes(self.chance.choice(SIZES))
        chunks = [content] if content else []
        asked = await self._person.request(None, chunks, mtime_ms=self._new(), **where)
        if asked.status != HTTPStatus.CREATED:
            return asked
        await self._person.send_needed(asked.json, chunks)
        return await self._person.commit(asked.json["upload_id"])

    def _is_free(self, parent: Node, name: str, reply: Reply) -> bool:
        """Tell whether a name was free, as the answer must say too."""
        taken = next((node for node in self.model.children(parent.id) if node.name == name), None)
        if taken is not None:
            assert (reply.code, reply.json["current"]["file_id"]) == ("name_taken", taken.id)
        return taken is None

    def _done(self, reply: Reply) -> Any:
        assert reply.status in (HTTPStatus.OK, HTTPStatus.CREATED), reply.json
        return reply.json

    def _pick(self, nodes: list[Node]) -> Node | None:
        return self.chance.choice(nodes) if nodes else None

    def _new(self) -> int:
        self._number += 1
        return self._number
