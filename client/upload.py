"""One larger file: hashed while its chunks are sent, and resumed where an earlier run was cut off."""

import hashlib
import os
from array import array
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

from client.batch import Item, settle
from client.chunker import Chunk, cut_file
from client.errors import ApiError, ClientError, ConflictError, FileChangedError, UrlExpiredError
from client.home import HeldNote, Home, Login, UploadNote
from client.progress import Progress
from client.protocol import ChunkRef, File, UploadAnswer, UploadChunk, UploadRequest
from client.remote import Remote
from client.source import is_executable, mtime_ms, open_source, same_state
from client.transport import FileRange

FIRST_GROUP = 16  # chunks hashed before the first request: a file that ends within is declared whole
GROUP = 64  # chunks declared by one request after that
IN_FLIGHT = 2 * GROUP  # chunks of one file that wait for their turn to be sent
_SEND_TRIES = 3
_COMMIT_TRIES = 5


class FileSender:
    """Sends larger files, several at once; the chunks of all go through one set of senders."""

    def __init__(
        self, remote: Remote, home: Home, login: Login, progress: Progress, senders: ThreadPoolExecutor
    ) -> None:
        """Send to `remote` as `login`, keep notes in `home`, account to `progress`."""
        self._remote = remote
        self._home = home
        self._login = login
        self._progress = progress
        self._senders = senders

    def send(self, item: Item) -> None:
        """Bring a file to the server; raise ClientError if that fails."""
        with open_source(item.local) as descriptor:
            status = os.fstat(descriptor)
            chunks = cut_file(descriptor, status.st_size)
            first = list(islice(chunks, FIRST_GROUP))
            whole = sum(chunk.size for chunk in first) == status.st_size
            with self._note(item, status, whole=whole) as note:
                upload = _Upload(self._remote, self._senders, self._progress, descriptor)
                try:
                    upload.open(note, _request(item, status, first, append=not whole), first)
                    while group := list(islice(chunks, GROUP)):
                        upload.declare(group)
                    upload.wait()
                    if not same_state(status, os.fstat(descriptor)):
                        raise FileChangedError("it changed while it was sent; run the command again")  # noqa: TRY301 -- below
                    if item.existing is not None and upload.holds_content_of(item.existing):
                        upload.give_up(note)
                        settle(self._remote, item.existing, status)
                        self._progress.unchanged(0)
                        return
                    upload.commit()
                except (FileChangedError, ConflictError):
                    upload.give_up(note)  # going on with it later would end the same way
                    raise
                except BaseException:
                    upload.abandon()
                    raise
                if note is not None:
                    note.remove()
        self._progress.finished(1)

    @contextmanager
    def _note(self, item: Item, status: os.stat_result, *, whole: bool) -> Iterator[HeldNote | None]:
        """Hold the note by which a later run finds this upload; a file declared at once is too small for one."""
        if whole:
            yield None
            return
        base = item.existing.version_id if item.existing is not None else None
        with self._home.hold_note(
            *(self._login.server, self._login.username, item.remote, str(base)),
            *(os.path.realpath(item.local), status.st_dev, status.st_ino),
            *(status.st_size, status.st_mtime_ns, is_executable(status)),
        ) as note:
            yield note


class _Upload:
    """An upload under way: what was declared of the file, and which chunks are on their way."""

    def __init__(self, remote: Remote, senders: ThreadPoolExecutor, progress: Progress, descriptor: int) -> None:
        self._remote = remote
        self._senders = senders
        self._progress = progress
        self._descriptor = descriptor
        self._upload_id = ""
        self._offsets = array("Q")  # of each declared chunk: 2 MiB for the largest file there can be
        self._manifest = hashlib.sha256()  # over hash and size of each chunk, to compare with another list
        self._sending: deque[Future[None]] = deque()

    def open(self, note: HeldNote | None, request: UploadRequest, first: list[Chunk]) -> None:
        """Go on with the upload that a note names, if it is still open, or open one and note it."""
        noted = note.read() if note is not None else None
        state = self._remote.find_upload(noted.upload_id) if noted is not None else None
        if noted is not None and state is not None and state.state == "open":
            self._upload_id = noted.upload_id
            try:
                self.declare(first)
            except (ApiError, ConflictError):  # cut in another way, by another version of this program
                self._remote.give_up([noted.upload_id])
            else:
                return
        answer = self._remote.request_upload(request)
        self._upload_id = answer.upload_id
        if note is not None:
            note.write(UploadNote(self._upload_id))
        self._take(first, answer)

    def declare(self, group: list[Chunk]) -> None:
        """Tell the server of the next chunks, and begin to send those it needs."""
        refs = [ChunkRef(chunk.digest.hex(), chunk.size) for chunk in group]
        self._take(group, self._remote.append_chunks(self._upload_id, len(self._offsets), refs))

    def _take(self, group: list[Chunk], answer: UploadAnswer) -> None:
        for chunk in group:
            self._offsets.append(chunk.offset)
            self._manifest.update(chunk.digest + chunk.size.to_bytes(4, "big"))
        queued: set[str] = set()  # content that repeats within the group is sent once
        for place in answer.chunks:
            if place.url is None or place.sha256 in queued:
                self._progress.moved(place.size, 0)
            else:
                queued.add(place.sha256)
                self._queue(place)

    def _queue(self, place: UploadChunk) -> None:
        while len(self._sending) >= IN_FLIGHT or (self._sending and self._sending[0].done()):
            self._sending.popleft().result()
        self._sending.append(self._senders.submit(self._send, place, self._offsets[place.index]))

    def _send(self, place: UploadChunk, offset: int) -> None:
        """Send one chunk straight from the file. The server checks its hash, so a change since shows there."""
        url = place.url
        for _ in range(_SEND_TRIES):
            if url is None:
                return  # another run has sent it meanwhile
            try:
                self._remote.put_content(url, FileRange(self._descriptor, offset, place.size))
            except UrlExpiredError:
                url = self._fresh_url(place.index)
            except ApiError as error:
                if error.code != "chunk_mismatch":
                    raise
                content = os.pread(self._descriptor, place.size, offset)
                if hashlib.sha256(content).hexdigest() != place.sha256:
                    raise FileChangedError("it changed while it was sent; run the command again") from error
            else:
                self._progress.moved(place.size, place.size)
                return
        raise ClientError("the server refuses a chunk of it again and again")

    def _fresh_url(self, index: int) -> str | None:
        missing = self._remote.get_upload(self._upload_id, index).missing
        return missing[0].url if missing and missing[0].index == index else None

    def wait(self) -> None:
        """Wait until every chunk has arrived; raise what went wrong with one."""
        while self._sending:
            self._sending.popleft().result()

    def abandon(self) -> None:
        """Begin no more sends, and wait for those that run, so that the file can be closed."""
        for future in self._sending:
            future.cancel()
        for future in self._sending:
            if not future.cancelled():
                future.exception()

    def give_up(self, note: HeldNote | None) -> None:
        """Close the upload without a version."""
        self.abandon()
        if self._upload_id:
            self._remote.give_up([self._upload_id])
        if note is not None:
            note.remove()

    def holds_content_of(self, existing: File) -> bool:
        """Tell whether the chunks declared are those of the server's file, so that a version would be the same."""
        manifest = hashlib.sha256()
        start: int | None = 0
        while start is not None:
            page = self._remote.get_manifest(existing, start)
            if page.file.size != existing.size:
                return False
            for chunk in page.chunks:
                manifest.update(bytes.fromhex(chunk.sha256) + chunk.size.to_bytes(4, "big"))
            start = page.next_from
        return manifest.digest() == self._manifest.digest()

    def commit(self) -> None:
        """Make the version visible; send again what the server lost to a crash before it was durable."""
        for _ in range(_COMMIT_TRIES):
            try:
                self._remote.commit(self._upload_id)
            except ApiError as error:
                if error.code != "missing_chunks":
                    raise
                self._send_missing()
            else:
                return
        raise ClientError("the server lost its content again and again")

    def _send_missing(self) -> None:
        start: int | None = 0
        while start is not None:
            state = self._remote.get_upload(self._upload_id, start)
            for place in state.missing:
                self._queue(place)
            start = state.next_from
        self.wait()


def _request(item: Item, status: os.stat_result, first: list[Chunk], *, append: bool) -> UploadRequest:
    return UploadRequest(
        path=item.remote,
        size=status.st_size,
        mtime_ms=mtime_ms(status),
        chunks=[ChunkRef(chunk.digest.hex(), chunk.size) for chunk in first],
        executable=is_executable(status),
        base_version=item.existing.version_id if item.existing else None,
        append=append,
        parents=True,
    )
