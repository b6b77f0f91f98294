"""Several people's trees in memory, what they share, and the operations that are done to model and server alike."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from app.application import Cairn
from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.errors import ForbiddenError
from app.ids import decode_id
from app.services.views import View
from tests.feed import sharing
from tests.feed.model import NAMES, World
from tests.feed.sharing import EDITOR, OWNER, VIEWER

T = TypeVar("T")

RIGHTS = (["read"], ["read", "write"], ["read", "write", "share"])


def row(file_id: str) -> int:
    """Return the number of a node's row."""
    return decode_id(file_id)[0]


@dataclass(slots=True)
class Mount:
    """Where a space shows in one person's home, or would if they had not left or it were not trashed."""

    number: int
    parent_id: str
    name: str
    role: int
    is_there: bool = True


class SharedWorld(World):
    """The model and the server, changed together; `_actor` is whose turn it is."""

    def __init__(self, cairn: Cairn, people: list[Actor], seed: int) -> None:
        super().__init__(cairn, people[0], seed)
        self.people = people
        self._homes: dict[int, str] = {}
        self._owners: dict[str, Actor] = {}
        self._spaces: dict[str, int] = {}
        self._mounts: dict[tuple[int, str], Mount] = {}
        self._unconverted: list[int] = []
        self._space = ""

    async def begin(self) -> None:
        """Learn the homes."""
        for person in self.people:
            view = await self._services.tree.get(person, "root")
            self._learn(view)
            self._homes[person.user_id] = view.file_id
            self._owners[view.file_id] = person

    def view(self, person: Actor) -> dict[str, tuple[object, ...]]:
        """Return what a device of somebody must see."""
        return dict(self._below(person, self._homes[person.user_id], RIGHTS[OWNER]))

    @property
    def is_moving(self) -> bool:
        """Tell whether something below a shared or moved folder is not yet where it belongs."""
        return bool(self._unconverted)

    def is_top(self, file_id: str) -> bool:
        """Tell whether a node is the root of a space."""
        return self.nodes[file_id].parent_id is None

    async def step(self) -> str:
        """Do one operation, or nothing where there is nothing to do it to; return its name."""
        # Somebody does something in a space that they own.
        self._space = self.chance.choice([root for root, owner in self._owners.items() if self._shows(owner, root)])
        self._actor = self._owners[self._space]
        operations = [
            *[self.make_folder] * 3,
            *[self.make_file] * 4,
            self.edit,
            self.touch,
            *[self.move] * 3,
            *[self.move_across] * 3,
            *[self.trash] * 2,
            *[self.restore] * 2,
            self.bring_back,
            *[self.share] * 2,
            *[self.join] * 3,
            *[self.leave] * 2,
            self.set_role,
            self.move_mount,
            self.trash_share,
            self.restore_share,
            *[self.work] * 4,
            *[self.convert] * 8,
        ]
        operation = self.chance.choice(operations)
        await operation()
        return operation.__name__

    async def move(self) -> None:
        await self._move_to(self._space)

    async def move_across(self) -> None:
        """Move a node to another space of the same person."""
        owned = [root for root, owner in self._owners.items() if owner is self._actor and self._shows(owner, root)]
        await self._move_to(self.chance.choice(owned))

    async def restore(self) -> None:
        with suppress(ForbiddenError):  # the folder that it was in is gone, and a mount to look at has that name now
            await super().restore()

    async def bring_back(self) -> None:
        with suppress(ForbiddenError):
            await super().bring_back()

    async def share(self) -> None:
        folder_id = self._pick("folder")
        if self._space not in self._homes.values() or folder_id is None or len(self._spaces) >= 4:
            return
        if any(folder_id in self._way_up(mount.parent_id) for mount in self._mounts.values()):
            return
        node, actor = self.nodes[folder_id], self._actor
        space_id, number = await self._write(lambda tx: sharing.share(tx, actor, row(folder_id)))
        assert node.parent_id is not None
        self._mounts[actor.user_id, folder_id] = Mount(number, node.parent_id, node.name, OWNER)
        self._spaces[folder_id], self._owners[folder_id] = space_id, actor
        node.parent_id = None
        self._unconverted.append(row(folder_id))

    async def join(self) -> None:
        found = [
            (person, root)
            for root in self._spaces
            for person in self.people
            if self._shows(self._owners[root], root) and not self._is_member(person, root)
        ]
        if found:
            await self._join(*self.chance.choice(found))

    async def leave(self) -> None:
        found = self._members()
        if found:
            await self._leave(*self.chance.choice(found))

    async def set_role(self) -> None:
        found = self._members()
        if found:
            person, root = self.chance.choice(found)
            mount, role = self._mounts[person.user_id, root], self.chance.choice([VIEWER, EDITOR])
            await self._write(lambda tx: sharing.set_role(tx, person, self._spaces[root], mount.number, role))
            mount.role = role

    async def move_mount(self) -> None:
        found = [key for key in self._mounts if self._shows(self._by_id(key[0]), key[1])]
        if not found:
            return
        user_id, root = self.chance.choice(found)
        person, mount = self._by_id(user_id), self._mounts[user_id, root]
        parent_id = self._folder_of(self._homes[user_id])
        name = self._free_name(parent_id)
        if name is not None:
            await self._write(lambda tx: sharing.move(tx, person, mount.number, parent_id=row(parent_id), name=name))
            mount.parent_id, mount.name = parent_id, name

    async def trash_share(self) -> None:
        """Let the owner delete a shared folder: all members lose it."""
        found = [root for root in self._spaces if self._shows(self._owners[root], root)]
        if not found:
            return
        root = self.chance.choice(found)
        for person, at in self._members():
            if at == root:
                await self._leave(person, root)
        owner, mount = self._owners[root], self._mounts[self._owners[root].user_id, root]
        await self._write(lambda tx: sharing.trash(tx, owner, mount.number))
        mount.is_there = False

    async def restore_share(self) -> None:
        for root, space_id in self._spaces.items():
            owner = self._owners[root]
            mount = self._mounts[owner.user_id, root]
            name = None if mount.is_there or not self._is_live(mount.parent_id) else self._free_name(mount.parent_id)
            if name is not None:
                await self._write(
                    lambda tx, owner=owner, space_id=space_id, mount=mount, name=name: sharing.restore(  # type: ignore[misc]
                        tx, owner, space_id, mount.number, name
                    )
                )
                mount.name, mount.is_there = name, True

    async def convert(self) -> None:
        """Do one step of the walks below folders that changed their space."""
        if self._unconverted:
            folder_id = self._unconverted.pop(self.chance.randrange(len(self._unconverted)))
            actor = self.people[0]
            self._unconverted += await self._write(lambda tx: sharing.convert(tx, actor, folder_id))

    async def finish_work(self) -> None:
        await super().finish_work()
        while self._unconverted:
            await self.convert()

    async def _join(self, person: Actor, root: str) -> None:
        parent_id = self.chance.choice([self._homes[person.user_id], self._folder_of(self._homes[person.user_id])])
        name, role = self._free_name(parent_id), self.chance.choice([VIEWER, EDITOR])
        if name is not None:
            space_id = self._spaces[root]
            number = await self._write(
                lambda tx: sharing.join(tx, person, space_id, parent_id=row(parent_id), name=name, role=role)
            )
            self._mounts[person.user_id, root] = Mount(number, parent_id, name, role)

    async def _leave(self, person: Actor, root: str) -> None:
        mount, space_id = self._mounts[person.user_id, root], self._spaces[root]
        await self._write(lambda tx: sharing.leave(tx, person, space_id, mount.number))
        mount.is_there = False

    async def _move_to(self, space: str) -> None:
        file_id, parent_id = self._pick("file", "folder"), self._folder_of(space)
        if file_id is None or file_id in self._way_up(parent_id):
            return
        below_a_mount = any(file_id in self._way_up(mount.parent_id) for mount in self._mounts.values())
        name = self._free_name(parent_id)
        if name is None or (below_a_mount and space != self._space):
            return
        actor = self._actor
        await self._write(lambda tx: sharing.move(tx, actor, row(file_id), parent_id=row(parent_id), name=name))
        node = self.nodes[file_id]
        node.parent_id, node.name = parent_id, name
        if node.kind == "folder":
            self._unconverted.append(row(file_id))

    async def _learn_up(self, view: View) -> None:
        await super()._learn_up(view)
        assert view.parent_id is not None
        self._unconverted.append(row(view.parent_id))  # which may be in another space than before

    def _below(self, person: Actor, folder_id: str, rights: list[str]) -> Iterator[tuple[str, tuple[object, ...]]]:
        node = self.nodes[folder_id]
        if node.parent_id is None and folder_id in self._homes.values():
            yield folder_id, (*node.shown, rights)
        for file_id, child in self.nodes.items():
            if child.parent_id == folder_id and not child.is_trashed:
                yield file_id, (*child.shown, rights)
                yield from self._below(person, file_id, rights)
        for (user_id, root), mount in self._mounts.items():
            if user_id == person.user_id and mount.parent_id == folder_id and mount.is_there:
                node = self.nodes[root]
                yield root, (folder_id, mount.name, *node.shown[2:], RIGHTS[mount.role])
                yield from self._below(person, root, RIGHTS[mount.role])

    def _shows(self, person: Actor, root: str) -> bool:
        """Tell whether a space is in somebody's view now."""
        if root == self._homes[person.user_id]:
            return True
        mount = self._mounts.get((person.user_id, root))
        return mount is not None and mount.is_there and self._is_live(mount.parent_id)

    def _is_member(self, person: Actor, root: str) -> bool:
        mount = self._mounts.get((person.user_id, root))
        return person is self._owners[root] or (mount is not None and mount.is_there)

    def _members(self) -> list[tuple[Actor, str]]:
        """Return who is a member of what without owning it."""
        return [
            (self._by_id(user_id), root)
            for (user_id, root), mount in self._mounts.items()
            if mount.is_there and mount.role != OWNER
        ]

    def _by_id(self, user_id: int) -> Actor:
        return next(person for person in self.people if person.user_id == user_id)

    def _pick(self, *kinds: str) -> str | None:
        found = [
            file_id
            for file_id, node in self.nodes.items()
            if node.kind in kinds and node.parent_id is not None and self._is_mine(file_id) and self._is_live(file_id)
        ]
        return self.chance.choice(found) if found else None

    def _pick_trashed(self) -> str | None:
        found = [file_id for file_id, node in self.nodes.items() if node.is_trashed and self._is_mine(file_id)]
        return self.chance.choice(found) if found else None

    def _is_mine(self, file_id: str) -> bool:
        return self._way_up(file_id)[-1] == self._space

    def _folder(self) -> str:
        return self._folder_of(self._space)

    def _folder_of(self, space: str) -> str:
        found = [
            file_id
            for file_id, node in self.nodes.items()
            if node.kind == "folder" and self._way_up(file_id)[-1] == space and self._is_live(file_id)
        ]
        return self.chance.choice(found)

    def _free_name(self, parent_id: str) -> str | None:
        taken = {node.name for node in self.nodes.values() if node.parent_id == parent_id and not node.is_trashed}
        taken |= {mount.name for mount in self._mounts.values() if mount.parent_id == parent_id and mount.is_there}
        free = [name for name in NAMES if name not in taken]
        return self.chance.choice(free) if free else None

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        return await self._cairn.database.write(work)
