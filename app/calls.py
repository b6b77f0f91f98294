"""Calls that are under way: those of a credential that ends are cut off, however long their bodies go on (S3).

Whoever asks is known before the body has come and while the answer goes out, and both may take hours. What ends
quickly is left to end: the call that ended the credential itself, and long polls, which are told in another way.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from app.auth.endings import Ended
from app.auth.identity import Actor

GRACE_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    actor: Actor
    transport: asyncio.Transport | None


class Calls:
    """Knows which calls run for whom."""

    def __init__(self) -> None:
        """Begin with none."""
        self._by_user: dict[int, set[_Call]] = {}

    @property
    def count(self) -> int:
        """How many run."""
        return sum(map(len, self._by_user.values()))

    def actors(self) -> set[Actor]:
        """Return for whom any run."""
        return {call.actor for calls in self._by_user.values() for call in calls}

    @contextmanager
    def running(self, actor: Actor, transport: asyncio.Transport | None) -> Iterator[None]:
        """Count a call while entered; `transport` is its connection, None if that is gone."""
        call = _Call(actor, transport)
        self._by_user.setdefault(actor.user_id, set()).add(call)
        try:
            yield
        finally:
            calls = self._by_user[actor.user_id]
            calls.discard(call)
            if not calls:
                del self._by_user[actor.user_id]

    def ended(self, ended: Ended) -> None:
        """Cut off the calls of a credential that has ended, unless they end by themselves in a moment."""
        found = [call for call in self._by_user.get(ended.user_id, ()) if ended.actor_id in (None, call.actor.id)]
        if found:
            asyncio.get_running_loop().call_later(GRACE_S, self._cut, found)

    def _cut(self, calls: list[_Call]) -> None:
        for call in calls:
            if call.transport is not None and call in self._by_user.get(call.actor.user_id, ()):
                _cut_off(call.transport)


def _cut_off(transport: asyncio.Transport) -> None:
    """End a connection whatever is under way on it; a file may be sent to it by a second handle on its socket."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):  # the peer was faster
            raw.shutdown(socket.SHUT_RDWR)
    transport.abort()
