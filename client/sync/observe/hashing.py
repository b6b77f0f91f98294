"""The stable read: the SHA-256 of one state of a file, or none at all (section 6 of the design)."""

import hashlib

from client.sync.apply.checks import PIECE, is_same
from client.sync.model import Path, Problem, Stat
from client.sync.operations import Operation
from client.sync.outcome import Blocked, Done, Outcome, Stale, Task
from client.sync.seams.files import Fs, FsError, Reading, Traits, Trouble

_PROBLEMS = {
    Trouble.UNREADABLE: ("unreadable", "This device may not read it: change its permissions."),
    Trouble.DAMAGED: ("damaged", "The disk cannot read it: check the disk."),
    Trouble.BUSY: ("busy", "Another program has it open: it is read when that lets go of it."),
    Trouble.CHANGED: ("busy", "It keeps changing: it is looked at again."),
    Trouble.LINK: ("link", "A link stands here: links are not synced."),
    Trouble.NAME: ("name", "Its name is not UTF-8: rename it."),
}
_RETRY_S = {Trouble.BUSY: 5.0, Trouble.DAMAGED: 60.0, Trouble.UNREADABLE: 30.0}
_LOOK_AGAIN = frozenset({Trouble.ABSENT, Trouble.CHANGED, Trouble.NOT_FOLDER, Trouble.GONE})


def problem_of(error: FsError) -> Problem:
    """Return what a person is told of a path that could not be read."""
    code, message = _PROBLEMS.get(
        error.trouble, ("other", error.reason or f"It cannot be read: {error.trouble.value}.")
    )
    return Problem("/".join(error.path), code, message)


def not_read(error: FsError) -> Stale | Blocked:
    """Return what it means for a job that a path could not be read."""
    if error.trouble in _LOOK_AGAIN:
        return Stale(str(error))
    return Blocked(problem_of(error), _RETRY_S.get(error.trouble, 30.0))


def is_sure(stat: Stat, read_began_ns: int, step_ns: int) -> bool:
    """Tell whether a write after the read would have changed mtime or ctime (git's racy rule).

    `read_began_ns` is the file system's own time before the first byte was read, `step_ns` the step of its times.
    An mtime in the future was set by a program: ctime, which none can set, then decides alone.
    """
    is_set = stat.mtime_ns > read_began_ns and stat.ctime_ns != 0
    newest_ns = stat.ctime_ns if is_set else max(stat.mtime_ns, stat.ctime_ns)
    return newest_ns + step_ns < read_began_ns


def read_hash(fs: Fs, task: Task[Operation], traits: Traits, began_ns: int | None = None) -> Outcome:
    """Read the file at `task.path` in the state that the operation was decided on.

    Args:
        fs: the root.
        task: its operation has the entry.
        traits: of the disk.
        began_ns: its own time at some moment before; asked here if None. Many small files may share one.
    """
    entry, path = task.operation.entry, task.path
    if entry is None or path is None:
        return Stale("there is nothing to read")
    try:
        began_ns = fs.now_ns() if began_ns is None else began_ns
        return _read(fs, path, entry.stat, traits, began_ns)
    except FsError as error:
        return not_read(error)


def _read(fs: Fs, path: Path, expected: Stat, traits: Traits, began_ns: int) -> Outcome:
    reading = fs.open(path)
    try:
        before = reading.stat()
        if not is_same(before, expected, traits):
            return Stale("it is not what was seen")
        sha256, size = _digest(reading)
        after = reading.stat()
    finally:
        reading.close()
    if size != before.size or after != before or fs.look(path) != before:
        return Stale("it changed while it was read")
    return Done(stat=before, sha256=sha256, sure=is_sure(before, began_ns, traits.step_ns))


def _digest(reading: Reading) -> tuple[str, int]:
    digest, offset = hashlib.sha256(), 0
    while piece := reading.read(PIECE, offset):
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest(), offset
