"""Memberships of shared spaces, inside one transaction each: who joins, leaves, changes role or takes over.

A member has a mount, a node of their home that shows the space. It is theirs: its name and place change for nobody
else. Each change here gives the mount or the home a new place in the feed, which tells the member's devices.
"""

from app.auth.identity import Actor
from app.db.transaction import Snapshot, Transaction
from app.errors import LimitReachedError, QuotaExceededError
from app.repositories import deletions, members, nodes, spaces, uploads
from app.repositories.journal import Operation
from app.repositories.members import Member
from app.repositories.nodes import Kind, Node, Sums
from app.repositories.spaces import Space
from app.repositories.uploads import Upload
from app.services.access import Role
from app.services.names import free_name
from app.services.uploads import drop

MEMBERS = 500


def join(tx: Transaction, actor: Actor, space: Space, user_id: int, role: Role) -> Node:
    """Make a user a member: the space shows in the root of their home under a free name.

    Raises:
        LimitReachedError: it has as many members as a folder may have.
    """
    if members.count(tx, space.id) >= MEMBERS:
        raise LimitReachedError(f"A folder may have {MEMBERS} members.")
    root = nodes.find(tx, space.root_id)
    if root is None:
        raise AssertionError(f"space {space.id} has no root")
    home = spaces.home_of(tx, user_id)
    return mount(tx, actor, space, user_id, role, parent_id=home.root_id, name=root.name)


def mount(tx: Transaction, actor: Actor, space: Space, user_id: int, role: Role, *, parent_id: int, name: str) -> Node:
    """Let a space show in a folder of a member's home, under this name or the next that is free."""
    home = spaces.home_of(tx, user_id)
    made = nodes.create(
        tx,
        space_id=home.id,
        parent_id=parent_id,
        name=free_name(name, lambda name: nodes.name_in_use(tx, parent_id, name) is not None),
        kind=Kind.MOUNT,
        actor_id=actor.id,
        target_id=space.id,
    )
    sums = Sums()
    sums.add(tuple(step.id for step in nodes.way_up(tx, parent_id)), seq=made.seq, items=1)
    sums.apply(tx)
    spaces.adjust(tx, home.id, seq=made.seq)
    members.join(tx, space_id=space.id, user_id=user_id, role=role, seq=made.seq, mount_id=made.id)
    return made


def leave(tx: Transaction, actor: Actor, member: Member) -> list[Upload]:
    """End a membership at once, and the uploads that were under way to the space; return these."""
    seq = unmount(tx, actor, member)
    members.leave(tx, space_id=member.space_id, user_id=member.user_id, seq=seq)
    return drop_uploads(tx, member)


def unmount(tx: Transaction, actor: Actor, member: Member) -> int:
    """Remove the node that shows a space in a member's home; return the seq."""
    node = nodes.find(tx, member.mount_id)
    if node is None:
        raise AssertionError(f"user {member.user_id} is a member of space {member.space_id} without a mount")
    if node.dead_seq:
        return node.dead_seq
    above = tuple(step.id for step in nodes.way_up(tx, node.id))[1:]
    seq = deletions.trash(tx, node, actor_id=actor.id)
    deletions.purge(tx, [node.id], dead_seq=seq)  # no entry of the trash: who shares can share again
    sums = Sums()
    sums.add(above, seq=seq, items=-1)
    sums.apply(tx)
    spaces.adjust(tx, node.space_id, seq=seq)
    return seq


def set_role(tx: Transaction, actor: Actor, member: Member, role: Role) -> list[Upload]:
    """Change what a member may do and tell their devices; return the uploads that a viewer may not finish."""
    members.set_role(tx, space_id=member.space_id, user_id=member.user_id, role=role)
    seq = tx.record(node_id=member.mount_id, operation=Operation.REVEAL, actor_id=actor.id)
    deletions.reveal(tx, [member.mount_id], seq)
    spaces.adjust(tx, spaces.home_of(tx, member.user_id).id, seq=seq)
    return drop_uploads(tx, member) if role is Role.VIEWER else []


def hand_over(tx: Transaction, actor: Actor, space: Space, heir: Member) -> None:
    """Make a member the owner, whom the space's use counts for from now on; the owner until now becomes an editor.

    Raises:
        QuotaExceededError: the heir's quota has no room for it.
    """
    if not spaces.usage_of(tx, heir.user_id).has_room(space.taken + space.reserved):
        raise QuotaExceededError("The new owner's quota has no room for this folder.")
    before = members.find(tx, space.owner_id, space.id)
    spaces.set_owner(tx, space.id, heir.user_id)
    if before is not None and before.left_seq is None:
        set_role(tx, actor, before, Role.EDITOR)
    set_role(tx, actor, heir, Role.OWNER)


def end_all(tx: Transaction, actor: Actor, user_id: int) -> list[Upload]:
    """End all memberships of a user in what others own; return the uploads that were under way there."""
    theirs = [m for m in members.of_user(tx, user_id) if spaces.get(tx, m.space_id).owner_id != user_id]
    return [upload for member in theirs for upload in leave(tx, actor, member)]


def unmount_all(tx: Transaction, actor: Actor, space: Space) -> list[Upload]:
    """Take a space whose root was just deleted out of everybody's view; the owner stays, and may bring it back."""
    dropped = []
    for member in members.of_space(tx, space.id):
        if member.user_id == space.owner_id:
            unmount(tx, actor, member)
        else:
            dropped += leave(tx, actor, member)
    return dropped


def mount_again(tx: Transaction, actor: Actor, space: Space, *, parent_id: int, name: str, since: int) -> None:
    """Bring a space back into the view of its owner, at a place there, and of all who left it by its deletion.

    These find it in the root of their home: where it showed before may be shared or gone by now.

    Args:
        since: the change that deleted it.
    """
    mount(tx, actor, space, space.owner_id, Role.OWNER, parent_id=parent_id, name=name)
    for member in members.left_since(tx, space.id, since):
        join(tx, actor, space, member.user_id, Role(member.role))


def mounted_below(tx: Snapshot, home: Space, folder_id: int) -> bool:
    """Tell whether a shared space shows in a folder of a home, or below it."""
    return any(
        folder_id in (step.id for step in nodes.way_up(tx, member.mount_id)[1:])
        for member in members.of_user(tx, home.owner_id)
        if not _is_dead(tx, member.mount_id)
    )


def refuse_mounts_below(tx: Snapshot, home: Space, node: Node, what: str) -> None:
    """Refuse to do something with a folder that shared folders are in.

    Raises:
        LimitReachedError: there is one.
    """
    if node.is_folder and not home.is_shared and mounted_below(tx, home, node.id):
        raise LimitReachedError(f"There are shared folders in it: move them elsewhere before it is {what}.")


def drop_uploads(tx: Transaction, member: Member) -> list[Upload]:
    """Give up a member's open uploads to a space, and what was promised to them; return them."""
    found = [upload for upload in uploads.open_of_user(tx, member.user_id) if upload.space_id == member.space_id]
    for upload in found:
        drop(tx, upload)
    return found


def _is_dead(tx: Snapshot, node_id: int) -> bool:
    node = nodes.find(tx, node_id)
    return node is None or node.dead_seq > 0
