"""The end of an account: what it holds ends at once, and its files go for good or to somebody else."""

from dataclasses import replace

from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import InvalidRequestError
from app.repositories import members, nodes, preferences, resets, spaces, users
from app.repositories.audit import Event
from app.repositories.nodes import Node
from app.repositories.spaces import Space
from app.repositories.uploads import Upload
from app.repositories.users import User
from app.services import memberships
from app.services.access import Role
from app.services.accounts import require_admin
from app.services.audit import note
from app.services.erase import begin_erasing
from app.services.holdings import end_all
from app.services.jobs import JobService
from app.services.names import NAME_SIZE
from app.services.open_uploads import claims_over, wire_id


class RemovalService:
    """Deletes accounts. The row of a user stays, for the journal names it; the name is free at once."""

    def __init__(self, database: Database, endings: Endings, jobs: JobService) -> None:
        """Take the parts it works with."""
        self._database = database
        self._endings = endings
        self._jobs = jobs

    async def delete(self, name: str, *, heir: str | None, by: Actor | None) -> None:
        """Delete an account; nobody sees its files from now on but who inherits them.

        Args:
            heir: who gets the home as a folder, and the shared folders that the user owns, whatever the heir's quota;
                None where all that goes for good, and its room comes back in slices.
            by: the admin who asks, None on the machine itself.

        Raises:
            NotFoundError: there is no such user, or no such heir.
            InvalidRequestError: the heir is the user, or is disabled.
            ForbiddenError: this is the last enabled admin.
        """

        def work(tx: Transaction) -> Ended:
            user = users.require(tx, fold(name))
            removal = _Removal(tx, user, by)
            ended = removal.end(None if heir is None else _heir(tx, user, heir))
            require_admin(tx, user)
            detail = {"files": "delete"} if heir is None else {"files": "transfer", "to": heir}
            note(tx, Event.USER_DELETED, actor=by, about=user.name, detail=detail)
            return ended

        self._endings.announce(await self._database.write(work, use=Use.FREES))
        self._jobs.added()


class _Removal:
    """The removal of one user in one transaction."""

    def __init__(self, tx: Transaction, user: User, by: Actor | None) -> None:
        self._tx = tx
        self._user = user
        self._home = spaces.home_of(tx, user.id)
        self._actor = _servers_own(tx, user, self._home) if by is None else by

    def end(self, heir: User | None) -> Ended:
        """Do all; return what ended by it, uploads of others to folders that are gone included."""
        tx, user = self._tx, self._user
        ended = end_all(tx, user)
        dropped = memberships.end_all(tx, self._actor, user.id)
        for space in spaces.shared_by(tx, user.id):
            root = nodes.find(tx, space.root_id)
            if heir is None or root is None or (root.dead_seq and root.dead_ms is None):
                dropped += self._erase(space)
            else:
                self._hand_over(space, root, heir)
        if heir is None:
            self._erase(self._home)
        else:
            self._hand_over_home(heir)
        users.forget_second_factor(tx, user)
        resets.forget(tx, user.id)
        preferences.forget(tx, user.id)
        users.bury(tx, user)
        return replace(
            ended,
            upload_ids=(*ended.upload_ids, *map(wire_id, dropped)),
            claims=(*ended.claims, *claims_over(tx, dropped)),
        )

    def _erase(self, space: Space) -> list[Upload]:
        tx, dropped = self._tx, list[Upload]()
        for member in members.of_space(tx, space.id):
            dropped += memberships.leave(tx, self._actor, member)
        begin_erasing(tx, space, user_id=self._actor.user_id, actor_id=self._actor.id)
        return dropped

    def _hand_over(self, space: Space, root: Node, heir: User) -> None:
        """Let the heir own a shared folder; the others stay what they are in it, and one in the trash stays there."""
        tx = self._tx
        own, theirs = (members.find(tx, user.id, space.id) for user in (self._user, heir))
        if own is not None and own.left_seq is None:
            memberships.leave(tx, self._actor, own)
        spaces.set_owner(tx, space.id, heir.id)
        if theirs is not None and theirs.left_seq is None:
            memberships.set_role(tx, self._actor, theirs, Role.OWNER)
        else:
            memberships.join(tx, self._actor, space, heir.id, Role.OWNER)
        theirs = members.find(tx, heir.id, space.id)
        if root.dead_seq and theirs is not None:
            memberships.unmount(tx, self._actor, theirs)

    def _hand_over_home(self, heir: User) -> None:
        """Make the home a shared folder of the heir's alone: history and trash stay, and no node below is touched."""
        tx, home = self._tx, self._home
        root = nodes.find(tx, home.root_id)
        if root is None:
            raise AssertionError(f"the home of user {self._user.id} has no root")
        named = nodes.set_place(
            tx,
            root,
            parent_id=None,
            name=_folder_name(self._user),
            mtime_ms=root.mtime_ms,
            executable=root.executable,
            actor_id=self._actor.id,
        )
        spaces.adjust(tx, home.id, seq=named.seq)
        spaces.give_home(tx, home.id, heir.id)
        memberships.join(tx, self._actor, spaces.get(tx, home.id), heir.id, Role.OWNER)
        spaces.create_home(tx, owner_id=self._user.id, actor_id=self._actor.id, quota=0)  # everybody has one


def _heir(tx: Snapshot, user: User, name: str) -> User:
    heir = users.require(tx, fold(name))
    if heir.id == user.id or heir.disabled_ms is not None:
        raise InvalidRequestError("Files go to another user, whose account is enabled.")
    return heir


def _servers_own(tx: Snapshot, user: User, home: Space) -> Actor:
    """Return the server itself as it acts for a user: what made the home, and nobody else changes."""
    root = nodes.find(tx, home.root_id)
    if root is None:
        raise AssertionError(f"the home of user {user.id} has no root")
    return Actor(root.actor_id, user.id, user.name, user.generation, ActorKind.SERVER, is_admin=False, proved_ms=0)


def _folder_name(user: User) -> str:
    return f"Files of {user.name}".encode()[:NAME_SIZE].decode(errors="ignore")
