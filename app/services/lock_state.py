"""What a request shows of locks and versions that it knows of, and what there is to hold that against."""

from collections.abc import Callable
from dataclasses import dataclass

Names = tuple[str, ...]
"""A path in somebody's view, as checked names."""


@dataclass(frozen=True, slots=True)
class State:
    """What a resource is at one moment; where there is nothing it has neither.

    Attributes:
        etag: without quotes; None where there is nothing.
        tokens: of the locks that bind it, its own and those of folders above it, as the wire writes them.
    """

    etag: str | None = None
    tokens: frozenset[str] = frozenset()


ABSENT = State()
Lookup = Callable[[Names], State]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of locks (RFC 4918, 10.4).

    Attributes:
        tokens: of locks, as the wire writes them; each is worth something to its holder alone.
        condition: tells whether the states are as the request says; None if it says nothing. It is asked again inside
            the unit of work, so that nothing comes in between.
    """

    tokens: frozenset[str] = frozenset()
    condition: Callable[[Lookup], bool] | None = None


NOTHING_SHOWN = Shown()
