"""An open upload: the chunks that were declared of a file, and how each comes to the server."""

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from client.chunker import Chunk
from client.errors import ApiError, ClientError, FileChangedError, UrlExpiredError
from client.protocol import ChunkRef, DirectWay, UploadAnswer, UploadChunk, UploadState
from client.transport import Body

FIRST_GROUP = 16  # chunks hashed before the first request: a file that ends within is declared whole
GROUP = 64  # chunks declared by one request after that
_SEND_TRIES = 3


class Content(Protocol):
    """A file that is being sent."""

    def body(self, offset: int, size: int) -> Body:
        """Return a piece of it as the body of a request."""

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes of a piece; fewer where the file ends."""


class Uploads(Protocol):
    """The calls of a server that an open upload needs."""

    def append_chunks(self, upload_id: str, start: int, chunks: list[ChunkRef]) -> UploadAnswer:
        """Declare more chunks, from index `start` on."""

    def get_upload(self, upload_id: str, start: int = 0) -> UploadState:
        """Return what is missing, with fresh URLs."""

    def put_content(self, url: str, body: Body, direct: DirectWay | None = None) -> None:
        """Send a chunk to its signed URL, or past the server."""


class OpenUpload:
    """An upload under way. `send` may be called from many threads at once, the rest from one."""

    def __init__(self, calls: Uploads, upload_id: str, content: Content, moved: Callable[[int, int], None]) -> None:
        """Send `content`; `moved` is told of bytes that are through, and how many of them went over the wire."""
        self.upload_id = upload_id
        self._calls = calls
        self._content = content
        self._moved = moved
        self._offsets = array("Q")  # of each declared chunk: 2 MiB for the largest file there can be

    def declare(self, group: Sequence[Chunk]) -> list[UploadChunk]:
        """Tell the server of the next chunks; return those whose bytes it needs."""
        return self.take(group, self._calls.append_chunks(self.upload_id, len(self._offsets), refs_of(group)))

    def take(self, group: Sequence[Chunk], answer: UploadAnswer) -> list[UploadChunk]:
        """Note chunks that were declared; return those whose bytes the server needs, each content once."""
        self._offsets.extend(chunk.offset for chunk in group)
        needed: dict[str, UploadChunk] = {}
        for place in answer.chunks:
            if place.url is None or place.sha256 in needed:
                self._moved(place.size, 0)
            else:
                needed[place.sha256] = place
        return list(needed.values())

    def send(self, place: UploadChunk) -> None:
        """Send one chunk straight from the file. The server checks its hash, so a change since shows there.

        Raises:
            FileChangedError: the file holds other bytes there by now.
        """
        if not 0 <= place.index < len(self._offsets):
            raise ClientError("The server asks for a chunk that nobody told it of.")
        offset, url, direct = self._offsets[place.index], place.url, place.direct
        for _ in range(_SEND_TRIES):
            if url is None:
                return  # another run has sent it meanwhile
            try:
                self._calls.put_content(url, self._content.body(offset, place.size), direct)
            except UrlExpiredError:
                direct = None  # it was signed at the same time
                url = self._fresh_url(place.index)
            except ApiError as error:
                if error.code != "chunk_mismatch":
                    raise
                content = self._content.read(offset, place.size)
                if hashlib.sha256(content).hexdigest() != place.sha256:
                    raise FileChangedError("it changed while it was sent; run the command again") from error
            else:
                self._moved(place.size, place.size)
                return
        raise ClientError("the server refuses a chunk of it again and again")

    def missing(self) -> Iterator[UploadChunk]:
        """Yield the declared chunks that the server lacks."""
        start: int | None = 0
        while start is not None:
            state = self._calls.get_upload(self.upload_id, start)
            yield from state.missing
            start = state.next_from

    def _fresh_url(self, index: int) -> str | None:
        missing = self._calls.get_upload(self.upload_id, index).missing
        return missing[0].url if missing and missing[0].index == index else None


def refs_of(chunks: Sequence[Chunk]) -> list[ChunkRef]:
    """Return chunks as an upload declares them."""
    return [ChunkRef(chunk.digest.hex(), chunk.size) for chunk in chunks]
