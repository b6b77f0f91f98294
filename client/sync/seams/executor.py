"""The seam to concurrency: workers that do jobs, and the engine's own thread, which alone touches the trees."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

A = TypeVar("A")
T = TypeVar("T")


class Lane(Enum):
    """Who shares workers with whom, so that neither starves the other."""

    LOOK = "look"  # hashing
    SMALL = "small"  # bundles of small files, and single calls to the server
    LARGE = "large"  # large files
    FEED = "feed"  # waits at the server for what is new


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """How a job ended: with a value, or with an error that it did not expect."""

    value: T | None
    error: BaseException | None


class Executor(Protocol):
    """Runs jobs. `run` and `wait` belong to the engine's thread, `post` to any, `map` to jobs."""

    def run(self, lane: Lane, name: str, work: Callable[[], T], done: Callable[[Finished[T]], None]) -> None:
        """Do `work` in a worker of the lane; `done` is then called in the engine's thread, from within `wait`."""

    def post(self, call: Callable[[], None]) -> None:
        """Let `call` be made in the engine's thread, from within `wait`."""

    def wait(self, timeout_s: float | None) -> bool:
        """Make the calls that are due, after waiting for the first; return False if none came within the time."""

    def map(self, work: Callable[[A], T], items: Iterable[A], width: int) -> Iterator[T]:
        """Within a job: yield `work(item)` for each item in order, up to `width` at a time ahead of the consumer.

        The first failure is raised at its place, after what had begun has ended.
        """

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """Within a job: yield the items; while the consumer is at one, the next is made by a worker.

        What making one raises is raised at its place.
        """

    def free(self, lane: Lane) -> int:
        """Return how many more jobs the lane would begin at once."""

    def stop(self) -> None:
        """Begin no more jobs, let those that run end, and drop what was not begun."""


def draw(source: Iterator[T]) -> tuple[T] | tuple[()]:
    """Return the next item of an iterator, or nothing at its end: what `ahead` has a worker do."""
    for item in source:
        return (item,)
    return ()
