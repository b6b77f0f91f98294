"""Spreads the word that a credential has ended, so that it ends at once in this process (security.md, S3, S6)."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended.

    Attributes:
        user_id: whose it was.
        actor_id: the one device that ended, or None when all that the user holds did.
        upload_ids: wire ids of open uploads that ended with it.
        claims: what those uploads claim in the store.
    """

    user_id: int
    actor_id: int | None = None
    upload_ids: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


class Endings:
    """Tells each listener of each ending, after its commit."""

    def __init__(self) -> None:
        """Begin without listeners."""
        self._listeners: list[Callable[[Ended], None]] = []

    def listen(self, listener: Callable[[Ended], None]) -> None:
        """Call `listener` for every ending from now on; it must not raise."""
        self._listeners.append(listener)

    def announce(self, ended: Ended) -> None:
        """Tell all listeners."""
        for listener in self._listeners:
            listener(ended)
