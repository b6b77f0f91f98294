"""One larger file: hashed while its chunks are sent, and resumed where an earlier run was cut off."""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

from client.batch import Item, settle
from client.chunker import Chunk, cut_file
from client.errors import ApiError, ClientError, ConflictError, FileChangedError
from client.home import HeldNote, Home, Login, UploadNote
from client.open_upload import FIRST_GROUP, GROUP, OpenUpload, refs_of
from client.progress import Progress
from client.protocol import File, UploadChunk, UploadRequest
from client.remote import Remote
from client.source import is_executable, mtime_ms, open_source, same_state
from client.transport import FileRange

IN_FLIGHT = 2 * GROUP  # chunks of one file that wait for their turn to be sent
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


class _File:
    """An open file as what is sent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def body(self, offset: int, size: int) -> FileRange:
        return FileRange(self._descriptor, offset, size)

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)


class _Upload:
    """An upload under way: what was declared of the file, and which chunks are on their way."""

    def __init__(self, remote: Remote, senders: ThreadPoolExecutor, progress: Progress, descriptor: int) -> None:
        self._remote = remote
        self._senders = senders
        self._progress = progress
        self._file = _File(descriptor)
        self._opened: OpenUpload | None = None
        self._manifest = hashlib.sha256()  # over hash and size of each chunk, to compare with another list
        self._sending: deque[Future[None]] = deque()

    def open(self, note: HeldNote | None, request: UploadRequest, first: list[Chunk]) -> None:
        """Go on with the upload that a note names, if it is still open, or open one and note it."""
        self._count(first)
        noted = note.read() if note is not None else None
        state = self._remote.find_upload(noted.upload_id) if noted is not None else None
        if noted is not None and state is not None and state.state == "open":
            upload = self._begin(noted.upload_id)
            try:
                places = upload.declare(first)
            except (ApiError, ConflictError):  # cut in another way, by another version of this program
                self._remote.give_up([noted.upload_id])
            else:
                self._queue(places)
                return
        answer = self._remote.request_upload(request)
        upload = self._begin(answer.upload_id)
        if note is not None:
            note.write(UploadNote(answer.upload_id))
        self._queue(upload.take(first, answer))

    def declare(self, group: list[Chunk]) -> None:
        """Tell the server of the next chunks, and begin to send those it needs."""
        self._count(group)
        self._queue(self._upload.declare(group))

    @property
    def _upload(self) -> OpenUpload:
        if self._opened is None:
            raise AssertionError("open comes first")
        return self._opened

    def _begin(self, upload_id: str) -> OpenUpload:
        self._opened = OpenUpload(self._remote, upload_id, self._file, self._progress.moved)
        return self._opened

    def _count(self, group: list[Chunk]) -> None:
        for chunk in group:
            self._manifest.update(chunk.digest + chunk.size.to_bytes(4, "big"))

    def _queue(self, places: Iterable[UploadChunk]) -> None:
        for place in places:
            while len(self._sending) >= IN_FLIGHT or (self._sending and self._sending[0].done()):
                self._sending.popleft().result()
            self._sending.append(self._senders.submit(self._upload.send, place))

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
        if self._opened is not None:
            self._remote.give_up([self._opened.upload_id])
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
                self._remote.commit(self._upload.upload_id)
            except ApiError as error:
                if error.code != "missing_chunks":
                    raise
                self._queue(self._upload.missing())
                self.wait()
            else:
                return
        raise ClientError("the server lost its content again and again")


def _request(item: Item, status: os.stat_result, first: list[Chunk], *, append: bool) -> UploadRequest:
    return UploadRequest(
        path=item.remote,
        size=status.st_size,
        mtime_ms=mtime_ms(status),
        chunks=refs_of(first),
        executable=is_executable(status),
        base_version=item.existing.version_id if item.existing else None,
        append=append,
        parents=True,
    )
