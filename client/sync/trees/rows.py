"""Rows of the three trees as SQLite keeps them."""

from client.sync.model import Kind, LocalEntry, RemoteNode, Stat, SyncedNode
from client.sync.trees.database import Row

_KINDS = {kind.value: kind for kind in Kind}


def remote_of(row: Row) -> RemoteNode:
    """Return the node of a row of `remote`."""
    kind, executable, writable = _KINDS[row[3]], bool(row[8]), bool(row[10])
    return RemoteNode(row[0], row[1], row[2], kind, row[4], row[5], row[6], row[7], executable, row[9], writable)


def row_of_remote(node: RemoteNode) -> Row:
    """Return the row of a node."""
    return (
        *(node.id, node.parent_id, node.name, node.kind.value, node.version_id, node.sha256, node.size),
        *(node.mtime_ms, node.executable, node.seq, node.writable),
    )


def local_of(row: Row) -> LocalEntry:
    """Return the entry of a row of `local`."""
    stat = Stat(_KINDS[row[3]], row[4], row[5], row[6], row[7], row[8], bool(row[9]))
    return LocalEntry(row[0], row[1], row[2], stat, row[10], bool(row[11]))


def row_of_local(entry: LocalEntry) -> Row:
    """Return the row of an entry."""
    stat = entry.stat
    return (
        *(entry.lid, entry.parent, entry.name, stat.kind.value, stat.size, stat.mtime_ns, stat.ctime_ns),
        *(stat.inode, stat.device, stat.executable, entry.sha256, entry.sure),
    )


def synced_of(row: Row) -> SyncedNode:
    """Return the node of a row of `synced`."""
    return SyncedNode(row[0], row[1], row[2], _KINDS[row[3]], row[4], row[5], bool(row[6]), *row[7:])


def row_of_synced(node: SyncedNode) -> Row:
    """Return the row of a synced node."""
    return (
        *(node.id, node.parent_id, node.name, node.kind.value, node.version_id, node.sha256, node.executable),
        *(node.mtime_ms, node.lid, node.local_parent, node.local_name),
    )
