"""Rows as tests of the state want them."""

from collections.abc import Iterable

from client.sync.model import ROOT_LID, Kind, LocalEntry, RemoteNode, Stat, SyncedNode
from client.sync.trees.state import State


def remote(node_id: str, parent_id: str | None = "home", name: str | None = None, *, seq: int = 1) -> RemoteNode:
    """A file at the server; its version and content are named after its id."""
    name = name or f"{node_id}.txt"
    version, sha256 = f"v-{node_id}", f"h-{node_id}"
    return RemoteNode(node_id, parent_id, name, Kind.FILE, version, sha256, 5, 7, executable=False, seq=seq)


def remote_folder(node_id: str, parent_id: str | None = "home", name: str | None = None, *, seq: int = 1) -> RemoteNode:
    """A folder at the server."""
    name = name or node_id
    return RemoteNode(node_id, parent_id, name, Kind.FOLDER, None, None, 0, None, executable=False, seq=seq)


def local(lid: int, parent: int = ROOT_LID, name: str | None = None, *, content: str | None = None) -> LocalEntry:
    """A file here."""
    stat = Stat(Kind.FILE, 5, 7_000_000, 9, 100 + lid, 1, executable=False)
    return LocalEntry(lid, parent, name or f"{lid}.txt", stat, content, content is not None)


def local_folder(lid: int, parent: int = ROOT_LID, name: str | None = None) -> LocalEntry:
    """A folder here."""
    stat = Stat(Kind.FOLDER, 0, 7_000_000, 9, 100 + lid, 1, executable=False)
    return LocalEntry(lid, parent, name or f"{lid}", stat)


def synced(node: RemoteNode, entry: LocalEntry) -> SyncedNode:
    """What ties both."""
    return SyncedNode(
        *(node.id, node.parent_id or "", node.name, node.kind, node.version_id, node.sha256, node.executable),
        *(node.mtime_ms, entry.lid, entry.parent, entry.name),
    )


def put(state: State, rows: Iterable[RemoteNode | LocalEntry | SyncedNode]) -> None:
    """Set rows in one transaction."""
    with state.transaction():
        for row in rows:
            match row:
                case RemoteNode():
                    state.put_remote(row)
                case LocalEntry():
                    state.put_local(row)
                case SyncedNode():
                    state.put_synced(row)
