"""The deep check (section 6): now and then all files are read, whatever their Stat says, and compared with their rows.

It reads one file at a time, a piece at a time, and only while both sides agree and nothing else is to be done. Where it
stands is kept as the number of the next entry, so that nothing is held in memory and a restart goes on there.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from client.sync.apply.checks import PIECE, is_same
from client.sync.loop.memory import Memory
from client.sync.loop.tools import World
from client.sync.model import LocalEntry, Path, Problem, Stat
from client.sync.seams.executor import Finished, Lane
from client.sync.seams.files import Fs, FsError, Traits, Trouble
from client.sync.trees.decay import UNREADABLE, decay_of, decays, forget_decay, note_decay
from client.sync.trees.state import State

logger = logging.getLogger(__name__)

EVERY_MS = 30 * 24 * 3600 * 1000
SLICE = 8 * PIECE  # bytes that are read in one job
RATE = 16 * 1024 * 1024  # bytes a second, at most
SHARE = 4  # it works for a quarter of the time, at most
GAP_S = 0.05  # between two files, at least
KEEP_S = 60.0  # between two times at which is kept where it stands
ASK_S = 600.0  # between two looks whether it is due

_BEGAN = "deep_check_began_ms"
_NEXT = "deep_check_next"
_NEXT_LID = """
    SELECT lid FROM local WHERE lid >= ? AND kind = 'file' AND sha256 IS NOT NULL AND sure ORDER BY lid LIMIT 1
"""
_DECAYED = (
    "Its bytes changed here though no program wrote to it: the disk may be failing. It is not sent, and the server has"
    " it as it was. Check the disk, then `cairn damaged fetch` brings that back; if what is here is right, give it a"
    " new time (`touch`), and it is sent."
)
_UNREADABLE = (
    "The disk cannot read it any more. The server has it as it was. Check the disk, then `cairn damaged fetch` brings"
    " that back."
)


@dataclass(slots=True)
class _Reading:
    """The file that is being read."""

    entry: LocalEntry
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    offset: int = 0
    is_second: bool = False
    """Whether a first reading gave other bytes: nothing is believed before a second gave them too."""


class DeepCheck:
    """Reads everything once in a while. For the engine's thread."""

    def __init__(
        self, state: State, world: World, traits: Traits, memory: Memory, on_bug: Callable[[BaseException], None]
    ) -> None:
        """Go on where an earlier run was; `on_bug` hears of what no job expected."""
        self._state = state
        self._world = world
        self._traits = traits
        self._memory = memory
        self._on_bug = on_bug
        self._next = _number(state.meta(_NEXT))
        self._kept = self._next
        self._keep_s = self._due_s = world.clock.monotonic_s()
        self._reading: _Reading | None = None
        self._is_running = False

    @property
    def due_s(self) -> float | None:
        """When the next piece is due, if both sides still agree then; None outside of a check."""
        return None if self._next is None or self._is_running else self._due_s

    @property
    def is_running(self) -> bool:
        """Whether a piece is being read."""
        return self._is_running

    def work(self, now_s: float) -> None:
        """Read the next piece if one is due; only called while both sides agree."""
        if self._is_running or now_s < self._due_s:
            return
        if self._next is None and not self._is_time():
            self._due_s = now_s + ASK_S
            return
        if self._world.executor.free(Lane.LOOK) > 0:
            self._read(now_s)
        else:
            self._due_s = now_s + GAP_S

    def end(self) -> None:
        """Keep where it stands."""
        if self._next != self._kept:
            self._keep()

    def problems(self) -> list[Problem]:
        """Return what was found, by this check or those before."""
        found = []
        for lid, decay in decays(self._state).items():
            entry = self._state.local(lid)
            if entry is not None and decay.fits(entry):
                sentence = _UNREADABLE if decay.found == UNREADABLE else _DECAYED
                found.append(Problem("/".join(self._state.path_of(lid)), "decayed", sentence))
        return found

    def _is_time(self) -> bool:
        """Tell whether a check is due, and begin it; a clock that went back begins the time anew."""
        now_ms, began_ms = self._world.clock.wall_ms(), _number(self._state.meta(_BEGAN))
        is_time = began_ms is not None and now_ms - began_ms >= EVERY_MS
        if is_time:
            self._next = 0
        if is_time or began_ms is None or now_ms < began_ms:
            with self._state.transaction():
                self._state.set_meta(_BEGAN, str(now_ms))
                self._keep()
        return is_time

    def _keep(self) -> None:
        self._kept = self._next
        self._state.set_meta(_NEXT, None if self._next is None else str(self._next))

    def _read(self, now_s: float) -> None:
        reading = self._current()
        if reading is None:
            self._next = None
            self._keep()
            return
        self._is_running = True
        fs, traits, path = self._world.fs, self._traits, self._state.path_of(reading.entry.lid)

        def read() -> int | None:
            return read_slice(fs, path, reading.entry.stat, traits, reading.digest, reading.offset)

        self._world.executor.run(Lane.LOOK, "deep check", read, lambda end: self._finish(reading, now_s, end))

    def _current(self) -> _Reading | None:
        """Return what is to be read on with, or the next file; None at the end."""
        if self._reading is not None and self._state.local(self._reading.entry.lid) == self._reading.entry:
            return self._reading
        row = self._state.db.row(_NEXT_LID, (self._next,))
        entry = None if row is None else self._state.local(row[0])
        if entry is None:
            return None
        if self._reading is not None and self._reading.entry.lid == entry.lid:  # changed since: no longer our concern
            self._advance(self._reading)
            return self._current()
        self._next = entry.lid
        self._reading = _Reading(entry)
        return self._reading

    def _finish(self, reading: _Reading, began_s: float, finished: Finished[int | None]) -> None:
        self._is_running = False
        now_s, before, end = self._world.clock.monotonic_s(), reading.offset, finished.value
        self._due_s = now_s + max((SHARE - 1) * (now_s - began_s), GAP_S)
        if end is not None:
            self._due_s = max(self._due_s, now_s + (end - before) / RATE)
            reading.offset = end
        if end is None or end >= reading.entry.stat.size:
            self._judge(reading, finished)
        if now_s >= self._keep_s:
            self._keep_s = now_s + KEEP_S
            self._keep()

    def _judge(self, reading: _Reading, finished: Finished[int | None]) -> None:
        """Conclude what can be from a file that was read to its end, or could not be."""
        entry, error = reading.entry, finished.error
        if error is not None and not isinstance(error, FsError):
            self._on_bug(error)
        found = None if finished.value is None else reading.digest.hexdigest()
        if isinstance(error, FsError) and error.trouble is Trouble.DAMAGED:
            found = UNREADABLE
        if found is not None and self._state.local(entry.lid) == entry:
            if found != entry.sha256 and not reading.is_second:
                self._reading = _Reading(entry, is_second=True)
                return
            self._take(entry, found)
        self._advance(reading)

    def _take(self, entry: LocalEntry, found: str) -> None:
        if found == entry.sha256:
            if decay_of(self._state, entry.lid) is not None:
                forget_decay(self._state, entry.lid)
            return
        logger.warning("%s: the bytes on the disk are no longer those that were synced", self._shown(entry))
        if entry.stat.ctime_ns == 0 and found != UNREADABLE:  # some programs put the old time back: this may be an edit
            self._state.put_local(replace(entry, sha256=None, sure=False))
            self._memory.changed = True
        else:
            note_decay(self._state, entry, found)

    def _advance(self, reading: _Reading) -> None:
        self._reading = None
        self._next = reading.entry.lid + 1

    def _shown(self, entry: LocalEntry) -> str:
        return "/".join(self._state.path_of(entry.lid))


def read_slice(fs: Fs, path: Path, expected: Stat, traits: Traits, digest: "hashlib._Hash", offset: int) -> int | None:
    """Add the next piece of a file to a digest; return where it ends, or None if the file is not as it was seen.

    Raises:
        FsError: it cannot be read.
    """
    end = min(offset + SLICE, expected.size)
    reading = fs.open(path)
    try:
        is_it = is_same(reading.stat(), expected, traits)
        while is_it and offset < end:
            piece = reading.read(min(PIECE, end - offset), offset)
            digest.update(piece)
            offset += len(piece)
            is_it = bool(piece)
        is_it = is_it and is_same(reading.stat(), expected, traits)
    finally:
        reading.close()
    return offset if is_it and is_same(fs.look(path), expected, traits) else None


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
