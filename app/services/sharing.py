"""Folders that people share: who is a member, and what each of them may do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.auth.identity import Actor
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import ConflictError, LimitReachedError, NotFoundError
from app.ids import encode_id
from app.repositories import members, nodes, spaces, users
from app.repositories.audit import Event
from app.repositories.members import Member
from app.repositories.nodes import Sums
from app.repositories.spaces import Space
from app.repositories.uploads import Upload
from app.repositories.users import User
from app.services import access, memberships
from app.services.access import Right, Role, Sight
from app.services.audit import note
from app.services.conversion import carries_about, carries_into, carry_over
from app.services.guard import Guard
from app.services.jobs import JobService
from app.services.memberships import refuse_mounts_below
from app.services.open_uploads import OpenUploads, claims_over, wire_id
from storage.store import ChunkStore

_T = TypeVar("_T")
Closed = tuple[list[str], list[str]]


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member of a shared folder."""

    username: str
    role: Role


class SharingService:
    """Shares folders with people, and ends that."""

    def __init__(self, database: Database, jobs_: JobService, table: OpenUploads, store: ChunkStore) -> None:
        """Take the database, who works off what goes in slices, and who knows of open uploads and their claims."""
        self._database = database
        self._jobs = jobs_
        self._table = table
        self._store = store

    async def share(self, actor: Actor, file_id: str, username: str, role: Role) -> MemberView:
        """Make a user a member of a folder, which first becomes a space of its own; return once they see it.

        Again for a member it sets the role. Where the server stops in between, the folder is a space with its owner
        alone, and the same call goes on from there.

        Raises:
            NotFoundError: there is no such folder or user; files are not shared by themselves.
            ForbiddenError: the actor does not own the folder.
            ConflictError: the user is its owner, or something was moved into the folder or out of it meanwhile.
            LimitReachedError: it is the home, or in a shared folder, or has one in it, or has 500 members.
            QuotaExceededError: the role is owner, and the user's quota has no room for the folder.
            LockedError: somebody's lock binds the folder that it is in: no lock reaches into a shared one.
        """

        def begin(tx: Transaction) -> list[int]:
            folder, _ = _folder(tx, actor, file_id), _somebody(tx, username)
            space = folder.within if folder.within.is_shared else make_space(tx, actor, folder)
            return carries_about(tx, space)  # who joins sees all of it, and skips sending nothing that has left it

        begun = await self._database.write(begin)
        self._jobs.added()  # who works them off goes on with what this call does not come to
        for job_id in begun:
            await self._jobs.complete(job_id)

        def finish(tx: Transaction) -> tuple[MemberView, Closed]:
            folder, user = _folder(tx, actor, file_id), _somebody(tx, username)
            member, dropped = _current(tx, folder.within, user), list[Upload]()
            if member is None:
                _refuse_carrying(carries_about(tx, folder.within), folder)  # moved since it was looked for
                at_first = Role.EDITOR if role is Role.OWNER else role
                memberships.join(tx, actor, folder.within, user.id, at_first)
                _note(tx, Event.SHARED, actor, folder, user, at_first)
                member = _current(tx, folder.within, user)
            if member is not None and member.role != role:
                dropped = _set_role(tx, actor, folder, member, user, role)
            return MemberView(user.name, role), _closed(tx, dropped)

        return await self._finish(finish)

    async def list_members(self, actor: Actor, file_id: str) -> list[MemberView]:
        """Return who sees a node, the owner first; of a node that is not shared that is its owner alone.

        Raises:
            NotFoundError: there is no such node.
            ForbiddenError: this credential sees one folder only.
        """

        def work(tx: Snapshot) -> list[MemberView]:
            access.require_whole_view(actor)
            sight = access.look(tx, actor, file_id)
            sight.require(Right.READ)
            if not sight.within.is_shared:
                return [MemberView(users.get(tx, sight.within.owner_id).name, Role.OWNER)]
            return [MemberView(name, Role(role)) for name, role in members.named(tx, sight.within.id)]

        return await self._database.read(work)

    async def set_role(self, actor: Actor, file_id: str, username: str, role: Role) -> MemberView:
        """Change what a member may do; as owner they take the folder over, and its owner becomes an editor.

        Raises:
            NotFoundError: there is no such folder or member.
            ForbiddenError: the actor does not own the folder.
            ConflictError: the member is its owner, or is to be: their account is disabled, or something is moved in.
            QuotaExceededError: the new owner's quota has no room for it.
        """
        if role is Role.OWNER:  # whose quota is asked for all that is in it
            for job_id in await self._database.read(lambda tx: carries_about(tx, _folder(tx, actor, file_id).within)):
                await self._jobs.complete(job_id)

        def work(tx: Transaction) -> tuple[MemberView, Closed]:
            folder = _folder(tx, actor, file_id)
            user, member = _member(tx, folder, username)
            dropped = [] if member.role == role else _set_role(tx, actor, folder, member, user, role)
            return MemberView(user.name, role), _closed(tx, dropped)

        return await self._finish(work)

    async def remove(self, actor: Actor, file_id: str, username: str) -> None:
        """End a membership at once: an owner anybody's, everybody their own.

        Raises:
            NotFoundError: there is no such folder or member.
            ForbiddenError: the actor does not own the folder, and it is somebody else.
            ConflictError: it is the owner, who hands the folder over first or deletes it.
        """

        def work(tx: Transaction) -> tuple[None, Closed]:
            access.require_whole_view(actor)
            folder = access.look(tx, actor, file_id)
            _require_root(folder)
            if fold(username) != fold(actor.username):
                folder.require(Right.SHARE)
            user, member = _member(tx, folder, username)
            if member.role == Role.OWNER:
                raise ConflictError("The owner can not leave: hand the folder over first, or delete it.", None)
            dropped = memberships.leave(tx, actor, member)
            _note(tx, Event.MEMBER_REMOVED, actor, folder, user, Role(member.role))
            return None, _closed(tx, dropped)

        await self._finish(work, Use.FREES)

    async def _finish(self, work: Callable[[Transaction], tuple[_T, Closed]], use: Use = Use.GROWS) -> _T:
        result, (upload_ids, claims) = await self._database.write(work, use=use)
        self._table.closed(upload_ids)
        self._store.drop_claims(claims)
        return result


def _closed(tx: Snapshot, dropped: list[Upload]) -> Closed:
    """Return ids and claims of uploads that were given up."""
    return [wire_id(upload) for upload in dropped], claims_over(tx, dropped)


def make_space(tx: Transaction, actor: Actor, folder: Sight) -> Space:
    """Let a folder of the actor's home become the root of a space with one member, and a mount take its place."""
    home, node = folder.within, folder.node
    Guard(tx, actor).require(folder.above)
    space = spaces.create_shared(tx, owner_id=home.owner_id, root_id=node.id, like=home.id)
    root = nodes.set_place(
        tx,
        node,
        parent_id=None,
        name=node.name,
        mtime_ms=node.mtime_ms,
        executable=node.executable,
        actor_id=actor.id,
        space_id=space.id,
    )
    size, items = nodes.figures(tx, root)
    sums = Sums()
    sums.add(folder.above, seq=root.seq, size=-size, items=-items)
    sums.apply(tx)
    memberships.mount(tx, actor, space, home.owner_id, Role.OWNER, parent_id=folder.above[0], name=node.name)
    carry_over(tx, actor, root, came_from=node.space_id)
    return space


def _folder(tx: Snapshot, actor: Actor, file_id: str) -> Sight:
    """Return a folder that the actor may share: of their home, or the root of a shared space of theirs."""
    access.require_whole_view(actor)
    folder = access.look(tx, actor, file_id)
    if folder.within.is_shared:
        _require_root(folder)
    folder.require(Right.SHARE)
    if not folder.node.is_folder:
        raise NotFoundError("There is no folder with this id: a file is shared with people in one.")
    if folder.is_root:
        raise LimitReachedError("The home itself can not be shared: share a folder in it.")
    refuse_mounts_below(tx, folder.within, folder.node, "shared")
    return folder


def _require_root(folder: Sight) -> None:
    if folder.within.is_shared and folder.node.parent_id is not None:
        raise LimitReachedError("It is in a shared folder: who sees it is said of that one as a whole.")


def _somebody(tx: Snapshot, username: str) -> User:
    """Return an enabled user."""
    user = users.find(tx, fold(username))
    if user is None or user.disabled_ms is not None:
        raise NotFoundError("There is no user of this name.")
    return user


def _current(tx: Snapshot, space: Space, user: User) -> Member | None:
    member = members.find(tx, user.id, space.id)
    return None if member is None or member.left_seq is not None else member


def _member(tx: Snapshot, folder: Sight, username: str) -> tuple[User, Member]:
    user = users.find(tx, fold(username))
    member = None if user is None else _current(tx, folder.within, user)
    if user is None or member is None:
        raise NotFoundError("Nobody of this name is a member of this folder.")
    return user, member


def _set_role(tx: Transaction, actor: Actor, folder: Sight, member: Member, user: User, role: Role) -> list[Upload]:
    if member.role == Role.OWNER:
        raise ConflictError("The owner hands the folder over by making somebody else its owner.", None)
    if role is Role.OWNER:
        if user.disabled_ms is not None:
            raise ConflictError("Whose account is disabled can not take a folder over.", None)
        _refuse_carrying(carries_into(tx, folder.within), folder)
        memberships.hand_over(tx, actor, folder.within, member)
        _note(tx, Event.OWNER_SET, actor, folder, user, role)
        return []
    _note(tx, Event.ROLE_SET, actor, folder, user, role)
    return memberships.set_role(tx, actor, member, role)


def _refuse_carrying(job_ids: list[int], folder: Sight) -> None:
    if job_ids:
        raise ConflictError("Something is being moved into it or out of it: try again in a moment.", folder.node.id)


def _note(tx: Transaction, event: Event, actor: Actor, folder: Sight, user: User, role: Role) -> None:
    about = encode_id(folder.node.id, folder.node.tag)
    note(tx, event, actor=actor, about=about, detail={"username": user.name, "role": role.name.lower()})
