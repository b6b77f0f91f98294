"""A node as one person is shown it: what every door renders."""

from dataclasses import dataclass, replace
from typing import Self

from app.db.transaction import Snapshot
from app.ids import encode_id
from app.repositories import listings, nodes, versions
from app.repositories.listings import Listed
from app.repositories.nodes import Node
from app.services.access import Right, Sight


@dataclass(frozen=True, slots=True)
class View:
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
        parent = None if sight.node.parent_id is None else nodes.find(tx, sight.node.parent_id)
        if listed is None:
            raise AssertionError("a node that was seen is gone in the same snapshot")
        return cls(
            listed,
            sight.path,
            encode_id(sight.space.id, sight.space.tag),
            None if parent is None else encode_id(parent.id, parent.tag),
            cls.version_id_of(sight.node),
            sight.rights,
        )

    @classmethod
    def of_children(cls, folder: Sight, children: list[Listed]) -> list[Self]:
        """Show the children of a folder that the person was found to see."""
        space_id = encode_id(folder.space.id, folder.space.tag)
        parent_id = encode_id(folder.node.id, folder.node.tag)
        return [
            cls(
                child,
                folder.child_path(child.node.name),
                space_id,
                parent_id,
                cls.version_id_of(child.node),
                folder.rights,
            )
            for child in children
        ]

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
