"""A node as one person is shown it: what every door renders."""

from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.ids import encode_id
from app.repositories import listings, members, nodes, spaces, versions
from app.repositories.listings import Listed
from app.repositories.nodes import Kind, Node
from app.services import access
from app.services.access import Right, Sight


class View(Struct, frozen=True, gc=False):
    """One node with the ids that the wire shows; built inside the unit of work that read it."""

    listed: Listed
    path: str
    space_id: str
    parent_id: str | None
    version_id: str | None
    rights: tuple[Right, ...]

    @property
    def file_id(self) -> str:
        """The node's id on the wire."""
        return encode_id(self.listed.node.id, self.listed.node.tag)

    @property
    def is_new(self) -> bool:
        """Whether its last change was the one that made it."""
        return self.listed.node.seq == self.listed.node.created_seq

    def etag(self, epoch: str) -> str:
        """Return letters and digits that change with what the node holds, never with its name or place.

        Seqs are given out anew after a restore, so a piece of the journal's epoch stands beside them.
        """
        node = self.listed.node
        return f"{max(self.listed.below_seq, node.created_seq) if node.is_folder else node.content_seq:x}z{epoch[:8]}"

    @classmethod
    def of(cls, tx: Snapshot, sight: Sight) -> Self:
        """Read what is shown of a node that the person was found to see."""
        listed = listings.one(tx, sight.node.id)
        if listed is None:
            raise AssertionError("a node that was seen is gone in the same snapshot")
        return cls._shown(sight, listed, _parent_id(tx, sight), Overlay.of(tx, sight))

    @classmethod
    def of_children(cls, tx: Snapshot, folder: Sight, children: list[Listed]) -> list[Self]:
        """Show the children of a folder that the person was found to see; mounts as what is behind them."""
        parent_id, overlay = encode_id(folder.node.id, folder.node.tag), Overlay.of(tx, folder)
        space_id = encode_id(folder.within.id, folder.within.tag)
        views = []
        for child in children:
            node = child.node
            if node.kind is not Kind.MOUNT:
                path, version_id = folder.child_path(node.name), cls.version_id_of(node)
                views.append(cls(overlay.over(child), path, space_id, parent_id, version_id, folder.rights))
                continue
            sight = folder.child(tx, node)
            listed = None if sight is None else listings.one(tx, sight.node.id)
            if sight is not None and listed is not None:
                views.append(cls._shown(sight, listed, parent_id, overlay))
        return views

    @classmethod
    def _shown(cls, sight: Sight, listed: Listed, parent_id: str | None, overlay: "Overlay") -> Self:
        if sight.entry.kind is Kind.MOUNT:
            listed = as_mounted(listed, sight.entry)
        return cls(
            overlay.over(listed),
            sight.path,
            encode_id(sight.within.id, sight.within.tag),
            parent_id,
            cls.version_id_of(listed.node),
            sight.rights,
        )

    @staticmethod
    def version_id_of(node: Node) -> str | None:
        """Return the wire id of a file's version; None for a folder."""
        if node.version_id is None or node.version_tag is None:
            return None
        return encode_id(node.version_id, node.version_tag)

    def at_version(self, tx: Snapshot, version_id: int) -> Self:
        """Name an older version of this file in place of the current one; the rest stays as it is now."""
        if version_id == self.listed.node.version_id:
            return self
        version = versions.find(tx, version_id)
        return replace(self, version_id=None if version is None else encode_id(version.id, version.tag))


class Overlay:
    """What shared folders add to the folders of a home that their mounts are in: a commit there never writes here."""

    def __init__(self, added: dict[int, tuple[int, int]]) -> None:
        """Take bytes and highest seq to be added, by folder."""
        self._added = added

    @classmethod
    def of(cls, tx: Snapshot, sight: Sight) -> Self:
        """Read it for the home that a node is in; nothing where it is in a shared folder, or no folder."""
        if sight.within.is_shared or not sight.node.is_folder:
            return cls({})
        return cls.of_user(tx, sight.actor)

    @classmethod
    def of_user(cls, tx: Snapshot, actor: Actor) -> Self:
        """Read it for the home of the actor's user; they have few mounts, each is walked up from."""
        added: dict[int, tuple[int, int]] = {}
        for member in members.of_user(tx, actor.user_id):
            space = spaces.get(tx, member.space_id)
            steps = nodes.way_up(tx, member.mount_id)
            if steps[0].dead_seq or access.role_in(tx, actor, space) is None:
                continue
            size, _, seq = nodes.folder_sums(tx, space.root_id)
            for step in steps[1:]:
                before = added.get(step.id, (0, 0))
                added[step.id] = before[0] + size, max(before[1], seq)
        return cls(added)

    def over(self, listed: Listed) -> Listed:
        """Return a node of the home with what shared folders below it add."""
        if not self._added:
            return listed
        size, seq = self._added.get(listed.node.id, (0, 0))
        return replace(listed, size=listed.size + size, below_seq=max(listed.below_seq, seq)) if seq else listed


def as_mounted(root: Listed, mount: Node) -> Listed:
    """Return the root of a shared space as its mount shows it: under the mount's name, changed when either was."""
    node = replace(
        root.node, name=mount.name, seq=max(root.node.seq, mount.seq), feed_seq=max(root.node.feed_seq, mount.feed_seq)
    )
    return replace(root, node=node)


def _parent_id(tx: Snapshot, sight: Sight) -> str | None:
    """Return the wire id of the folder that a node is seen in; None where the view begins with it."""
    parent_id = None if sight.is_root else sight.entry.parent_id
    parent = None if parent_id is None else nodes.find(tx, parent_id)
    return None if parent is None else encode_id(parent.id, parent.tag)
