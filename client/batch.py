"""Small files, up to a thousand at a time: read into one buffer, requested, sent and committed together."""

import os
import queue
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from client.bundle import BATCH_BYTES, BATCH_FILES, FRAME_HEADER, SEND_TRIES, Frame, fill_frame, pieces_of, send_bundle
from client.chunker import fill_from
from client.errors import ClientError, FileChangedError, LocalFileError, error_of
from client.home import BatchNote, Home
from client.progress import Progress
from client.protocol import BatchOutcome, ChangeRequest, ChunkRef, CommitOutcome, File, Problem, UploadRequest
from client.remote import Remote
from client.source import is_executable, mtime_ms, open_source, same_state

_READ_TRIES = 3


class Item(NamedTuple):
    """A file to send: where it is, where it goes, and the server's file that it replaces."""

    local: str
    remote: str
    size: int
    existing: File | None


@dataclass(frozen=True, slots=True)
class _Frame:
    """A file that was read: its state then, and its frame in the buffer."""

    item: Item
    status: os.stat_result
    place: Frame

    @property
    def sha256(self) -> str:
        """The hash of its content."""
        return self.place.sha256


class Batcher:
    """Gathers small files into batches that fit a buffer."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._items: list[Item] = []
        self._size = 0

    def add(self, item: Item) -> list[Item] | None:
        """Add a file; return the batch before it if that one is full."""
        size = FRAME_HEADER + item.size
        full = len(self._items) == BATCH_FILES or self._size + size > BATCH_BYTES
        batch = self.take() if full else None
        self._items.append(item)
        self._size += size
        return batch

    def take(self) -> list[Item]:
        """Return what is gathered, and begin anew."""
        items, self._items, self._size = self._items, [], 0
        return items


class BatchSender:
    """Sends batches, from several threads at once; each that runs at a time holds a buffer of BATCH_BYTES."""

    def __init__(self, remote: Remote, home: Home, progress: Progress) -> None:
        """Send to `remote`, keep notes in `home`, account to `progress`."""
        self._remote = remote
        self._home = home
        self._progress = progress
        self._buffers: queue.SimpleQueue[memoryview] = queue.SimpleQueue()

    def send(self, items: list[Item]) -> None:
        """Bring a batch of small files to the server. What fails for one file holds up no other."""
        try:
            buffer = self._buffers.get_nowait()
        except queue.Empty:
            buffer = memoryview(bytearray(BATCH_BYTES + FRAME_HEADER + 1))
        frames = [frame for frame in self._read(items, buffer) if not self._settled(frame)]
        for _ in range(SEND_TRIES):
            if not frames:
                break
            frames = self._send_once(frames, buffer)
        for frame in frames:
            self._progress.failed(frame.item.local, ClientError("the server lost its content again and again"))
        self._buffers.put(buffer)

    def _read(self, items: list[Item], buffer: memoryview) -> Iterable[_Frame]:
        position = 0
        for item in items:
            try:
                frame = _read_frame(item, buffer, position)
            except LocalFileError as error:
                self._progress.failed(item.local, error)
                continue
            position = frame.place.end
            yield frame

    def _settled(self, frame: _Frame) -> bool:
        """Tell whether the server holds this content already; then only what PATCH can set is set."""
        existing = frame.item.existing
        if existing is None or existing.size != frame.status.st_size:
            return False
        if existing.size and existing.sha256 != frame.sha256:
            return False
        try:
            settle(self._remote, existing, frame.status)
        except ClientError as error:
            fail_or_raise(self._progress, frame.item.local, error)
        else:
            self._progress.unchanged(frame.status.st_size)
        return True

    def _send_once(self, frames: list[_Frame], buffer: memoryview) -> list[_Frame]:
        """Request, send and commit; return the frames that the server must get once more."""
        answer = self._remote.request_batch([_request(frame) for frame in frames])
        opened: list[tuple[_Frame, str]] = []
        needed: dict[str, _Frame] = {}  # the same content twice is sent once
        for frame, outcome in zip(frames, answer.uploads, strict=True):
            if outcome.upload_id is None:
                self._fail(frame, outcome)
                continue
            opened.append((frame, outcome.upload_id))
            if outcome.chunks and outcome.chunks[0].needed:
                needed.setdefault(frame.sha256, frame)
        if not opened:
            return []
        upload_ids = [upload_id for _, upload_id in opened]
        with self._home.note_batch(BatchNote(self._remote.server, upload_ids)):
            pieces = pieces_of((frame.place for frame in needed.values()), buffer)
            if pieces and not send_bundle(self._remote, answer.bundle_url, pieces):
                self._remote.give_up(upload_ids)
                return [frame for frame, _ in opened]
            self._progress.moved(0, sum(map(len, pieces)))
            results = self._remote.commit_batch(upload_ids)
        return self._account(opened, results)

    def _account(self, opened: list[tuple[_Frame, str]], results: list[CommitOutcome]) -> list[_Frame]:
        again: list[_Frame] = []
        files = size = 0
        for (frame, upload_id), outcome in zip(opened, results, strict=True):
            if outcome.file is not None:
                files += 1
                size += frame.status.st_size
            elif outcome.code == "missing_chunks":  # the server restarted in between
                self._remote.give_up([upload_id])
                again.append(frame)
            else:
                self._remote.give_up([upload_id])
                self._fail(frame, outcome)
        self._progress.finished(files)
        self._progress.moved(size, 0)
        return again

    def _fail(self, frame: _Frame, outcome: BatchOutcome | CommitOutcome) -> None:
        problem = Problem(outcome.status, outcome.code, outcome.title, outcome.detail)
        fail_or_raise(self._progress, frame.item.local, error_of(problem, about=frame.item.remote))


def settle(remote: Remote, existing: File, status: os.stat_result) -> None:
    """Set time and executable bit at the server where they differ; the content is the same and no version is made."""
    time_ms, executable = mtime_ms(status), is_executable(status)
    if (existing.mtime_ms, existing.executable) == (time_ms, executable):
        return
    remote.change(existing, ChangeRequest(mtime_ms=time_ms, executable=executable, if_seq=existing.seq))


def meets_all(error: ClientError) -> bool:
    """Tell whether an error will meet every other file too."""
    return error.code in {
        "unauthenticated",
        "unreachable",
        "stopped",
        "quota_exceeded",
        "storage_full",
        "rate_limited",
    }


def fail_or_raise(progress: Progress, path: str, error: ClientError) -> None:
    """Note an error that concerns one file; raise one that will meet every other file too."""
    if meets_all(error):
        raise error
    progress.failed(path, error)


def _read_frame(item: Item, buffer: memoryview, start: int) -> _Frame:
    """Read a file into the buffer behind room for the header of its frame."""
    with open_source(item.local) as descriptor:
        for _ in range(_READ_TRIES):
            before = os.fstat(descriptor)
            frame = fill_frame(buffer, start, before.st_size, fill_from(descriptor))
            if frame is not None and same_state(before, os.fstat(descriptor)):
                return _Frame(item, before, frame)
    raise FileChangedError("it changed while it was read; run the command again")


def _request(frame: _Frame) -> UploadRequest:
    size = frame.status.st_size
    existing = frame.item.existing
    return UploadRequest(
        path=frame.item.remote,
        size=size,
        mtime_ms=mtime_ms(frame.status),
        chunks=[ChunkRef(frame.sha256, size)] if size else [],
        executable=is_executable(frame.status),
        base_version=existing.version_id if existing else None,
        parents=True,
    )
