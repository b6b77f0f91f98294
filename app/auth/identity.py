"""Who is asking: what authentication finds out once, and every service is handed."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class ActorKind(IntEnum):
    """How somebody is connected; the numbers stand in the database."""

    DEVICE = 0
    SESSION = 1
    APP_PASSWORD = 2
    SERVER = 3
    LINK = 4


class Reach(StrEnum):
    """What a credential may do at most, whatever its user may."""

    ALL = "all"
    READ = "read"
    DROP = "drop"
    """Put new files into a folder, and see nothing of what is there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a credential was limited to when it was made.

    Attributes:
        root_id: row of the folder (or, for a link, file) at which its view begins; None for all that its user sees.
        webdav_only: it opens no other door.
    """

    reach: Reach = Reach.ALL
    root_id: int | None = None
    webdav_only: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it leaves all that its user may do with files."""
        return self.root_id is None and self.reach is Reach.ALL


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Actor:
    """A device, session, app password or link of a user. It says who, never what is allowed.

    Attributes:
        id: row of `actors`; the journal names it.
        user_id: row of `users`; of a link, its maker.
        username: the user's name as written.
        generation: the user's credential generation; signed into URLs.
        is_admin: may manage accounts; gives no access to files.
        proved_ms: when the password was last shown, Unix milliseconds.
        scope: what this credential may at most.
        address: the network that this request came from; "" on the machine itself.
    """

    id: int
    user_id: int
    username: str
    generation: int
    kind: ActorKind
    is_admin: bool
    proved_ms: int
    scope: Scope = EVERYTHING
    address: str = ""
