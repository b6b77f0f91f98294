"""A bundle: many small contents in one buffer, as frames that go up in one request, or come down in one answer."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from client.chunker import MIN_CHUNK, Fill
from client.errors import ApiError, ClientError, UrlExpiredError
from client.transport import Body

SMALL_FILE = MIN_CHUNK  # so that a small file is one chunk, and its frame can be read in place
BATCH_FILES = 1000
BATCH_BYTES = 8 * 1024 * 1024  # the contract allows 32 MiB; this keeps memory low on both sides
FRAME_HEADER = 36  # SHA-256 and length
SEND_TRIES = 3
FETCHED_FILE = 1024 * 1024  # a larger file does not come in a bundle
_END = 0
_NOT_GIVEN = 2**32 - 1


class Frame(NamedTuple):
    """A content in the buffer: its hash, and where its frame begins and ends."""

    sha256: str
    start: int
    end: int


class Sends(Protocol):
    """A server that takes a bundle."""

    def put_content(self, url: str, body: Body) -> None:
        """Send a bundle to its signed URL."""


def fill_frame(buffer: memoryview, start: int, size: int, fill: Fill) -> Frame | None:
    """Read a content of `size` bytes into the buffer as a frame; None if there is more or less of it, or no room."""
    content = start + FRAME_HEADER
    end = content + size
    if end >= len(buffer) or fill(buffer[content : end + 1], 0) != size:
        return None
    hashed = hashlib.sha256(buffer[content:end])
    buffer[start : content - 4] = hashed.digest()
    buffer[content - 4 : content] = size.to_bytes(4, "big")
    return Frame(hashed.hexdigest(), start, end)


def pieces_of(frames: Iterable[Frame], buffer: memoryview) -> list[memoryview]:
    """Return frames, in the order of their places, as few pieces of the buffer: neighbours become one."""
    spans: list[tuple[int, int]] = []
    for frame in frames:
        if spans and spans[-1][1] == frame.start:
            spans[-1] = (spans[-1][0], frame.end)
        else:
            spans.append((frame.start, frame.end))
    return [buffer[start:end] for start, end in spans]


def send_bundle(server: Sends, url: str | None, pieces: list[memoryview]) -> bool:
    """Send a bundle; return False if it is worth asking for another URL."""
    if url is None:
        raise ClientError("The server gave no address for a bundle.")
    try:
        server.put_content(url, pieces)
    except UrlExpiredError:
        return False
    except ApiError as error:
        if error.code != "chunk_mismatch":
            raise
        return False  # spoilt on the way
    return True


def most_bytes_of(sizes: Sequence[int]) -> int:
    """Return how long an answer with files of these sizes can be: a frame for each KiB is far more than there are."""
    return sum(size + FRAME_HEADER * (size // 1024 + 2) for size in sizes)


def contents_in(answer: bytes, sizes: Sequence[int]) -> list[bytes | None]:
    """Return the contents in the answer to a request for files of these sizes; None where one is not as asked for.

    The caller checks the hash of each.

    Raises:
        ClientError: it is no such answer.
    """
    contents: list[bytes | None] = []
    at = 0
    for size in sizes:
        content = bytearray()
        came = 0
        while True:
            length = int.from_bytes(answer[at + FRAME_HEADER - 4 : at + FRAME_HEADER], "big")
            at += FRAME_HEADER
            if length in {_END, _NOT_GIVEN}:
                break
            came += length
            if came <= size:  # of what is not as asked for, nothing is kept
                content += memoryview(answer)[at : at + length]
            at += length
        if at > len(answer):
            break
        contents.append(bytes(content) if length == _END and came == size else None)
    if at != len(answer):
        raise ClientError("The server sent no bundle of the files that it was asked for.")
    return contents
