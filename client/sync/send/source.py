"""The file that is sent: opened, held against what the planner saw, and read as what it was all the time."""

from collections.abc import Iterator
from contextlib import contextmanager

from client.chunker import Fill, fill_from
from client.sync.apply.checks import is_same
from client.sync.model import Path, Stat
from client.sync.observe.hashing import is_sure
from client.sync.operations import Operation, Upload
from client.sync.outcome import Task
from client.sync.seams.files import Fs, FsError, Reading, Traits, Trouble
from client.transport import Body, FileRange


class Source:
    """An open file in the state in which the planner saw it."""

    def __init__(self, fs: Fs, path: Path, reading: Reading, stat: Stat) -> None:
        """Take what `opened` found."""
        self.stat = stat
        self._fs = fs
        self._path = path
        self._reading = reading

    @property
    def fill(self) -> Fill:
        """What reads it into a buffer."""
        descriptor = self._reading.descriptor
        return self._copy if descriptor is None else fill_from(descriptor)

    def _copy(self, into: memoryview, offset: int) -> int:
        data = self._reading.read(len(into), offset)
        into[: len(data)] = data
        return len(data)

    def body(self, offset: int, size: int) -> Body:
        """Return a piece of it as the body of a request: straight from the file, where the system can do that."""
        descriptor = self._reading.descriptor
        return self.read(offset, size) if descriptor is None else FileRange(descriptor, offset, size)

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes of a piece; fewer where the file ends."""
        return self._reading.read(size, offset)

    def check(self) -> None:
        """Raise CHANGED unless it is still what it was when it was opened, and stands at its path."""
        if self._reading.stat() != self.stat or self._fs.look(self._path) != self.stat:
            raise FsError(Trouble.CHANGED, self._path, "it changed while it was read")


class Sources:
    """Opens what is to be sent."""

    def __init__(self, fs: Fs, traits: Traits) -> None:
        """Open files of a root on a disk with these traits."""
        self._fs = fs
        self._traits = traits

    def now_ns(self) -> int:
        """Return the file system's own time, to be asked before a read begins."""
        return self._fs.now_ns()

    def is_sure(self, stat: Stat, began_ns: int) -> bool:
        """Tell whether a change after a read that began then would have been seen (git's racy rule)."""
        return is_sure(stat, began_ns, self._traits.step_ns)

    def is_executable(self, operation: Upload, stat: Stat) -> bool:
        """Return the executable bit to send: where the disk keeps none, that of the node stays as it is."""
        if self._traits.keeps_bits:
            return stat.executable
        before = operation.node or operation.base
        return operation.how != "new" and before is not None and before.executable

    @contextmanager
    def opened(self, task: Task[Operation]) -> Iterator[Source]:
        """Open the entry of a task; raise FsError, CHANGED if it is not what the planner saw."""
        entry, path = task.operation.entry, task.path
        if entry is None or path is None:
            raise FsError(Trouble.ABSENT, path or (), "there is nothing to read")
        reading = self._fs.open(path)
        try:
            stat = reading.stat()
            if not is_same(stat, entry.stat, self._traits):
                raise FsError(Trouble.CHANGED, path, "it is not what was seen")
            yield Source(self._fs, path, reading, stat)
        finally:
            reading.close()
