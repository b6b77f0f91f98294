"""A tree in memory, and the operations that are done to it and to the server alike."""

import random
from dataclasses import dataclass

from app.application import Cairn
from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.manifest import Manifest
from app.repositories import jobs
from app.repositories.jobs import JobKind
from app.services.commits import Hashes
from app.services.conversion import carry_slice
from app.services.purge import purge_slice
from app.services.reveal import reveal_slice
from app.services.targets import Wish
from app.services.trash import Seen
from app.services.tree import Change
from app.services.uploads import Declared
from app.services.views import View

NAMES = [f"name {number}" for number in range(12)]
SLICES = {JobKind.REVEAL: reveal_slice, JobKind.PURGE: purge_slice, JobKind.CARRY: carry_slice}
SLICE = 2


@dataclass(slots=True)
class Node:
    """What a device must end up with; `is_trashed` where it is the top of a deletion."""

    parent_id: str | None
    name: str
    kind: str
    version_id: str | None
    mtime_ms: int | None
    executable: bool
    is_trashed: bool = False
    is_purged: bool = False

    @property
    def shown(self) -> tuple[object, ...]:
        return self.parent_id, self.name, self.kind, self.version_id, self.mtime_ms, self.executable


class World:
    """The model and the server, changed together."""

    def __init__(self, cairn: Cairn, actor: Actor, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
        self.nodes: dict[str, Node] = {}
        self._cairn = cairn
        self._services = cairn.services
        self._actor = actor
        self._times = 0

    async def begin(self) -> None:
        """Learn the root."""
        self._learn(await self._services.tree.get(self._actor, "root"))

    def live(self) -> dict[str, tuple[object, ...]]:
        """Return what a device must see."""
        return {file_id: node.shown for file_id, node in self.nodes.items() if self._is_live(file_id)}

    def path(self, file_id: str) -> str:
        """Return where a node is, or was."""
        return "/" + "/".join(self.nodes[at].name for at in reversed(self._way_up(file_id)[:-1]))

    async def step(self) -> str:
        """Do one operation, or nothing where there is nothing to do it to; return its name."""
        operations = [
            *[self.make_folder] * 3,
            *[self.make_file] * 4,
            self.edit,
            self.touch,
            *[self.move] * 3,
            *[self.trash] * 2,
            *[self.restore] * 2,
            self.bring_back,
            self.purge,
            self.copy,
            *[self.work] * 4,
        ]
        operation = self.chance.choice(operations)
        await operation()
        return operation.__name__

    async def make_folder(self) -> None:
        parent_id = self._folder()
        name = self._free_name(parent_id)
        if name is not None:
            self._learn(await self._services.tree.make_folder_in(self._actor, parent_id, name))

    async def make_file(self) -> None:
        parent_id = self._folder()
        name = self._free_name(parent_id)
        if name is not None:
            self._learn(await self._upload(Wish(self._time(), "text/plain", parent_id=parent_id, name=name)))

    async def edit(self) -> None:
        file_id = self._pick("file")
        if file_id is not None:
            base = self.nodes[file_id].version_id
            self._learn(await self._upload(Wish(self._time(), "text/plain", file_id=file_id, base_version=base)))

    async def touch(self) -> None:
        file_id = self._pick("file")
        if file_id is not None:
            change = Change(mtime_ms=self._time(), executable=self.chance.random() < 0.5)
            self._learn(await self._services.tree.change(self._actor, file_id, change))

    async def move(self) -> None:
        file_id, parent_id = self._pick("file", "folder"), self._folder()
        if file_id is None or file_id in self._way_up(parent_id):
            return
        name = self._free_name(parent_id)
        if name is not None:
            change = Change(name=name, parent_id=parent_id)
            self._learn(await self._services.tree.change(self._actor, file_id, change))

    async def trash(self) -> None:
        file_id = self._pick("file", "folder")
        if file_id is not None:
            await self._services.trash.delete(self._actor, file_id, Seen())
            self.nodes[file_id].is_trashed = True

    async def restore(self) -> None:
        file_id = self._pick_trashed()
        if file_id is not None:
            view = await self._services.trash.restore(self._actor, file_id)
            self.nodes[file_id].is_trashed = False
            await self._learn_up(view)

    async def bring_back(self) -> None:
        """Upload to a file that is in the trash, by itself or with a folder above it."""
        gone = [
            file_id
            for file_id, node in self.nodes.items()
            if node.kind == "file"
            and self._is_mine(file_id)
            and not self._is_live(file_id)
            and not any(self.nodes[above].is_purged for above in self._way_up(file_id))
        ]
        if gone:
            file_id = self.chance.choice(gone)
            base = self.nodes[file_id].version_id
            wish = Wish(self._time(), "text/plain", file_id=file_id, base_version=base, restore=True)
            view = await self._upload(wish)
            self.nodes[file_id].is_trashed = False
            await self._learn_up(view)

    async def purge(self) -> None:
        file_id = self._pick_trashed()
        if file_id is not None:
            await self._services.trash.purge(self._actor, file_id)
            self.nodes[file_id].is_purged = True

    async def copy(self) -> None:
        file_id, parent_id = self._pick("file", "folder"), self._folder()
        if file_id is None or file_id in self._way_up(parent_id) or len(self.nodes) > 300:
            return
        name = self._free_name(parent_id)
        if name is not None:
            await self._learn_down(await self._services.copies.copy(self._actor, file_id, parent_id, name))

    async def work(self) -> None:
        """Do one slice of a job."""
        waiting = await self._cairn.database.read(jobs.unfinished)
        if waiting:
            await self._slice(self.chance.choice(waiting))

    async def finish_work(self) -> None:
        """Do all that is left of all jobs."""
        while waiting := await self._cairn.database.read(jobs.unfinished):
            await self._slice(waiting[0])

    async def is_revealing(self) -> bool:
        """Tell whether something that is live is not yet back in the feed."""
        return bool(await self._cairn.database.read(lambda tx: jobs.nodes_of(tx, JobKind.REVEAL)))

    async def _slice(self, job_id: int) -> None:
        def work(tx: Transaction) -> None:
            job = jobs.find(tx, job_id)
            assert job is not None
            jobs.save(tx, job, SLICES[job.kind](tx, job, limit=SLICE))

        await self._cairn.database.write(work)

    async def _upload(self, wish: Wish) -> View:
        declared = Declared(wish, 0, Manifest(b""))
        answer = await self._services.uploads.request(self._actor, declared, bundle=False)
        return await self._services.commits.commit(self._actor, answer.upload_id, Hashes())

    def _learn(self, view: View) -> None:
        node = view.listed.node
        self.nodes[view.file_id] = Node(
            view.parent_id,
            node.name,
            "folder" if node.is_folder else "file",
            view.version_id,
            node.mtime_ms,
            node.executable,
        )

    async def _learn_up(self, view: View) -> None:
        """Learn a node that came back, and the folders that were made for it."""
        self._learn(view)
        while view.parent_id is not None and view.parent_id not in self.nodes:
            view = await self._services.tree.get(self._actor, view.parent_id)
            self._learn(view)

    async def _learn_down(self, view: View) -> None:
        self._learn(view)
        if view.listed.node.is_folder:
            children, _ = await self._services.tree.children(
                self._actor, view.file_id, sort="name", order="asc", after=None, limit=1000
            )
            for child in children:
                await self._learn_down(child)

    def _way_up(self, file_id: str) -> list[str]:
        way = [file_id]
        while (above := self.nodes[way[-1]].parent_id) is not None:
            way.append(above)
        return way

    def _is_live(self, file_id: str) -> bool:
        return not any(self.nodes[at].is_trashed for at in self._way_up(file_id))

    def _is_mine(self, file_id: str) -> bool:
        """Tell whether a node is one that this turn may be about."""
        return file_id in self.nodes

    def _pick(self, *kinds: str) -> str | None:
        found = [
            file_id
            for file_id, node in self.nodes.items()
            if node.kind in kinds and node.parent_id is not None and self._is_live(file_id)
        ]
        return self.chance.choice(found) if found else None

    def _pick_trashed(self) -> str | None:
        """Return an entry of the trash; what is purged, or stands below it, is left alone."""
        found = [
            file_id
            for file_id, node in self.nodes.items()
            if node.is_trashed and not any(self.nodes[at].is_purged for at in self._way_up(file_id))
        ]
        return self.chance.choice(found) if found else None

    def _folder(self) -> str:
        found = [file_id for file_id, node in self.nodes.items() if node.kind == "folder" and self._is_live(file_id)]
        return self.chance.choice(found)

    def _free_name(self, parent_id: str) -> str | None:
        taken = {node.name for node in self.nodes.values() if node.parent_id == parent_id and not node.is_trashed}
        free = [name for name in NAMES if name not in taken]
        return self.chance.choice(free) if free else None

    def _time(self) -> int:
        self._times += 1
        return self._times
