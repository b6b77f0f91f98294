"""The chunks of a version: which there are, which of them are on this device already, and the rest from the server.

The server is not believed: its list must make up exactly the size that it announced, in order, and every chunk is
hashed wherever it comes from.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from client.chunker import LARGEST_CHUNK
from client.errors import (
    ApiError,
    ClientError,
    NotLoggedInError,
    RefusedError,
    StoppedError,
    UnreachableError,
    UrlExpiredError,
)
from client.protocol import DownloadChunk
from client.sync.apply.mishaps import DamagedAtServerError
from client.sync.model import Path
from client.sync.seams.files import Fs, FsError, Reading
from client.sync.seams.net import Net

TRIES = 2
"""So often a chunk is asked for before it counts as damaged."""

_FRESH_URLS = 5
_STANDS = (NotLoggedInError, RefusedError, UnreachableError, StoppedError)
"""Answers that asking for the same again does not change."""


def list_chunks(net: Net, file_id: str, version_id: str, size: int) -> Iterator[DownloadChunk]:
    """Yield the chunks of a version in order; raise DamagedAtServerError if they do not make up `size` bytes."""
    position = index = 0
    more = size > 0
    while more:
        page = net.manifest_of(file_id, version_id, index)
        for chunk in page.chunks:
            end = chunk.offset + chunk.size
            if (chunk.index, chunk.offset) != (index, position) or not 0 < chunk.size <= LARGEST_CHUNK or end > size:
                raise DamagedAtServerError("The server's list of its chunks contradicts itself.")
            position, index = end, index + 1
            yield chunk
        more = page.next_from is not None
        if more and (page.next_from != index or not page.chunks):
            raise DamagedAtServerError("The server's list of its chunks contradicts itself.")
    if position != size:
        raise DamagedAtServerError("The server's list of its chunks contradicts itself.")


def fetch_chunk(net: Net, file_id: str, version_id: str, chunk: DownloadChunk, into: memoryview) -> None:
    """Fill `into`, which has the size of a chunk, with its bytes from the server.

    Raises:
        DamagedAtServerError: what came was not the chunk, twice.
        ClientError: the server cannot be asked, or refuses.
    """
    url, direct = chunk.url, chunk.direct
    fresh_urls = tries = 0
    while tries < TRIES:
        try:
            net.read_chunk(url, into, direct)
        except UrlExpiredError:
            fresh_urls += 1
            if fresh_urls > _FRESH_URLS:
                raise
            direct = None  # it was signed at the same time
            url = _fresh_url(net, file_id, version_id, chunk)
            continue
        except _STANDS:
            raise
        except ClientError:  # another length, or a chunk that the server has lost
            tries += 1
            continue
        if hashlib.sha256(into).hexdigest() == chunk.sha256:
            return
        direct = None
        tries += 1
    raise DamagedAtServerError("The server sends other bytes than it announces.")


def fetch_whole(net: Net, file_id: str, version_id: str, size: int, sha256: str) -> bytes:
    """Return the content of a small version from the server; raise as `fetch_chunk` does."""
    content = bytearray(size)
    for _ in range(TRIES):
        try:
            net.content_of(file_id, version_id, memoryview(content))
        except (*_STANDS, ApiError):
            raise
        except ClientError:  # another length
            continue
        if hashlib.sha256(content).hexdigest() == sha256:
            return bytes(content)
    raise DamagedAtServerError("The server sends other bytes than it announces.")


def _fresh_url(net: Net, file_id: str, version_id: str, chunk: DownloadChunk) -> str:
    chunks = net.manifest_of(file_id, version_id, chunk.index).chunks
    if not chunks or (chunks[0].index, chunks[0].sha256, chunks[0].size) != (chunk.index, chunk.sha256, chunk.size):
        raise DamagedAtServerError("The server's list of its chunks changed.")
    return chunks[0].url


class _Place(NamedTuple):
    """Where the bytes of a chunk may be."""

    reading: Reading
    offset: int


class LocalChunks:
    """Chunks that files on this device may hold. `find` may be called by many at once."""

    def __init__(self, fs: Fs) -> None:
        """Know no file."""
        self._fs = fs
        self._opened: list[Reading] = []
        self._alike: list[Reading] = []
        self._places: dict[str, _Place] = {}

    def add_alike(self, path: Path, size: int) -> None:
        """Add a file that may have the very content that is wanted. What cannot be read is passed over."""
        with contextlib.suppress(FsError):
            reading = self._open(path)
            if reading.stat().size == size:
                self._alike.append(reading)

    def add_version(self, path: Path, net: Net, file_id: str, version_id: str) -> None:
        """Add a file that held a version. What cannot be read, or is unknown at the server by now, is passed over."""
        with contextlib.suppress(FsError, ClientError, DamagedAtServerError):
            reading = self._open(path)
            for chunk in list_chunks(net, file_id, version_id, reading.stat().size):
                self._places.setdefault(chunk.sha256, _Place(reading, chunk.offset))

    def find(self, chunk: DownloadChunk) -> bytes | None:
        """Return the bytes of a chunk, which have its hash, or None."""
        for reading in self._alike:
            found = read_checked(reading, chunk, chunk.offset)
            if found is not None:
                return found
        place = self._places.get(chunk.sha256)
        return None if place is None else read_checked(place.reading, chunk, place.offset)

    def close(self) -> None:
        """Let go of all files."""
        for reading in self._opened:
            reading.close()

    def _open(self, path: Path) -> Reading:
        reading = self._fs.open(path)
        self._opened.append(reading)
        return reading


def read_checked(reading: Reading, chunk: DownloadChunk, offset: int) -> bytes | None:
    """Return the bytes at a place of a file if they are those of a chunk, else None."""
    try:
        content = reading.read(chunk.size, offset)
    except FsError:
        return None
    return content if hashlib.sha256(content).hexdigest() == chunk.sha256 else None
