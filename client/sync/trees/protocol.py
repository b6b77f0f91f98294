"""What the planner may ask of the three trees. Nothing here changes anything."""

from collections.abc import Sequence
from typing import Protocol

from client.sync.model import LocalEntry, Path, RemoteNode, SyncedNode


class Trees(Protocol):
    """The remote, the local and the synced tree of one root."""

    root_id: str
    """The node at the server that the root folder here stands for. It and ROOT_LID always count as synced."""

    def remote(self, node_id: str) -> RemoteNode | None:
        """Return a live node at the server."""

    def remote_children(self, node_id: str) -> Sequence[RemoteNode]:
        """Return what a folder at the server holds, in the order of ids."""

    def remote_child(self, parent_id: str, name: str) -> RemoteNode | None:
        """Return the node of that name in a folder at the server."""

    def local(self, lid: int) -> LocalEntry | None:
        """Return an entry here. ROOT_LID has none."""

    def local_children(self, lid: int) -> Sequence[LocalEntry]:
        """Return what a folder here holds, in the order of lids."""

    def local_child(self, parent: int, name: str) -> LocalEntry | None:
        """Return the entry of just that name in a folder here."""

    def path_of(self, lid: int) -> Path:
        """Return where an entry is, below the root."""

    def synced(self, node_id: str) -> SyncedNode | None:
        """Return the synced row of a node. The root has none."""

    def synced_at(self, lid: int) -> SyncedNode | None:
        """Return the synced row that an entry is tied to."""

    def synced_children(self, node_id: str) -> Sequence[SyncedNode]:
        """Return the synced rows whose place at the server was in a folder, in the order of ids."""

    def is_excluded(self, node_id: str) -> bool:
        """Tell whether this very node was left out by selective sync; what is below it is then out of view too."""

    def has_left(self, node_id: str) -> bool:
        """Tell whether a node left the view since access to it ended: nobody deleted it, nor can it be brought back."""

    def tracked_files(self) -> int:
        """Return how many files are in step, or were."""
