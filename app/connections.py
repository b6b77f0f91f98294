"""Who is connected: not too many in all, and not too many of one network (security.md, H3 and Limits).

When a place is wanted and none is free, the connection that has been idle longest makes room; only where all are busy
is a newcomer refused. So connections that are merely held open, by a forgotten program or an enemy, shut nobody out.
Nor do strangers: while a body comes in or an answer goes out, a request whose token or signature has not held counts as
idle.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from app.auth.addresses import Proxies, is_loopback, network_of
from app.errors import RateLimitedError, UnavailableError

RESERVE = 32
RETRY_S = 5


class Guest(Protocol):
    """A connection as it is seen from here."""

    def hang_up(self) -> None:
        """End at once: another needs the place."""


class Connections:
    """Knows every connection, and which of them wait for a request."""

    def __init__(self, most: int, most_per_network: int, proxies: Proxies) -> None:
        """Begin with nobody.

        Args:
            most: connections in all; `RESERVE` more are kept for this machine, for its health check and its operator.
            most_per_network: what one network may hold, of connections, or of requests through a trusted proxy.
            proxies: whose connections carry many clients.
        """
        self.parting = 0  # connections that are being told why they are not taken in
        self._most = most
        self._most_per_network = most_per_network
        self._proxies = proxies
        self._network: dict[Guest, str | None] = {}
        self._held: Counter[str] = Counter()
        self._idle: dict[Guest, None] = {}  # those idle longest come first, here and in each network
        self._idle_of: dict[str, dict[Guest, None]] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._network)

    def enter(self, guest: Guest, peer: str | None) -> None:
        """Take a new connection in; it is idle.

        Args:
            peer: the address at the other end; None for a local socket.

        Raises:
            RateLimitedError: its network has too many, and all are busy.
            UnavailableError: there are too many in all, and all are busy.
        """
        is_local = peer is None or is_loopback(peer)
        is_shared = is_local or self._proxies.is_trusted(peer)
        network = None if is_shared else network_of(self._proxies.client_address(peer, ()))
        if network is not None and self._held[network] >= self._most_per_network:
            self._make_room(self._idle_of.get(network), _too_many_of_yours())
        if len(self._network) >= self._most + (RESERVE if is_local else 0):
            self._make_room(self._idle, UnavailableError("This server has too many connections: try again soon."))
        self._network[guest] = network
        if network is not None:
            self._held[network] += 1
        self.rests(guest)

    def leave(self, guest: Guest) -> None:
        """Forget a connection; again is fine."""
        if guest not in self._network:
            return
        self.works(guest)
        network = self._network.pop(guest)
        if network is not None:
            self._give_back(network)

    def works(self, guest: Guest) -> None:
        """Note that this server works for the connection, or for somebody it knows: it keeps its place."""
        self._idle.pop(guest, None)
        network = self._network.get(guest)
        if network is not None and (idle := self._idle_of.get(network)) is not None:
            idle.pop(guest, None)
            if not idle:
                del self._idle_of[network]

    def rests(self, guest: Guest) -> None:
        """Note that this connection may make room from now on, after those that may already; again changes nothing."""
        if guest not in self._network:
            return
        self._idle[guest] = None
        network = self._network[guest]
        if network is not None:
            self._idle_of.setdefault(network, {})[guest] = None

    @contextmanager
    def forwarded(self, peer: str | None, network: str) -> Iterator[None]:
        """Count a request for its client's network while entered, if a trusted proxy brought it.

        Raises:
            RateLimitedError: the network has too many already.
        """
        if not self._proxies.is_trusted(peer):
            yield
            return
        if self._held[network] >= self._most_per_network:
            raise _too_many_of_yours()
        self._held[network] += 1
        try:
            yield
        finally:
            self._give_back(network)

    def _make_room(self, idle: dict[Guest, None] | None, refusal: Exception) -> None:
        longest = next(iter(idle or ()), None)
        if longest is None:
            raise refusal
        self.leave(longest)
        longest.hang_up()

    def _give_back(self, network: str) -> None:
        self._held[network] -= 1
        if not self._held[network]:
            del self._held[network]


def _too_many_of_yours() -> RateLimitedError:
    return RateLimitedError("Your network has too many connections to this server: wait for some to end.", RETRY_S)
