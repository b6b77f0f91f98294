"""What was sent and not answered: noted before it is sent, asked about before the node is planned again.

Without this an edit or a second rename that was made while an answer was lost looks like a conflict with oneself.
"""

import unicodedata
from typing import Literal

import msgspec
from msgspec.structs import replace

from client.sync.loop.attempts import Attempt
from client.sync.model import Kind, RemoteNode, SyncedNode
from client.sync.operations import MakeFolderThere, MoveThere, Operation, SetThere, Upload
from client.sync.outcome import Prepared
from client.sync.send.asked import Passed
from client.sync.trees.record import has_left_view, node_of, put_node
from client.sync.trees.state import State

_WHAT: dict[type[Operation], Literal["upload", "make", "move", "set"]] = {
    Upload: "upload",
    MakeFolderThere: "make",
    MoveThere: "move",
    SetThere: "set",
}


def key_of(operation: Operation) -> str:
    """Return the key of an operation's note: one for each entry."""
    assert operation.entry is not None, operation  # noqa: S101 -- all that is noted is about an entry
    return str(operation.entry.lid)


def attempt_of(operation: Operation, prepared: Prepared | None = None) -> Attempt | None:
    """Return the note of an operation that is about to be sent; None for one that may be sent twice without harm."""
    entry, base = operation.entry, operation.base
    what = _WHAT.get(type(operation))
    if what is None or entry is None:
        return None
    target = operation if isinstance(operation, (Upload, MakeFolderThere, MoveThere)) else None
    return Attempt(
        what=what,
        lid=entry.lid,
        id=None if base is None else base.id,
        upload_id=None if prepared is None else prepared.upload_id,
        parent_id=None if target is None else target.parent_id,
        name=None if target is None else target.name,
        sha256=None if prepared is None else prepared.sha256,
        stat=None if prepared is None else prepared.stat,
        local_parent=entry.parent,
        local_name=entry.name,
    )


def note(state: State, attempts: list[tuple[Operation, Attempt]]) -> None:
    """Keep notes; they are durable on return."""
    with state.transaction():
        state.put_attempts([(key_of(op), msgspec.json.encode(attempt).decode()) for op, attempt in attempts])


def noted(state: State) -> list[tuple[str, Attempt]]:
    """Return the notes that are still there: of these no answer is known."""
    return [(key, msgspec.json.decode(what, type=Attempt)) for key, what in state.attempts()]


def settle(state: State, key: str, attempt: Attempt, passed: Passed | None) -> None:
    """Record what asking about an attempt gave; `passed` is None where it had not come to pass."""
    with state.transaction():
        state.drop_attempts([key])
        if passed is None:
            return
        node = node_of(passed.file)
        if state.remote(node.id) is None or attempt.what != "upload":  # what an upload shows may be older than the feed
            put_node(state, node, state.fed_seq)
        row = _row(state.synced(node.id), _as_made(node, passed.made, attempt), attempt)
        if has_left_view(state, attempt.lid):
            state.drop_synced(node.id)
            return
        other = state.synced_at(attempt.lid)
        if row is not None and (other is None or other.id == row.id):  # else the entry has been tied anew since
            state.put_synced(row)


def _as_made(node: RemoteNode, made: str | None, attempt: Attempt) -> RemoteNode:
    """Return the node as an upload left it: a version that somebody made since is none that both sides agreed on."""
    if made is None or made == node.version_id or attempt.stat is None:
        return node
    stat = attempt.stat
    return replace(node, version_id=made, executable=stat.executable, mtime_ms=stat.mtime_ms)


def _where_sent(node: RemoteNode, attempt: Attempt) -> RemoteNode:
    """Return the node at the place that an attempt was aimed at: it may have been moved since, or put beside."""
    if attempt.parent_id is None or attempt.name is None:
        return node
    return replace(node, parent_id=attempt.parent_id, name=unicodedata.normalize("NFC", attempt.name))


def _row(base: SyncedNode | None, node: RemoteNode, attempt: Attempt) -> SyncedNode | None:
    """Return what both sides agreed on by an attempt that came to pass."""
    if base is None:
        return None if attempt.what in {"move", "set"} else _new_row(_where_sent(node, attempt), attempt)
    match attempt.what:
        case "move":
            here = {"local_parent": attempt.local_parent, "local_name": attempt.local_name}
            return replace(base, parent_id=node.parent_id or base.parent_id, name=node.name, **here)
        case "set":
            return replace(base, executable=node.executable, mtime_ms=node.mtime_ms)
        case "make":
            return _new_row(node, attempt)
    return replace(  # a new version: where it is, is another question
        base,
        version_id=node.version_id,
        sha256=attempt.sha256,
        executable=node.executable,
        mtime_ms=node.mtime_ms,
        lid=attempt.lid,
    )


def _new_row(node: RemoteNode, attempt: Attempt) -> SyncedNode:
    return SyncedNode(
        id=node.id,
        parent_id=node.parent_id or "",
        name=node.name,
        kind=node.kind,
        version_id=node.version_id,
        sha256=attempt.sha256 if node.kind is Kind.FILE else None,
        executable=node.executable,
        mtime_ms=node.mtime_ms,
        lid=attempt.lid,
        local_parent=attempt.local_parent,
        local_name=attempt.local_name,
    )
