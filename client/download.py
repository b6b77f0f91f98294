"""The content of one file: its chunks fetched in parallel, each checked before it is written."""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from client.chunker import LARGEST_CHUNK
from client.errors import ClientError, UrlExpiredError
from client.folder import write_at
from client.progress import Progress
from client.protocol import DownloadChunk, File
from client.remote import Remote

IN_FLIGHT = 32  # chunks of one file that wait for their turn
_TRIES = 3


def list_chunks(remote: Remote, file: File) -> Iterator[DownloadChunk]:
    """Yield the chunks of a version in order; raise ClientError if they do not make up its content."""
    position = 0
    start: int | None = 0 if file.size else None
    while start is not None:
        page = remote.get_manifest(file, start)
        for chunk in page.chunks:
            if chunk.offset != position or not 0 < chunk.size <= LARGEST_CHUNK:
                raise ClientError(f"{file.path}: the server's list of its chunks contradicts itself.")
            position += chunk.size
            yield chunk
        start = page.next_from
    if position != file.size:
        raise ClientError(f"{file.path}: the server's list of its chunks contradicts itself.")


def fetch_chunk(remote: Remote, file: File, chunk: DownloadChunk, into: memoryview) -> None:
    """Fill `into` with a chunk whose hash is right; raise ClientError if the server has none such."""
    url, direct = chunk.url, chunk.direct
    for _ in range(_TRIES):
        try:
            remote.read_chunk(url, into, direct)
        except UrlExpiredError:
            direct = None  # it was signed at the same time
            url = remote.get_manifest(file, chunk.index).chunks[0].url
            continue
        if hashlib.sha256(into).hexdigest() == chunk.sha256:
            return
        direct = None
    raise ClientError(f"{file.path}: the server sends other bytes than it announces.")


def stream_content(remote: Remote, file: File, width: int) -> Iterator[bytearray]:
    """Yield the content of a file piece by piece, in order, with up to `width` chunks on their way."""

    def fetch(chunk: DownloadChunk) -> bytearray:
        content = bytearray(chunk.size)
        fetch_chunk(remote, file, chunk, memoryview(content))
        return content

    with ThreadPoolExecutor(width, thread_name_prefix="fetch") as pool:
        coming: deque[Future[bytearray]] = deque()
        try:
            for chunk in list_chunks(remote, file):
                coming.append(pool.submit(fetch, chunk))
                if len(coming) > width:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        except BaseException:  # also when nobody wants the rest
            remote.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class Fetcher:
    """Writes the content of files into open files here; the chunks of all go through one set of threads."""

    def __init__(self, remote: Remote, progress: Progress, threads: ThreadPoolExecutor) -> None:
        """Fetch from `remote` with `threads`, account to `progress`."""
        self._remote = remote
        self._progress = progress
        self._threads = threads
        self._buffers = threading.local()

    def fetch(self, file: File, descriptor: int) -> None:
        """Write the content of `file` into an open file, and keep what of it is there already."""
        held = os.fstat(descriptor).st_size
        pending: deque[Future[None]] = deque()
        try:
            for chunk in list_chunks(self._remote, file):
                while len(pending) >= IN_FLIGHT or (pending and pending[0].done()):
                    pending.popleft().result()
                look = chunk.offset + chunk.size <= held
                pending.append(self._threads.submit(self._fetch_one, file, descriptor, chunk, look=look))
            while pending:
                pending.popleft().result()
        except BaseException:
            for future in pending:
                future.cancel()
            for future in pending:
                if not future.cancelled():
                    future.exception()  # the file must stay open until no thread writes to it
            raise
        os.ftruncate(descriptor, file.size)

    def holds(self, file: File, descriptor: int) -> bool:
        """Tell whether an open file has just the content of `file`."""
        if os.fstat(descriptor).st_size != file.size:
            return False
        return all(self._is_here(descriptor, chunk) for chunk in list_chunks(self._remote, file))

    def _fetch_one(self, file: File, descriptor: int, chunk: DownloadChunk, *, look: bool) -> None:
        if look and self._is_here(descriptor, chunk):
            self._progress.moved(chunk.size, 0)
            return
        view = self._buffer(chunk.size)
        fetch_chunk(self._remote, file, chunk, view)
        write_at(descriptor, view, chunk.offset)
        self._progress.moved(chunk.size, chunk.size)

    def _is_here(self, descriptor: int, chunk: DownloadChunk) -> bool:
        view = self._buffer(chunk.size)
        count = os.preadv(descriptor, [view], chunk.offset)
        return count == chunk.size and hashlib.sha256(view).hexdigest() == chunk.sha256

    def _buffer(self, size: int) -> memoryview:
        """Return this thread's buffer, which lasts until its next use."""
        buffer: memoryview | None = getattr(self._buffers, "view", None)
        if buffer is None or len(buffer) < size:
            buffer = self._buffers.view = memoryview(bytearray(max(size, LARGEST_CHUNK // 2)))
        return buffer[:size]
