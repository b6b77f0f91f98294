"""Where a file is cut into chunks: FastCDC 2020, with the same cuts as the server and the browser.

The golden vectors in tests/contract hold all three to the same places.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
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
    """Read an open file of `size` bytes from its start and yield its chunks in order.

    Memory is a fixed window, whatever the file's size.

    Raises:
        FileChangedError: the file is shorter or longer than `size`.
        OSError: it cannot be read.
    """
    cut = cut or cut_for(size)
    window = memoryview(bytearray(min(size + 1, _WINDOW_CHUNKS * cut.largest)))
    chunker = None if cut.smallest == cut.largest else _chunker(cut)
    start = held = offset = 0  # window[start:held] is content from `offset` on
    at_end = False
    while True:
        if held - start < cut.largest and not at_end:
            rest = held - start
            window[:rest] = window[start:held]
            start, held = 0, rest
            while held < len(window):
                count = os.preadv(descriptor, [window[held:]], offset + held)
                if count == 0:
                    at_end = True
                    break
                held += count
            if offset + held > size or (at_end and offset + held != size):
                raise FileChangedError("The file changed while it was read.")
        if start == held:
            return
        piece = window[start:held]
        length = min(len(piece), cut.largest) if chunker is None else next(chunker.cut_buf(piece)).length
        yield Chunk(offset, length, hashlib.sha256(piece[:length]).digest())
        start += length
        offset += length


def _chunker(cut: Cut) -> FastCDC:
    return FastCDC(cut.average, min_size=cut.smallest, max_size=cut.largest, normalized_chunking=1, seed=0)
