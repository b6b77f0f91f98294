"""The content of one version, checked: from files on this device where they hold it, else from the server."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from client.errors import ClientError
from client.protocol import DownloadChunk
from client.sync.apply.assemble import LocalChunks, fetch_chunk, fetch_whole, list_chunks, read_checked
from client.sync.apply.checks import read_pieces
from client.sync.apply.placing import Wanted
from client.sync.loop.meter import Meter, Transfer
from client.sync.loop.throttle import Throttle
from client.sync.seams.executor import Executor
from client.sync.seams.files import Fs, FsError, Reading, Writing
from client.sync.seams.net import Net

WIDTH = 8
"""Chunks of a file on their way at a time."""

FEWEST = 2
"""So many small files, or more, are asked for with one call."""

LOOK_AT_ROOM = 64
"""After so many chunks it is looked again whether there is room."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Reads what is wanted. All methods raise ClientError, DamagedAtServerError and FsError."""

    fs: Fs
    net: Net
    executor: Executor
    meter: Meter
    throttle: Throttle

    # Small files

    def read_here(self, wanted: Wanted) -> bytes | None:
        """Return the checked content of a small file if it is on this device."""
        if wanted.node.size == 0:
            return b""
        return None if wanted.node.sha256 is None else self._read_here(wanted, wanted.node.sha256)

    def read_bundle(self, all_wanted: Sequence[Wanted]) -> list[bytes | None]:
        """Return the checked contents of small files with known hashes from the server, with one call.

        None where one did not come, or not right: it is to be read alone, which tells why.
        """
        if len(all_wanted) < FEWEST:
            return [None] * len(all_wanted)
        size = sum(wanted.node.size for wanted in all_wanted)
        shown = f"{all_wanted[0].task.shown} and {len(all_wanted) - 1} more"
        with self._moving(shown, size) as transfer:
            self.throttle.take(size, up=False)
            try:
                asked = [(wanted.node.id, wanted.version_id, wanted.node.size) for wanted in all_wanted]
                contents = self.net.contents_of(asked)
            except ClientError:
                return [None] * len(all_wanted)
            transfer.moved(sum(len(content) for content in contents if content is not None))
        return [
            content if content is not None and hashlib.sha256(content).hexdigest() == wanted.node.sha256 else None
            for wanted, content in zip(all_wanted, contents, strict=True)
        ]

    def read_alone(self, wanted: Wanted) -> bytes:
        """Return the checked content of a small file from the server."""
        node = wanted.node
        if node.sha256 is None:
            return self._read_listed(wanted)
        with self._moving(wanted.task.shown, node.size) as transfer:
            self.throttle.take(node.size, up=False)
            content = fetch_whole(self.net, node.id, wanted.version_id, node.size, node.sha256)
            transfer.moved(node.size)
        return content

    def _read_here(self, wanted: Wanted, sha256: str) -> bytes | None:
        """Return the content if a file on this device has it: one that was finished before, or one with that hash."""
        sources = [source.path for source in wanted.task.sources if source.sha256 == sha256]
        for path in (wanted.temp, *sources):
            with contextlib.suppress(FsError):
                now = self.fs.look(path)
                if now is not None and now.size == wanted.node.size:
                    content = b"".join(read_pieces(self.fs, path))
                    if hashlib.sha256(content).hexdigest() == sha256:
                        return content
        return None

    def _read_listed(self, wanted: Wanted) -> bytes:
        """Return the content of a small file whose hash the server does not know: its chunks have one."""
        node = wanted.node
        content = bytearray(node.size)
        with self._moving(wanted.task.shown, node.size) as transfer:
            for chunk in list_chunks(self.net, node.id, wanted.version_id, node.size):
                self._fetch(wanted, chunk, memoryview(content)[chunk.offset : chunk.offset + chunk.size])
                transfer.moved(chunk.size)
        return bytes(content)

    # Large files

    def write(self, wanted: Wanted, writing: Writing, look_at_room: Callable[[], None]) -> str:
        """Write the chunks of a file that it does not hold yet; return the SHA-256 of the whole, hashed in order.

        `look_at_room` is called now and then, to raise when the disk gets too full.
        """

        def bring(chunk: DownloadChunk) -> _Piece:
            piece = partial.find(chunk)
            if piece is None:
                buffer = buffers.take(chunk.size)
                content = memoryview(buffer)[: chunk.size]
                self._fetch(wanted, chunk, content)
                piece = _Piece(chunk, content, buffer)
            if not piece.in_place:
                writing.write(piece.content, chunk.offset)
            return piece

        buffers = _Buffers()
        here = LocalChunks(self.fs)
        partial = _Partial(writing, writing.stat().size, here)
        digest = hashlib.sha256()
        with contextlib.closing(here), self._moving(wanted.task.shown, wanted.node.size) as transfer:
            self._add_sources(wanted, here)
            chunks = list_chunks(self.net, wanted.node.id, wanted.version_id, wanted.node.size)
            for piece in self.executor.map(bring, chunks, WIDTH):
                digest.update(piece.content)
                piece.count(transfer)
                buffers.give_back(piece.buffer)
                if piece.chunk.index % LOOK_AT_ROOM == LOOK_AT_ROOM - 1:
                    look_at_room()
        return digest.hexdigest()

    def _add_sources(self, wanted: Wanted, here: LocalChunks) -> None:
        """Add the files that may hold chunks: those with the same content, else the version that is to be replaced."""
        node, base = wanted.node, wanted.task.operation.base
        alike = [source for source in wanted.task.sources if source.sha256 is not None and source.sha256 == node.sha256]
        for source in alike:
            here.add_alike(source.path, node.size)
        if alike:
            return
        if wanted.entry is not None and base is not None and base.version_id is not None:
            here.add_version(wanted.target, self.net, base.id, base.version_id)
        for source in wanted.task.sources:
            here.add_version(source.path, self.net, source.file_id, source.version_id)

    def _fetch(self, wanted: Wanted, chunk: DownloadChunk, into: memoryview) -> None:
        self.throttle.take(chunk.size, up=False)
        fetch_chunk(self.net, wanted.node.id, wanted.version_id, chunk, into)

    @contextlib.contextmanager
    def _moving(self, shown: str, size: int) -> Iterator[Transfer]:
        transfer = self.meter.begin(shown, size, up=False)
        try:
            yield transfer
        finally:
            transfer.end()


class _Buffers:
    """Memory for the chunks of a file that are on their way, used again and again: new memory costs more than a copy.

    May be used by many at once.
    """

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    def take(self, size: int) -> bytearray:
        """Return a buffer of `size` bytes or more."""
        try:
            buffer = self._free.pop()
        except IndexError:
            return bytearray(size)
        return buffer if len(buffer) >= size else bytearray(size)

    def give_back(self, buffer: bytearray | None) -> None:
        """Take a buffer back whose bytes are needed no more."""
        if buffer is not None:
            self._free.append(buffer)


@dataclass(frozen=True, slots=True)
class _Piece:
    """The bytes of a chunk: the buffer into which they came over the wire, or whether they were in place before."""

    chunk: DownloadChunk
    content: bytes | memoryview
    buffer: bytearray | None = None
    in_place: bool = False

    def count(self, transfer: Transfer) -> None:
        """Count the bytes as moved, or as here already."""
        if self.buffer is not None:
            transfer.moved(self.chunk.size)
        else:
            transfer.skipped(self.chunk.size)


@dataclass(frozen=True, slots=True)
class _Partial:
    """What is on this device of a file that is being made: an earlier try up to `size`, and other files."""

    reading: Reading
    size: int
    here: LocalChunks

    def find(self, chunk: DownloadChunk) -> _Piece | None:
        """Return a chunk that need not be fetched."""
        if chunk.offset + chunk.size <= self.size:
            content = read_checked(self.reading, chunk, chunk.offset)
            if content is not None:
                return _Piece(chunk, content, in_place=True)
        found = self.here.find(chunk)
        return None if found is None else _Piece(chunk, found)
