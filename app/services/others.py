"""Ends what else somebody is signed in with, when a password or second factor changes (security.md, S3)."""

from dataclasses import dataclass

from app.auth.endings import Ended, Endings
from app.auth.identity import Actor, ActorKind
from app.auth.recent import RecentActors
from app.db.transaction import Transaction
from app.repositories import actors, users


@dataclass(frozen=True, slots=True)
class OthersEnded:
    """What ended, to be told once it is committed."""

    user_id: int
    actor_ids: tuple[int, ...]

    def announce(self, endings: Endings, recent: RecentActors) -> None:
        """Tell everybody who listens, and forget what was remembered of those who stay: it is of the old generation."""
        recent.forget(Ended(self.user_id))
        for actor_id in self.actor_ids:
            endings.announce(Ended(self.user_id, actor_id))


def end_others(tx: Transaction, actor: Actor, *, devices: bool, app_passwords: bool) -> OthersEnded:
    """End all sessions of the actor's user but the actor, and the devices and app passwords if they are named."""
    named = ((ActorKind.DEVICE, devices), (ActorKind.APP_PASSWORD, app_passwords))
    kinds = (ActorKind.SESSION, *(kind for kind, is_named in named if is_named))
    ended = [one for kind in kinds for one in actors.revoke_kind(tx, actor.user_id, kind, but=actor.id)]
    users.end_all(tx, users.get(tx, actor.user_id))
    return OthersEnded(actor.user_id, tuple(ended))
