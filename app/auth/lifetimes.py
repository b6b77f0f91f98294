"""How long credentials live (security.md, S2 and S4)."""

from dataclasses import dataclass

from app.auth.identity import ActorKind

DAY_MS = 24 * 3600 * 1000
PROOF_MS = 10 * 60 * 1000
"""How long a shown password counts as proof that its owner sits there (security.md, A6)."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a credential ends by itself, in milliseconds: unused for `idle_ms`, and in any case after `whole_ms`."""

    idle_ms: int
    whole_ms: int


_FOR_EVER_MS = 2**53
LIFETIMES = {
    ActorKind.DEVICE: Lifetime(180 * DAY_MS, _FOR_EVER_MS),
    ActorKind.SESSION: Lifetime(7 * DAY_MS, 30 * DAY_MS),
    # A scanner may be used once a year, so an app password lives until somebody ends it.
    ActorKind.APP_PASSWORD: Lifetime(_FOR_EVER_MS, _FOR_EVER_MS),
}


def is_over(kind: ActorKind, *, created_ms: int, last_used_ms: int, now_ms: int) -> bool:
    """Say whether a credential has ended by itself; of another kind than these none works at all."""
    lifetime = LIFETIMES.get(kind)
    return lifetime is None or last_used_ms + lifetime.idle_ms <= now_ms or created_ms + lifetime.whole_ms <= now_ms
