"""Notes in the audit log what was done about accounts, rights and secrets (security.md, E2)."""

from collections.abc import Mapping

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.repositories import audit
from app.repositories.audit import Event


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
