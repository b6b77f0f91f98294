"""Which watch stands for which folder: by watch for events, by path for folders that move with all below them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from client.sync.model import Path


@dataclass(slots=True)
class _Place:
    watch: int | None = None
    since: int = 0
    below: dict[str, "_Place"] = field(default_factory=dict)


class Watched:
    """The folders that are watched. Numbers of watches are the system's, and not used again for long."""

    def __init__(self) -> None:
        """Begin with none."""
        self._root = _Place()
        self._paths: dict[int, Path] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._paths)

    def path_of(self, watch: int) -> Path | None:
        """Return the path that a watch was set for; None if it is known no more."""
        return self._paths.get(watch)

    def put(self, path: Path, watch: int, since: int) -> int | None:
        """Note a watch; `since` is where in the stream of events it was set.

        Return the watch that stood for this path until now, which is that of a folder that is elsewhere or gone.
        """
        before = self._paths.get(watch)
        if before is not None and before != path:
            self._clear(before)
        place = self._root
        for name in path:
            place = place.below.setdefault(name, _Place())
        replaced = place.watch if place.watch != watch else None
        if replaced is not None:
            del self._paths[replaced]
        place.watch, place.since = watch, since
        self._paths[watch] = path
        return replaced

    def drop(self, watch: int) -> None:
        """Forget one watch, which the system has ended."""
        path = self._paths.pop(watch, None)
        if path is not None:
            self._clear(path)

    def drop_below(self, path: Path, at: int | None = None) -> list[int]:
        """Forget a folder and all below it; return their watches.

        With `at` only what was set before that event: what came to be here since is another folder.
        """
        top = self._find(path)
        if top is None:
            return []
        watched = ((place.watch, place.since) for place in _all(top))
        dropped = [watch for watch, since in watched if watch is not None and (at is None or since < at)]
        for watch in dropped:
            self.drop(watch)
        return dropped

    def _find(self, path: Path) -> _Place | None:
        place: _Place | None = self._root
        for name in path:
            if place is None:
                return None
            place = place.below.get(name)
        return place

    def _clear(self, path: Path) -> None:
        """Empty the place at a path, and take away those on the way to it that hold nothing any more."""
        way = [self._root]
        for name in path:
            way.append(way[-1].below[name])
        way[-1].watch = None
        for name, place, above in zip(reversed(path), reversed(way), reversed(way[:-1]), strict=False):
            if place.watch is not None or place.below:
                return
            del above.below[name]


def _all(top: _Place) -> Iterator[_Place]:
    waiting = [top]
    while waiting:
        place = waiting.pop()
        yield place
        waiting.extend(place.below.values())
