"""Shares as rows: what the service of shared folders writes, step by step, so that a test can stop in between."""

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.repositories import deletions, feed, jobs, nodes, spaces
from app.repositories.jobs import JobKind
from app.repositories.journal import Operation
from app.repositories.nodes import Kind, Node
from app.services.reveal import reveal_below

VIEWER, EDITOR, OWNER = range(3)
_SPACE = """
    INSERT INTO spaces (id, tag, owner_id, root_id, quota, used, reserved, head_seq, history_seq, is_shared)
    VALUES (:id, :tag, :owner, :root, NULL, 0, 0, 0, 0, 1)
"""
_TO_ROOT = """
    UPDATE nodes SET parent_id = NULL, name = '', space_id = :space, seq = :seq, feed_seq = :seq WHERE id = :id
"""
_TARGET = "UPDATE nodes SET target_id = :space WHERE id = :id"
_JOIN = """
    INSERT INTO members (space_id, user_id, role, joined_seq, left_seq, mount_id)
    VALUES (:space, :user, :role, :seq, NULL, :mount)
    ON CONFLICT (user_id, space_id) DO UPDATE SET role = excluded.role, joined_seq = excluded.joined_seq,
      left_seq = NULL, mount_id = excluded.mount_id
"""
_LEAVE = "UPDATE members SET left_seq = :seq WHERE user_id = :user AND space_id = :space"
_SHOWN = "UPDATE members SET joined_seq = :seq WHERE user_id = :user AND space_id = :space"
_DEAD = "UPDATE nodes SET dead_seq = :seq, dead_ms = :ms, seq = :seq, feed_seq = :seq WHERE id = :id"
_ROLE = "UPDATE members SET role = :role WHERE user_id = :user AND space_id = :space"
_FEED = "UPDATE nodes SET feed_seq = :seq WHERE id = :id"
_BELOW = "UPDATE nodes SET space_id = :space, feed_seq = :seq WHERE parent_id = :folder AND space_id <> :space"
_OTHERS = "SELECT id, kind, space_id FROM nodes WHERE parent_id = :folder AND space_id <> :space"
_DEPART = "INSERT INTO departures (space_id, seq, node_id) VALUES (:space, :seq, :id)"


def must_find(tx: Transaction, node_id: int) -> Node:
    node = nodes.find(tx, node_id)
    assert node is not None
    return node


def share(tx: Transaction, actor: Actor, folder_id: int) -> tuple[int, int]:
    """Make a folder of a home the root of a space, its mount in its place; return space and mount."""
    folder = must_find(tx, folder_id)
    space_id = tx.next_id()
    tx.execute(_SPACE, {"id": space_id, "tag": tx.next_tag(), "owner": actor.user_id, "root": folder_id})
    seq = nodes.close(tx, folder, Operation.MOVE, actor.id)
    tx.execute(_TO_ROOT, {"id": folder_id, "space": space_id, "seq": seq})
    tx.execute(_DEPART, {"space": folder.space_id, "seq": seq, "id": folder_id})
    assert folder.parent_id is not None
    return space_id, join(tx, actor, space_id, parent_id=folder.parent_id, name=folder.name, role=OWNER)


def join(tx: Transaction, actor: Actor, space_id: int, *, parent_id: int, name: str, role: int) -> int:
    """Mount a space in somebody's home; return the mount."""
    home_id = must_find(tx, parent_id).space_id
    mount = nodes.create(tx, space_id=home_id, parent_id=parent_id, name=name, kind=Kind.MOUNT, actor_id=actor.id)
    tx.execute(_TARGET, {"id": mount.id, "space": space_id})
    values = {"space": space_id, "user": actor.user_id, "role": role, "seq": mount.seq, "mount": mount.id}
    tx.execute(_JOIN, values)
    for changed in (home_id, space_id):
        spaces.adjust(tx, changed, seq=mount.seq)
    return mount.id


def leave(tx: Transaction, actor: Actor, space_id: int, mount_id: int) -> None:
    """End a membership."""
    seq = _kill(tx, actor, mount_id, dead_ms=None)
    tx.execute(_LEAVE, {"space": space_id, "user": actor.user_id, "seq": seq})


def trash(tx: Transaction, actor: Actor, mount_id: int) -> None:
    """Put the owner's mount in the trash."""
    _kill(tx, actor, mount_id, dead_ms=1)


def restore(tx: Transaction, actor: Actor, space_id: int, mount_id: int, name: str) -> None:
    """Bring the owner's mount back where it was."""
    mount = must_find(tx, mount_id)
    assert mount.parent_id is not None
    back = deletions.restore(tx, mount, parent_id=mount.parent_id, name=name, actor_id=actor.id)
    tx.execute(_SHOWN, {"space": space_id, "user": actor.user_id, "seq": back.seq})
    spaces.adjust(tx, back.space_id, seq=back.seq)


def set_role(tx: Transaction, actor: Actor, space_id: int, mount_id: int, role: int) -> None:
    """Give a member another role."""
    seq = tx.record(node_id=mount_id, operation=Operation.MOVE, actor_id=actor.id)
    tx.execute(_ROLE, {"space": space_id, "user": actor.user_id, "role": role})
    tx.execute(_FEED, {"id": mount_id, "seq": seq})
    spaces.adjust(tx, must_find(tx, mount_id).space_id, seq=seq)


def move(tx: Transaction, actor: Actor, node_id: int, *, parent_id: int, name: str) -> None:
    """Move a node or a mount, perhaps to another space; what is below it follows by `convert`."""
    node, space_id = must_find(tx, node_id), within(tx, parent_id)
    above = {step.id for step in nodes.way_up(tx, node_id)[1:]}
    changed = nodes.set_place(
        tx, node, parent_id=parent_id, name=name, mtime_ms=node.mtime_ms, executable=node.executable, actor_id=actor.id
    )
    if node.space_id != space_id:
        tx.execute("UPDATE nodes SET space_id = :space WHERE id = :id", {"space": space_id, "id": node_id})
        tx.execute(_DEPART, {"space": node.space_id, "seq": changed.seq, "id": node_id})
    if not jobs.nodes_of(tx, JobKind.REVEAL).isdisjoint(above):
        reveal_below(tx, actor, node)
        feed.show_again(tx, [node_id], changed.seq)
    for touched in (node.space_id, space_id):
        spaces.adjust(tx, touched, seq=changed.seq)


def convert(tx: Transaction, actor: Actor, folder_id: int) -> list[int]:
    """Let what stands in a folder belong to the space in which that is now; return the folders among it."""
    space_id = within(tx, folder_id)
    found = tx.all(_OTHERS, {"folder": folder_id, "space": space_id})
    if found:
        seq = tx.record(node_id=folder_id, operation=Operation.REVEAL, actor_id=actor.id)
        tx.execute(_BELOW, {"folder": folder_id, "space": space_id, "seq": seq})
        for row in found:
            tx.execute(_DEPART, {"space": row["space_id"], "seq": seq, "id": row["id"]})
        for touched in {space_id, *(row["space_id"] for row in found)}:
            spaces.adjust(tx, touched, seq=seq)
    return [row["id"] for row in found if row["kind"] == Kind.FOLDER]


def within(tx: Transaction, folder_id: int) -> int:
    """Return the space from whose root a folder hangs."""
    return nodes.way_up(tx, folder_id)[-1].space_id


def _kill(tx: Transaction, actor: Actor, mount_id: int, *, dead_ms: int | None) -> int:
    mount = must_find(tx, mount_id)
    seq = nodes.close(tx, mount, Operation.TRASH, actor.id)
    tx.execute(_DEAD, {"id": mount_id, "seq": seq, "ms": dead_ms})
    spaces.adjust(tx, mount.space_id, seq=seq)
    return seq
