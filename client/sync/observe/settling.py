"""When a new or changed file may be taken: at once, or after it has stood still (section 6 of the design)."""

from dataclasses import dataclass

from client.sync.model import Path, Stat

LARGE = 64 * 1024 * 1024
"""Bytes. Files over this are not taken at the first close: a copy program may open them again."""

REST_NS = 2_000_000_000
"""How old by the file system's clock the times of a file at rest are."""

LOOKS_APART_S = 1.0
GRACE_S = 0.02
"""So much later than needed a file is looked at again, so that one more look does."""

AGAIN_S = 5.0
"""A file that changes again within this time is not taken at once."""

FIRST_WAIT_S = 2.0
LAST_WAIT_S = 300.0


@dataclass(slots=True)
class _Waiting:
    stat: Stat
    since_s: float
    wait_s: float
    """How long it may go on changing until the next doubling of this; after the last it is taken as it is."""

    until_s: float


class Settling:
    """The files that are being written to, by folder and name."""

    def __init__(self, *, once: bool) -> None:
        """With `once` nothing waits: the stable read and the racy rule suffice."""
        self._once = once
        self._waiting: dict[Path, dict[str, _Waiting]] = {}
        self._taken: dict[Path, float] = {}
        self._taken_before: dict[Path, float] = {}
        self._turned_s = 0.0

    def __len__(self) -> int:
        """Return how many files have not come to rest."""
        return sum(map(len, self._waiting.values()))

    def paths(self) -> list[Path]:
        """Return the files that have not come to rest."""
        return [(*folder, name) for folder, names in self._waiting.items() for name in names]

    def names_in(self, folder: Path) -> list[str]:
        """Return the files of a folder that have not come to rest."""
        return list(self._waiting.get(folder, ()))

    def forget(self, path: Path) -> None:
        """Stop to wait for a path: it is gone, or is again what it was."""
        there = self._waiting.get(path[:-1])
        if there is not None and there.pop(path[-1], None) is not None and not there:
            del self._waiting[path[:-1]]

    def forget_below(self, folder: Path) -> None:
        """Stop to wait for all that is below a folder."""
        for each in [each for each in self._waiting if each[: len(folder)] == folder]:
            del self._waiting[each]

    def wait_s(self, path: Path, stat: Stat, now_s: float, fs_now_ns: int, *, closed: bool) -> float | None:
        """Return how long to wait before the next look; None: take it now.

        Args:
            path: of the file.
            stat: as it was just seen.
            now_s: monotonic seconds.
            fs_now_ns: the file system's own time.
            closed: a writer has just closed it, or a whole file was moved there.
        """
        if self._once:
            return None
        wait = self._wait_s(path, stat, now_s, fs_now_ns, closed=closed)
        if wait is None:
            self.forget(path)
            self._note_taken(path, now_s)
        return wait

    def _wait_s(self, path: Path, stat: Stat, now_s: float, fs_now_ns: int, *, closed: bool) -> float | None:
        if closed and stat.size <= LARGE and not self._is_hot(path, now_s):
            return None
        before = self._waiting.get(path[:-1], {}).get(path[-1])
        young_s = (REST_NS - (fs_now_ns - stat.mtime_ns)) / 1e9 if stat.mtime_ns <= fs_now_ns else 0.0
        if before is None:
            # Every write sets ctime: if that is old, the file has stood still for as long as two looks would take.
            if _age_ns(stat, fs_now_ns) >= REST_NS:
                return None
            self._wait_for(path, _Waiting(stat, now_s, FIRST_WAIT_S, now_s + FIRST_WAIT_S))
            return max(LOOKS_APART_S, young_s) + GRACE_S
        if before.stat == stat:  # its ctime too: nothing was written, though mtime may have been put back before
            left_s = max(LOOKS_APART_S - (now_s - before.since_s), young_s)
            return None if left_s <= 0 else left_s + GRACE_S
        wait_s, until_s = before.wait_s, before.until_s
        if now_s >= until_s:  # by time, not by look: each write of a program that is watched brings one
            if wait_s >= LAST_WAIT_S:
                return None  # it never rests: the stable read will tell
            wait_s = min(wait_s * 2, LAST_WAIT_S)
            until_s = now_s + wait_s
        self._wait_for(path, _Waiting(stat, now_s, wait_s, until_s))
        return max(LOOKS_APART_S, young_s) + GRACE_S

    def _wait_for(self, path: Path, waiting: _Waiting) -> None:
        self._waiting.setdefault(path[:-1], {})[path[-1]] = waiting

    def _note_taken(self, path: Path, now_s: float) -> None:
        """Remember it for five seconds at least, and for ten at most."""
        if now_s - self._turned_s >= AGAIN_S:
            self._taken_before = self._taken if now_s - self._turned_s < 2 * AGAIN_S else {}
            self._taken = {}
            self._turned_s = now_s
        self._taken[path] = now_s

    def _is_hot(self, path: Path, now_s: float) -> bool:
        taken_s = self._taken.get(path, self._taken_before.get(path))
        return taken_s is not None and now_s - taken_s < AGAIN_S


def _age_ns(stat: Stat, fs_now_ns: int) -> int:
    """Return how long ago a file changed. An mtime in the future tells nothing, and holds nothing back.

    A ctime in the future is that of a clock that was set back: then only two looks can tell.
    """
    if stat.ctime_ns > fs_now_ns:
        return REST_NS - 1
    return fs_now_ns - (stat.ctime_ns if stat.mtime_ns > fs_now_ns else max(stat.mtime_ns, stat.ctime_ns))
