"""Who is asking: what authentication finds out once, and every service is handed."""

from dataclasses import dataclass
from enum import IntEnum


class ActorKind(IntEnum):
    """How somebody is connected; the numbers stand in the database."""

    DEVICE = 0
    SESSION = 1
    APP_PASSWORD = 2
    SERVER = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """A device, session or app password of a user. It says who, never what is allowed.

    Attributes:
        id: row of `actors`; the journal names it.
        user_id: row of `users`.
        username: the user's name as written.
        generation: the user's credential generation; signed into URLs.
        is_admin: may manage accounts; gives no access to files.
        proved_ms: when the password was last shown, Unix milliseconds.
    """

    id: int
    user_id: int
    username: str
    generation: int
    kind: ActorKind
    is_admin: bool
    proved_ms: int
