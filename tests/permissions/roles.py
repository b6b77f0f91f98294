"""Who asks in the walk, and what a rule of the table says about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum


class Role(StrEnum):
    """Somebody with a credential. The owner has a shared folder, a private one and one elsewhere, and is no admin."""

    ANONYMOUS = "anonymous"
    LINK = "link"
    """Shows a link's token as if it were a device's."""
    REVOKED = "revoked"
    """A device of the owner's that was revoked."""
    DISABLED = "disabled"
    """A device that still stands, of an editor who was disabled."""
    FORMER = "former"
    """Was an editor of the shared folder."""
    STRANGER = "stranger"
    ADMIN = "admin"
    """Manages accounts, and is a stranger to the owner's files."""
    STALE_ADMIN = "stale_admin"
    """The same, who has shown no password for long."""
    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"
    STALE = "stale"
    """The owner, who has shown no password for long."""
    SESSION = "session"
    """The owner's browser, on an own page."""
    BARE = "bare"
    """The same cookie without the CSRF token: what a page could send that cannot read our answers."""
    FOREIGN = "foreign"
    """The same, on a page of another origin, even if that knew the token."""
    APP = "app"
    """The owner's app password, as all below."""
    APP_READ = "app_read"
    EDITOR_READ = "editor_read"
    """An app password of the editor's, read only."""
    APP_SHARED = "app_shared"
    """Limited to the shared folder."""
    APP_ELSEWHERE = "app_elsewhere"
    """Limited to a folder that is neither the shared nor the private one."""
    WEBDAV = "webdav"


class Outcome(Enum):
    """How a call ends for somebody."""

    OK = "2xx"
    UNAUTHENTICATED = "401"
    FORBIDDEN = "403"
    REAUTH = "403 reauth_required"
    ABSENT = "404"
    CONFLICT = "409"
    INVALID = "400"


@dataclass(frozen=True)
class Rule:
    """What each role gets; whoever is not named gets `rest`."""

    name: str
    named: Mapping[Role, Outcome] = field(hash=False)
    rest: Outcome
    asked_by: tuple[Role, ...] = tuple(Role)

    def outcome(self, role: Role) -> Outcome:
        """Return what a role gets; OK where it is let through."""
        return self.named.get(role, self.rest)

    def but(self, name: str, **changed: str) -> "Rule":
        """Return the same rule with some roles changed, named as in `rule`."""
        return Rule(name, {**self.named, **_named(changed)}, self.rest)


def rule(name: str, *, rest: Outcome, **roles: str) -> Rule:
    """Return a rule that names, for each outcome by its name in small letters, the roles that get it."""
    return Rule(name, _named(roles), rest)


def _named(roles: Mapping[str, str]) -> dict[Role, Outcome]:
    named: dict[Role, Outcome] = {}
    for outcome, names in roles.items():
        for role in names.split():
            if named.setdefault(Role(role), Outcome[outcome.upper()]) is not Outcome[outcome.upper()]:
                raise ValueError(f"{role} has two outcomes")
    return named
