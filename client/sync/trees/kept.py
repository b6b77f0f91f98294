"""Rows that were read or written lately, kept in memory: the engine asks for the same ones again and again."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST = 16_384
"""Rows of one kind; then all are let go, which costs less than to know which were asked for last."""


class Kept(Generic[K, V]):
    """What is known of the rows of one table by their keys, the absence of a row included."""

    def __init__(self, read: Callable[[K], V | None]) -> None:
        """Begin with nothing; `read` is asked for what is not kept."""
        self._read = read
        self._rows: dict[K, V | None] = {}

    def get(self, key: K) -> V | None:
        """Return the row of a key."""
        try:
            return self._rows[key]
        except KeyError:
            row = self._read(key)
            self.put(key, row)
            return row

    def put(self, key: K, row: V | None) -> None:
        """Note what the row of a key is now; None: there is none."""
        if len(self._rows) >= MOST:
            self._rows.clear()
        self._rows[key] = row

    def forget(self, key: K) -> None:
        """Read the row of a key anew when it is asked for."""
        self._rows.pop(key, None)

    def clear(self) -> None:
        """Read everything anew."""
        self._rows.clear()
