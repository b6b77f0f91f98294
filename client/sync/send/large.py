"""One large file: hashed while its chunks are sent, and gone on with where an earlier try was cut off."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice

from client.chunker import Chunk, cut_content
from client.errors import ApiError, ClientError, ConflictError, FileChangedError
from client.open_upload import FIRST_GROUP, GROUP, OpenUpload, refs_of
from client.protocol import UploadChunk, UploadRequest
from client.sync.loop.meter import Meter, Transfer
from client.sync.loop.throttle import Throttle
from client.sync.observe.hashing import not_read
from client.sync.operations import Operation
from client.sync.outcome import Done, Outcome, Prepared, Stale, Task
from client.sync.seams.clock import Chance
from client.sync.seams.executor import Executor
from client.sync.seams.files import FsError, Trouble
from client.sync.seams.net import Net
from client.sync.send.giving_up import give_up
from client.sync.send.refusals import refused
from client.sync.send.source import Source, Sources
from client.sync.send.wish import mark_of, request_of, unchanged, upload_of

WIDTH = 8
"""Chunks of one file that are under way at a time."""


class LargeFiles:
    """Sends large files, one a call."""

    def __init__(
        self,
        sources: Sources,
        net: Net,
        executor: Executor,
        chance: Chance,
        meter: Meter,
        throttle: Throttle,
    ) -> None:
        """Send to `net`; nothing is read yet."""
        self._sources = sources
        self._net = net
        self._executor = executor
        self._chance = chance
        self._meter = meter
        self._throttle = throttle

    def send(self, task: Task[Operation], opened: Callable[[str], None]) -> Outcome:
        """Bring the bytes of a file to the server.

        Args:
            task: with `resume`, what `opened` was told in an earlier try.
            opened: is told, as soon as an upload is open, of what a later try needs to go on with it.
        """
        try:
            began_ns = self._sources.now_ns()
            with self._sources.opened(task) as source:
                transfer = self._meter.begin(task.shown, source.stat.size, up=True)
                try:
                    executable = self._sources.is_executable(upload_of(task), source.stat)
                    parts = (self._net, self._executor, self._throttle)
                    sending = _Sending(task, source, transfer, *parts, executable=executable)
                    return self._send(sending, began_ns, opened)
                finally:
                    transfer.end()
        except FsError as error:
            return not_read(error)
        except OSError as error:  # a read straight from the descriptor
            return not_read(FsError(Trouble.DAMAGED, task.path or (), error.strerror or ""))
        except FileChangedError as error:
            return Stale(str(error))
        except ClientError as error:
            return refused(error, task.shown)

    def _send(self, sending: "_Sending", began_ns: int, opened: Callable[[str], None]) -> Outcome:
        source = sending.source
        sure = self._sources.is_sure(source.stat, began_ns)
        try:
            first = 1 if self._chance.unlikely("chunks declared in parts") else FIRST_GROUP
            done = sending.begin(opened, first, sure=sure)
            if done is not None:
                return done
            sending.finish()
            source.check()
        except (FileChangedError, ConflictError, FsError):
            sending.give_up()  # going on with it later would end the same way
            raise
        sha256 = sending.sha256()
        done = unchanged(upload_of(sending.task), source.stat, sha256, sure=sure)
        if done is not None:
            sending.give_up()
            return done
        return Prepared(upload_id=sending.upload_id, stat=source.stat, sha256=sha256, sure=sure)


class _Sending:
    """One file on its way."""

    def __init__(
        self,
        task: Task[Operation],
        source: Source,
        transfer: Transfer,
        net: Net,
        executor: Executor,
        throttle: Throttle,
        *,
        executable: bool,
    ) -> None:
        self.task = task
        self._executable = executable
        self.source = source
        self._net = net
        self._executor = executor
        self._throttle = throttle
        self._transfer = transfer
        self._whole = hashlib.sha256()
        self._chunks = cut_content(source.fill, source.stat.size, also=self._whole.update, beside=self._beside)
        self._upload: OpenUpload | None = None
        self._places: list[UploadChunk] = []

    @property
    def upload_id(self) -> str:
        """The id of the upload."""
        return self._opened.upload_id

    def sha256(self) -> str:
        """Return the hash of the whole content, once all of it was read."""
        return self._whole.hexdigest()

    def begin(self, opened: Callable[[str], None], count: int, *, sure: bool) -> Done | None:
        """Read the first chunks and open the upload; return Done if that was all and nothing needs to be sent."""
        operation, stat = upload_of(self.task), self.source.stat
        first = list(islice(self._chunks, count))
        sha256: str | None = None
        if sum(chunk.size for chunk in first) == stat.size:
            sha256 = self.sha256()
            done = unchanged(operation, stat, sha256, sure=sure)
            if done is not None:
                self.source.check()
                return done
        request = request_of(
            operation, stat, refs_of(first), executable=self._executable, sha256=sha256, append=sha256 is None
        )
        self._open(first, request, opened)
        return None

    def finish(self) -> None:
        """Send what the server needs of all chunks."""
        for _ in self._executor.map(self._send, self._needed(), WIDTH):
            pass

    def give_up(self) -> None:
        """Close the upload without a version."""
        if self._upload is not None:
            give_up(self._net, [self._upload.upload_id])

    def _open(self, first: list[Chunk], request: UploadRequest, opened: Callable[[str], None]) -> None:
        mark = mark_of(request)
        if not self._go_on(first, mark):
            answer = self._net.request_upload(request)
            self._upload = self._opened_as(answer.upload_id)
            self._places = self._upload.take(first, answer)
        opened(f"{self.upload_id}.{mark}")

    def _go_on(self, first: list[Chunk], mark: str) -> bool:
        """Go on with the upload of an earlier try, if it is for the same and still open."""
        earlier, _, its_mark = (self.task.resume or "").partition(".")
        if not earlier:
            return False
        upload = self._opened_as(earlier)
        try:
            if its_mark == mark and self._net.get_upload(earlier).state == "open":
                self._places = upload.declare(first)
                self._upload = upload
                return True
        except (ApiError, ConflictError):  # unknown by now, or the content begins in another way
            pass
        give_up(self._net, [earlier])
        return False

    def _opened_as(self, upload_id: str) -> OpenUpload:
        return OpenUpload(self._net, upload_id, self.source, self._moved)

    @property
    def _opened(self) -> OpenUpload:
        assert self._upload is not None  # noqa: S101 -- begin comes first
        return self._upload

    def _needed(self) -> Iterator[UploadChunk]:
        """Yield the chunks to be sent; while those of one group are under way, the next is read and declared."""
        for places in self._executor.ahead(self._groups()):
            yield from places

    def _groups(self) -> Iterator[list[UploadChunk]]:
        yield self._places
        while group := list(islice(self._chunks, GROUP)):
            yield self._opened.declare(group)

    def _send(self, place: UploadChunk) -> None:
        self._throttle.take(place.size, up=True)
        self._opened.send(place)

    def _moved(self, done: int, sent: int) -> None:
        if sent:
            self._transfer.moved(sent)
        self._transfer.skipped(done - sent)

    def _beside(self, also: Callable[[], None], cut: Callable[[], list[Chunk]]) -> list[Chunk]:
        """Hash the whole content in one worker and the chunks in another."""

        def hash_whole() -> list[Chunk]:
            also()
            return []

        return list(self._executor.map(lambda work: work(), [hash_whole, cut], 2))[1]
