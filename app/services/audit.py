"""Notes in the audit log what was done about accounts, rights and secrets, and shows it to admins (security.md, E2)."""

from collections.abc import Mapping

from app.auth.identity import Actor
from app.auth.usernames import fold
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.repositories import audit, users
from app.repositories.audit import Event, Line

KEEP_MS = 400 * 24 * 3600 * 1000
KEEP_LINES = 1_000_000
TRIM_AT_ONCE = 1000


def note(
    tx: Transaction,
    event: Event,
    *,
    actor: Actor | None,
    about: str = "",
    outcome: str = "ok",
    detail: Mapping[str, str | int | None] | None = None,
    address: str = "",
) -> None:
    """Append a line, in the transaction of what it tells.

    Args:
        actor: who did it; None for a stranger and for the server itself.
        about: wire id or name of the object.
        outcome: "ok", or why it was refused.
        detail: what else belongs to it; never a secret.
        address: where it came from, where `actor` does not say it.
    """
    audit.append(
        tx,
        event,
        user_id=None if actor is None else actor.user_id,
        actor_id=None if actor is None else actor.id,
        address=address if actor is None else actor.address,
        about=about,
        outcome=outcome,
        detail=detail or {},
    )


class AuditService:
    """Reads the log, and lets go of its oldest lines."""

    def __init__(self, database: Database) -> None:
        """Take the database that the log is in."""
        self._database = database

    async def list_page(self, *, before: int, event: str | None, username: str | None, limit: int) -> list[Line]:
        """Return up to `limit` lines older than number `before`, the newest first.

        Args:
            event: only lines of this kind.
            username: only what people of this name did, deleted ones too, and what was done about the name.
        """

        def work(tx: Snapshot) -> list[Line]:
            if username is None:
                return audit.page(tx, before=before, event=event, limit=limit)
            found = {line.id: line for line in audit.page_about(tx, username, before=before, event=event, limit=limit)}
            for user_id in users.ever_named(tx, name=username, folded=fold(username)):
                lines = audit.page_of_user(tx, user_id, before=before, event=event, limit=limit)
                found |= {line.id: line for line in lines}
            return [found[number] for number in sorted(found, reverse=True)[:limit]]

        return await self._database.read(work)

    async def trim(self) -> None:
        """Let go of lines older than 400 days, and of all but the newest million."""

        def work(tx: Transaction) -> int:
            return audit.trim(tx, keep=KEEP_LINES, since_ms=tx.now_ms() - KEEP_MS, limit=TRIM_AT_ONCE)

        while await self._database.write(work, use=Use.FREES) == TRIM_AT_ONCE:
            pass
