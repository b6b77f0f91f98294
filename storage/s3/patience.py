"""Wrappers of a client: one tries again what may pass, one lets only so many calls be under way."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from storage.s3.client import AwayError, Client

T = TypeVar("T")

TRIES = 5
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
PATIENCE_S = 15.0
"""For so long a call is tried again; how long one try takes is for the client's timeouts."""
BUSY_WAIT_S = 0.5
"""For so long at least all calls wait once the server has asked for fewer."""

_log = logging.getLogger(__name__)


class Retrying:
    """Tries again what may pass, each time after a longer wait of a random part.

    Once the server asks for fewer calls, all wait, not only the one that was told.
    """

    def __init__(self, client: Client, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wrap a client; `sleep` is for tests."""
        self._client = client
        self._sleep = sleep
        self._calm_s = 0.0

    def put(self, key: str, content: bytes, *, is_new: bool = False) -> None:
        """Put one object."""
        self._try(lambda: self._client.put(key, content, is_new=is_new))

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return an object or a part of it."""
        return self._try(lambda: self._client.get(key, start, size))

    def copy(self, source: str, key: str, size: int) -> None:
        """Copy an object within the bucket."""
        self._try(lambda: self._client.copy(source, key, size))

    def size(self, key: str) -> int:
        """Return the length of an object in bytes."""
        return self._try(lambda: self._client.size(key))

    def delete(self, keys: Collection[str]) -> None:
        """Remove objects."""
        self._try(lambda: self._client.delete(keys))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that begin so; a listing that breaks off begins anew."""
        return iter(self._try(lambda: list(self._client.keys(prefix))))

    def lengths(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield all keys that begin so, with lengths; a listing that breaks off begins anew."""
        return iter(self._try(lambda: list(self._client.lengths(prefix))))

    def expiring(self) -> list[str]:
        """Return the rules by which objects of ours expire."""
        return self._try(self._client.expiring)

    def _try(self, call: Callable[[], T]) -> T:
        begun = time.monotonic()
        for number in range(1, TRIES + 1):
            if (calm := self._calm_s - time.monotonic()) > 0:
                self._sleep(min(calm, LONGEST_WAIT_S))
            try:
                return call()
            except AwayError as error:
                if not error.passes or number == TRIES or time.monotonic() - begun > PATIENCE_S:
                    raise
                wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 4**number) * (0.5 + secrets.randbelow(500) / 1000)
                if error.is_busy:
                    wait = max(wait, BUSY_WAIT_S)
                    self._calm_s = time.monotonic() + wait
                _log.debug("try %d of the object server failed: %s", number, error.cause)
                self._sleep(wait)
        raise AssertionError("unreachable")


class Limited:
    """Lets so many calls be under way at once; the others wait."""

    def __init__(self, client: Client, most: int) -> None:
        """Wrap a client."""
        self._client = client
        self._free = threading.BoundedSemaphore(most)

    def put(self, key: str, content: bytes, *, is_new: bool = False) -> None:
        """Put one object."""
        with self._free:
            self._client.put(key, content, is_new=is_new)

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return an object or a part of it."""
        with self._free:
            return self._client.get(key, start, size)

    def copy(self, source: str, key: str, size: int) -> None:
        """Copy an object within the bucket."""
        with self._free:
            self._client.copy(source, key, size)

    def size(self, key: str) -> int:
        """Return the length of an object in bytes."""
        with self._free:
            return self._client.size(key)

    def delete(self, keys: Collection[str]) -> None:
        """Remove objects."""
        with self._free:
            self._client.delete(keys)

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that begin so."""
        with self._free:
            yield from self._client.keys(prefix)

    def lengths(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield all keys that begin so, with the lengths of their objects."""
        with self._free:
            yield from self._client.lengths(prefix)

    def expiring(self) -> list[str]:
        """Return the rules by which objects of ours expire."""
        with self._free:
            return self._client.expiring()
