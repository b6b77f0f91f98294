"""Where a file is cut into chunks: FastCDC 2020, with the same cuts as the server and the browser.

The golden vectors in tests/contract hold all three to the same places.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from pyfastcdc import FastCDC

from client.errors import ClientError, FileChangedError

MIN_CHUNK = 256 * 1024  # a file up to this size is one chunk
AVERAGE_CHUNK = 1024 * 1024
MAX_CHUNK = 4 * 1024 * 1024
MOST_CHUNKS = 262_144  # in one file, by the contract
LARGEST_CHUNK = 8 * 1024 * 1024  # that a server takes
_WINDOW_CHUNKS = 4  # largest chunks in memory for each file that is being cut


class Chunk(NamedTuple):
    """A cut of a file: place and length in bytes, and the 32 bytes of its SHA-256."""

    offset: int
    size: int
    digest: bytes


Fill = Callable[[memoryview, int], int]
"""Reads content from an offset on into a buffer; returns how many bytes, 0 at the end."""

Beside = Callable[[Callable[[], None], Callable[[], list[Chunk]]], list[Chunk]]
"""Does two things at the same time, and returns what the second gives."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Smallest, average and largest chunk, in bytes. All equal means pieces of a fixed size."""

    smallest: int
    average: int
    largest: int


def cut_for(size: int) -> Cut:
    """Return how a file of `size` bytes is cut.

    A file always stays within the 262,144 chunks of the contract, whatever it holds: where the smallest chunks
    could pass that number, all of it is cut more coarsely. Raise ClientError above 2 TiB.
    """
    for factor in (1, 2, 4):
        if size <= MOST_CHUNKS * MIN_CHUNK * factor:
            return Cut(MIN_CHUNK * factor, AVERAGE_CHUNK * factor, min(MAX_CHUNK * factor, LARGEST_CHUNK))
    if size <= MOST_CHUNKS * LARGEST_CHUNK:
        return Cut(LARGEST_CHUNK, LARGEST_CHUNK, LARGEST_CHUNK)
    raise ClientError("A file can hold at most 2 TiB.")


def cut_file(descriptor: int, size: int, cut: Cut | None = None) -> Iterator[Chunk]:
    """Read an open file of `size` bytes from its start and yield its chunks in order; see `cut_content`.

    Raises:
        FileChangedError: the file is shorter or longer than `size`.
        OSError: it cannot be read.
    """
    return cut_content(fill_from(descriptor), size, cut)


def fill_from(descriptor: int) -> Fill:
    """Return what reads an open file."""
    return lambda into, offset: os.preadv(descriptor, [into], offset)


def cut_content(
    fill: Fill,
    size: int,
    cut: Cut | None = None,
    *,
    also: Callable[[memoryview], None] | None = None,
    beside: Beside | None = None,
) -> Iterator[Chunk]:
    """Read a content of `size` bytes from its start and yield its chunks in order.

    Memory is a fixed window, whatever the size.

    Args:
        fill: reads the content.
        size: bytes that there must be; else FileChangedError.
        cut: where it is not to be cut as its size says.
        also: is shown all bytes in order, each once, before the chunks that hold them are yielded.
        beside: does both, the cutting and `also`, at the same time; without it one after the other.
    """
    cutting = _Cutting(fill, size, cut or cut_for(size))
    chunks: list[Chunk] = []
    while (fresh := cutting.read()) is not None:
        if also is None:
            chunks = cutting.chunks()
        elif beside is None:
            also(fresh)
            chunks = cutting.chunks()
        else:
            chunks = beside(partial(also, fresh), cutting.chunks)
        yield from chunks


class _Cutting:
    """A window that moves over a content; `chunks` are those that can be told from what it shows."""

    def __init__(self, fill: Fill, size: int, cut: Cut) -> None:
        self._fill = fill
        self._size = size
        self._cut = cut
        self._window = memoryview(bytearray(min(size + 1, _WINDOW_CHUNKS * cut.largest)))
        self._chunker = None if cut.smallest == cut.largest else _chunker(cut)
        self._start = self._held = self._offset = 0  # window[start:held] is content from `offset` on
        self._at_end = False

    def read(self) -> memoryview | None:
        """Fill the window; return what is new in it, or None if everything was read before."""
        if self._at_end:
            return None
        window, rest = self._window, self._held - self._start
        window[:rest] = window[self._start : self._held]
        self._start, self._held = 0, rest
        while self._held < len(window):
            count = self._fill(window[self._held :], self._offset + self._held)
            if count == 0:
                self._at_end = True
                break
            self._held += count
        read = self._offset + self._held
        if read > self._size or (self._at_end and read != self._size):
            raise FileChangedError("The file changed while it was read.")
        return window[rest : self._held]

    def chunks(self) -> list[Chunk]:
        """Return the next chunks: all but those that what follows could change."""
        chunks: list[Chunk] = []
        while self._start < self._held and (self._at_end or self._held - self._start >= self._cut.largest):
            piece = self._window[self._start : self._held]
            if self._chunker is None:
                length = min(len(piece), self._cut.largest)
            else:
                length = next(self._chunker.cut_buf(piece)).length
            chunks.append(Chunk(self._offset, length, hashlib.sha256(piece[:length]).digest()))
            self._start += length
            self._offset += length
        return chunks


def _chunker(cut: Cut) -> FastCDC:
    return FastCDC(cut.average, min_size=cut.smallest, max_size=cut.largest, normalized_chunking=1, seed=0)
