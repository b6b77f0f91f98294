"""Makes the bytes of a planned zip, or of any part of them, as they are asked for."""

from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import islice

from app.services.archive_content import Contents, Piece, Source
from app.services.archive_plan import Plan, Planned
from storage.offload import Offload

BATCH = 200
BUFFER = 64 * 1024
GROUP_SIZE = 1024 * 1024
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry of the plan, its number from 0, and where it begins in the zip."""

    number: int
    begins: int
    planned: Planned


def _groups(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Yield the rows in groups that are soon sent, so that the rights looked up for a group are those of the moment."""
    group, size = list[_Row](), 0
    for row in rows:
        if group and size + row.planned.entry.size > GROUP_SIZE:
            yield group
            group, size = [], 0
        group.append(row)
        size += row.planned.entry.size
    if group:
        yield group


class Window:
    """Bytes `start` to `stop` of a stream: is told of all that this is made of, in order, and keeps what is inside."""

    def __init__(self, start: int, stop: int) -> None:
        """Begin at byte 0."""
        self._start = start
        self._stop = stop
        self._kept = bytearray()
        self.at = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing that comes lies inside."""
        return self.at >= self._stop

    def holds(self, at: int, size: int) -> bool:
        """Say whether any of `size` bytes from `at` on lies inside."""
        return at + size > self._start and at < self._stop

    def put(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        first, last = self.skip(len(data))
        self._kept += data[first:last]

    def keep(self, data: memoryview) -> None:
        """Take bytes of which it is known that they lie inside, and which were passed over."""
        self._kept += data

    def skip(self, size: int) -> tuple[int, int]:
        """Pass over the next `size` bytes; return which of them lie inside."""
        first, last = (max(0, min(edge - self.at, size)) for edge in (self._start, self._stop))
        self.at += size
        return first, last

    def take(self, least: int = 1) -> Iterator[bytes]:
        """Yield what was kept and forget it, if there are at least `least` bytes."""
        if len(self._kept) >= least:
            kept, self._kept = self._kept, bytearray()
            yield bytes(kept)


class ArchiveStream:
    """Writes one answer."""

    def __init__(self, plan: Plan, contents: Contents, offload: Offload) -> None:
        """Begin with nothing read; `offload` has the threads that read the plan."""
        self._plan = plan
        self._contents = contents
        self._offload = offload
        self._crcs = array("q", [_UNKNOWN]) * plan.entries

    async def read(self, start: int, stop: int) -> AsyncGenerator[bytes | Piece, None]:
        """Yield bytes `start` to `stop` of the zip.

        Raises:
            NotFoundError: an entry, or the right to read it, is gone. What was yielded is a beginning of the zip.
        """
        window = Window(start, stop)
        async for piece in self._entries(window):
            yield piece
        if not window.is_over:
            async for kept in self._central(window):
                yield kept
            window.put(self._plan.end())
        for kept in window.take():
            yield kept

    async def _entries(self, window: Window) -> AsyncIterator[bytes | Piece]:
        async for rows in self._batches():
            wanted = [row for row in rows if window.holds(row.begins, row.planned.entry.whole_size)]
            for group in _groups(wanted):
                window.skip(group[0].begins - window.at)
                sources = await self._contents.sources([row.planned for row in group])
                for row, source in zip(group, sources, strict=True):
                    async for piece in self._entry(window, row.number, source):
                        yield piece
                    for kept in window.take(BUFFER):
                        yield kept
            if window.is_over:
                return
        window.skip(self._plan.content_size - window.at)

    async def _batches(self) -> AsyncIterator[list[_Row]]:
        """Yield the entries of the plan, from the first on."""
        entries, number, begins = self._plan.read(), 0, 0
        while batch := await self._offload.run(lambda: list(islice(entries, BATCH))):
            rows = []
            for planned in batch:
                rows.append(_Row(number, begins, planned))
                number, begins = number + 1, begins + planned.entry.whole_size
            yield rows

    async def _entry(self, window: Window, number: int, source: Source) -> AsyncIterator[bytes | Piece]:
        entry = source.planned.entry
        window.put(entry.header())
        if not entry.has_content:
            self._crcs[number] = 0
            return
        first, last = window.skip(entry.size)
        descriptor_size = len(entry.descriptor(0))
        whole = window.holds(window.at, descriptor_size)
        async for piece in self._contents.read(source, first, last, whole=whole):
            if isinstance(piece, memoryview) and len(piece) < BUFFER:
                window.keep(piece)
                continue
            for kept in window.take():
                yield kept
            yield piece
        if whole:
            self._crcs[number] = self._contents.known(source).crc
            window.put(entry.descriptor(self._crcs[number]))
        else:
            window.skip(descriptor_size)

    async def _central(self, window: Window) -> AsyncIterator[bytes]:
        """Yield the central directory. A file that lay before the window, and was never hashed, is read for it now."""
        async for rows in self._batches():
            at, wanted = window.at, []
            for row in rows:
                size = row.planned.entry.central_size(row.begins)
                if window.holds(at, size):
                    wanted.append(row)
                elif not wanted:
                    window.skip(size)
                at += size
            await self._learn([row for row in wanted if self._crcs[row.number] == _UNKNOWN])
            for row in wanted:
                window.put(row.planned.entry.central(row.begins, self._crcs[row.number]))
            for kept in window.take(BUFFER):
                yield kept
            if window.is_over:
                return

    async def _learn(self, rows: list[_Row]) -> None:
        """Find out the CRCs of these entries."""
        sources = await self._contents.sources([row.planned for row in rows]) if rows else []
        for row, source in zip(rows, sources, strict=True):
            if row.planned.entry.has_content:
                async for _ in self._contents.read(source, 0, 0, whole=True):
                    raise AssertionError("nothing of it was asked for")
            self._crcs[row.number] = self._contents.known(source).crc
