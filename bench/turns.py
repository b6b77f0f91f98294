"""What measurements beside a peer share: the clock, whose turn it is, and whether what came is what was sent."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from bench.inputs import MIB

T = TypeVar("T")


class WrongContentError(Exception):
    """What came back is not what was sent."""


def timed(act: Callable[[], object]) -> float:
    """Give the seconds that something took."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def rate(size: int, act: Callable[[], object]) -> float:
    """Give MiB/s of something that moves `size` bytes."""
    return size / MIB / timed(act)


def in_turns(number: int, sides: Sequence[T]) -> list[T]:
    """Let each side begin in another round: who comes later finds a warmer, or a fuller, machine."""
    first = number % len(sides)
    return [*sides[first:], *sides[:first]]


def compare(source: Path, target: Path) -> None:
    """Hold what came against what was sent.

    Raises:
        WrongContentError: it differs.
    """
    with source.open("rb") as sent, target.open("rb") as came:
        if hashlib.file_digest(sent, "sha256").digest() != hashlib.file_digest(came, "sha256").digest():
            raise WrongContentError(f"{target.name} differs from what was sent")
