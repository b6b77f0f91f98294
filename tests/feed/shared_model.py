"""Several people's trees in memory, what they share, and the operations that are done to model and server alike."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from app.application import Cairn
from app.auth.identity import Actor
from app.errors import ForbiddenError
from app.repositories import jobs
from app.repositories.jobs import JobKind
from app.services import access
from app.services.access import Role
from app.services.sharing import make_space
from app.services.trash import Seen
from app.services.tree import Change
from tests.feed.model import NAMES, World

MOST_SPACES = 7

RIGHTS = (["read"], ["read", "write"], ["read", "write", "share"])


@dataclass(slots=True)
class Mount:
    """Where a space shows in one person's home, or showed when it was trashed."""

    parent_id: str
    name: str
    role: Role


class SharedWorld(World):
    """The model and the server, changed together; `_actor` is whose turn it is."""

    def __init__(self, cairn: Cairn, people: list[Actor], seed: int) -> None:
        super().__init__(cairn, people[0], seed)
        self.people = people
        self._homes: dict[int, str] = {}
        self._owners: dict[str, Actor] = {}
        self._mounts: dict[tuple[int, str], Mount] = {}
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
        return dict(self._below(person, self._homes[person.user_id], RIGHTS[Role.OWNER]))

    def is_top(self, file_id: str) -> bool:
        """Tell whether a node is the root of a space."""
        return self.nodes[file_id].parent_id is None

    async def step(self) -> str:
        """Do one operation, or nothing where there is nothing to do it to; return its name."""
        # Somebody does something in a space where they may write.
        self._actor = self.chance.choice(self.people)
        self._space = self.chance.choice(self._writable(self._actor))
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
            self.purge,
            *[self.share] * 2,
            *[self.join] * 3,
            *[self.leave] * 2,
            self.set_role,
            self.hand_over,
            self.move_mount,
            self.trash_share,
            self.restore_share,
            *[self.work] * 8,
        ]
        operation = self.chance.choice(operations)
        await operation()
        return operation.__name__

    async def is_moving(self) -> bool:
        """Tell whether something is not yet in the rows of the space that it is in."""
        return bool(await self._cairn.database.read(lambda tx: jobs.nodes_of(tx, JobKind.CARRY)))

    async def move(self) -> None:
        await self._move_to(self._space)

    async def move_across(self) -> None:
        """Move a node to another space where the same person may write."""
        await self._move_to(self.chance.choice(self._writable(self._actor)))

    async def trash(self) -> None:
        file_id = self._pick("file", "folder")
        if file_id is not None and not self._has_mounts(file_id):
            await self._services.trash.delete(self._actor, file_id, Seen())
            self.nodes[file_id].is_trashed = True

    async def restore(self) -> None:
        with suppress(ForbiddenError):  # the folder that it was in is gone, and a mount to look at has that name now
            await super().restore()

    async def bring_back(self) -> None:
        with suppress(ForbiddenError):
            await super().bring_back()

    async def share(self) -> None:
        folder_id = self._pick("folder")
        if self._space not in self._homes.values() or folder_id is None or len(self._owners) >= MOST_SPACES:
            return
        if self._has_mounts(folder_id):
            return
        node, owner = self.nodes[folder_id], self._actor
        person = self.chance.choice([person for person in self.people if person is not owner])
        assert node.parent_id is not None
        self._mounts[owner.user_id, folder_id] = Mount(node.parent_id, node.name, Role.OWNER)
        self._owners[folder_id], node.parent_id = owner, None
        # As far as a call comes whose server stops, or all of it.
        await self._cairn.database.write(lambda tx: make_space(tx, owner, access.look(tx, owner, folder_id)))
        if self.chance.random() < 0.5:
            await self._join(person, folder_id)

    async def join(self) -> None:
        found = [
            (person, root)
            for root, owner in self._owners.items()
            for person in self.people
            if root not in self._homes.values() and self._shows(owner, root) and not self._shows(person, root)
        ]
        if found:
            await self._join(*self.chance.choice(found))

    async def leave(self) -> None:
        """Let a member go, by their own wish or their owner's."""
        found = self._members()
        if found:
            person, root = self.chance.choice(found)
            who = self.chance.choice([person, self._owners[root]])
            await self._services.sharing.remove(who, root, person.username)
            del self._mounts[person.user_id, root]

    async def set_role(self) -> None:
        await self._set_role(self.chance.choice([Role.VIEWER, Role.EDITOR]))

    async def hand_over(self) -> None:
        await self._set_role(Role.OWNER)

    async def move_mount(self) -> None:
        found = [key for key in self._mounts if self._shows(self._by_id(key[0]), key[1])]
        if not found:
            return
        user_id, root = self.chance.choice(found)
        parent_id = self._folder_of(self._homes[user_id])
        name = self._free_name(parent_id)
        if name is not None:
            await self._services.tree.change(self._by_id(user_id), root, Change(name=name, parent_id=parent_id))
            mount = self._mounts[user_id, root]
            mount.parent_id, mount.name = parent_id, name

    async def trash_share(self) -> None:
        """Let the owner delete a shared folder: all lose it."""
        found = [root for root in self._owners if root not in self._homes.values() and not self.nodes[root].is_trashed]
        if found:
            root = self.chance.choice(found)
            await self._services.trash.delete(self._owners[root], root, Seen())
            self.nodes[root].is_trashed = True

    async def restore_share(self) -> None:
        found = [root for root in self._owners if self.nodes[root].is_trashed]
        if found:
            root = self.chance.choice(found)
            await self._services.trash.restore(self._owners[root], root)
            self.nodes[root].is_trashed = False
            for user_id, at in self._mounts:
                if at == root:
                    await self._learn_mount(self._by_id(user_id), root)

    async def _join(self, person: Actor, root: str) -> None:
        role = self.chance.choice([Role.VIEWER, Role.EDITOR])
        await self._services.sharing.share(self._owners[root], root, person.username, role)
        self._mounts[person.user_id, root] = Mount("", "", role)
        await self._learn_mount(person, root)

    async def _learn_mount(self, person: Actor, root: str) -> None:
        """Learn where a space shows that has just come into somebody's view."""
        view, mount = await self._services.tree.get(person, root), self._mounts[person.user_id, root]
        assert view.parent_id is not None
        self._actor = person
        await self._learn_up(await self._services.tree.get(person, view.parent_id))  # which may have been made for it
        mount.parent_id, mount.name = view.parent_id, view.path.rpartition("/")[2]

    async def _set_role(self, role: Role) -> None:
        found = self._members()
        if found:
            person, root = self.chance.choice(found)
            owner = self._owners[root]
            await self._services.sharing.set_role(owner, root, person.username, role)
            self._mounts[person.user_id, root].role = role
            if role is Role.OWNER:
                self._mounts[owner.user_id, root].role, self._owners[root] = Role.EDITOR, person

    async def _move_to(self, space: str) -> None:
        file_id, parent_id = self._pick("file", "folder"), self._folder_of(space)
        if file_id is None or file_id in self._way_up(parent_id):
            return
        name = self._free_name(parent_id)
        if name is None or (self._has_mounts(file_id) and space != self._space):
            return
        await self._services.tree.change(self._actor, file_id, Change(name=name, parent_id=parent_id))
        node = self.nodes[file_id]
        node.parent_id, node.name = parent_id, name

    def _has_mounts(self, file_id: str) -> bool:
        return any(
            file_id in self._way_up(mount.parent_id)
            for (user_id, root), mount in self._mounts.items()
            if not self.nodes[root].is_trashed
        )

    def _writable(self, person: Actor) -> list[str]:
        """Return the roots of the spaces where somebody may write."""
        return [
            self._homes[person.user_id],
            *(
                root
                for (user_id, root), mount in self._mounts.items()
                if user_id == person.user_id and mount.role != Role.VIEWER and self._shows(person, root)
            ),
        ]

    def _below(self, person: Actor, folder_id: str, rights: list[str]) -> Iterator[tuple[str, tuple[object, ...]]]:
        node = self.nodes[folder_id]
        if node.parent_id is None and folder_id in self._homes.values():
            yield folder_id, (*node.shown, rights)
        for file_id, child in self.nodes.items():
            if child.parent_id == folder_id and not child.is_trashed:
                yield file_id, (*child.shown, rights)
                yield from self._below(person, file_id, rights)
        for (user_id, root), mount in self._mounts.items():
            if user_id == person.user_id and mount.parent_id == folder_id and not self.nodes[root].is_trashed:
                node = self.nodes[root]
                yield root, (folder_id, mount.name, *node.shown[2:], RIGHTS[mount.role])
                yield from self._below(person, root, RIGHTS[mount.role])

    def _shows(self, person: Actor, root: str) -> bool:
        """Tell whether a space is in somebody's view now."""
        is_theirs = root == self._homes[person.user_id] or (person.user_id, root) in self._mounts
        return is_theirs and not self.nodes[root].is_trashed

    def _members(self) -> list[tuple[Actor, str]]:
        """Return who is a member of what without owning it."""
        return [
            (self._by_id(user_id), root)
            for (user_id, root), mount in self._mounts.items()
            if mount.role != Role.OWNER and not self.nodes[root].is_trashed
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
        found = [
            file_id
            for file_id, node in self.nodes.items()
            if node.is_trashed
            and self._is_mine(file_id)
            and not any(self.nodes[at].is_purged for at in self._way_up(file_id))
        ]
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
        taken |= {mount.name for mount in self._mounts.values() if mount.parent_id == parent_id}
        free = [name for name in NAMES if name not in taken]
        return self.chance.choice(free) if free else None
