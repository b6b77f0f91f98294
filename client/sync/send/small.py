"""Small files, many at a time: read into one buffer, requested together, and sent as one bundle."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from client.bundle import FRAME_HEADER, SEND_TRIES, Frame, fill_frame, pieces_of, send_bundle
from client.errors import ClientError
from client.protocol import ChunkRef, UploadRequest
from client.sync.loop.meter import Meter, Transfer
from client.sync.loop.throttle import Throttle
from client.sync.model import Stat
from client.sync.observe.hashing import not_read
from client.sync.operations import Operation
from client.sync.outcome import Outcome, Prepared, Stale, Task
from client.sync.seams.clock import Chance
from client.sync.seams.files import FsError, Trouble
from client.sync.seams.net import Net
from client.sync.send.giving_up import give_up
from client.sync.send.refusals import error_in, refused
from client.sync.send.source import Sources
from client.sync.send.wish import request_of, unchanged, upload_of


@dataclass(frozen=True, slots=True)
class _Item:
    """A file that was read: the number of its task, its state, and its frame in the buffer."""

    number: int
    task: Task[Operation]
    stat: Stat
    frame: Frame
    sure: bool


class SmallFiles:
    """Sends small files."""

    def __init__(self, sources: Sources, net: Net, chance: Chance, meter: Meter, throttle: Throttle) -> None:
        """Send to `net`; nothing is read yet."""
        self._sources = sources
        self._net = net
        self._chance = chance
        self._meter = meter
        self._throttle = throttle

    def send(self, tasks: Sequence[Task[Operation]]) -> list[Outcome]:
        """Bring the bytes of up to 1,000 files to the server; what fails for one holds up no other.

        Memory is a buffer of the size of all of them, which the caller keeps to 8 MiB.
        """
        outcomes: dict[int, Outcome] = {}
        try:
            began_ns = self._sources.now_ns()
        except FsError as error:
            return [not_read(error)] * len(tasks)
        buffer = memoryview(bytearray(sum(FRAME_HEADER + _size(task) for task in tasks) + 1))
        items: list[_Item] = []
        position = 0
        for number, task in enumerate(tasks):
            read = self._read(number, task, buffer, position, began_ns)
            if isinstance(read, _Item):
                items.append(read)
                position = read.frame.end
            else:
                outcomes[number] = read
        if items:
            first = items[0].task.shown
            shown = first if len(items) == 1 else f"{first} and {len(items) - 1} more"
            transfer = self._meter.begin(shown, sum(item.stat.size for item in items), up=True)
            try:
                self._send(items, buffer, outcomes, transfer)
            finally:
                transfer.end()
        return [outcomes[number] for number in range(len(tasks))]

    def _read(
        self, number: int, task: Task[Operation], buffer: memoryview, start: int, began_ns: int
    ) -> _Item | Outcome:
        """Read one file into the buffer; return its outcome where nothing is to be sent."""
        try:
            with self._sources.opened(task) as source:
                frame = fill_frame(buffer, start, source.stat.size, source.fill)
                if frame is None:
                    return Stale("it changed while it was read")
                source.check()
                stat = source.stat
        except FsError as error:
            return not_read(error)
        except OSError as error:  # a read straight from the descriptor
            return not_read(FsError(Trouble.DAMAGED, task.path or (), error.strerror or ""))
        sure = self._sources.is_sure(stat, began_ns)
        return unchanged(upload_of(task), stat, frame.sha256, sure=sure) or _Item(number, task, stat, frame, sure)

    def _send(self, items: list[_Item], buffer: memoryview, outcomes: dict[int, Outcome], transfer: Transfer) -> None:
        """Request and send; note an outcome for each."""
        try:
            for _ in range(SEND_TRIES):
                items = self._send_once(items, buffer, outcomes, transfer)
                if not items:
                    return
        except ClientError as error:
            _fail(items, error, outcomes)
        else:
            _fail(items, ClientError("The server refuses its bytes again and again."), outcomes)

    def _send_once(
        self, items: list[_Item], buffer: memoryview, outcomes: dict[int, Outcome], transfer: Transfer
    ) -> list[_Item]:
        """Return what must be requested once more, since the bundle's URL was no longer good."""
        answer = self._net.request_batch([self._request(item) for item in items])
        opened: list[tuple[_Item, str]] = []
        needed: dict[str, Frame] = {}  # the same content twice is sent once
        for item, outcome in zip(items, answer.uploads, strict=True):
            if outcome.upload_id is None:
                outcomes[item.number] = refused(error_in(outcome), item.task.shown)
                continue
            opened.append((item, outcome.upload_id))
            if outcome.chunks and outcome.chunks[0].needed:
                needed.setdefault(item.frame.sha256, item.frame)
        pieces = pieces_of(needed.values(), buffer)
        if pieces:
            size = sum(map(len, pieces))
            try:
                self._throttle.take(size, up=True)
                is_spoilt = self._chance.unlikely("bundle refused")
                is_sent = not is_spoilt and send_bundle(self._net, answer.bundle_url, pieces)
            except ClientError:
                give_up(self._net, [upload_id for _, upload_id in opened])
                raise
            if not is_sent:
                give_up(self._net, [upload_id for _, upload_id in opened])
                return [item for item, _ in opened]
            transfer.moved(size)
        for item, upload_id in opened:
            outcomes[item.number] = Prepared(
                upload_id=upload_id, stat=item.stat, sha256=item.frame.sha256, sure=item.sure
            )
        return []

    def _request(self, item: _Item) -> UploadRequest:
        operation, stat, sha256 = upload_of(item.task), item.stat, item.frame.sha256
        chunks = [ChunkRef(sha256, stat.size)] if stat.size else []
        executable = self._sources.is_executable(operation, stat)
        return request_of(operation, stat, chunks, executable=executable, sha256=sha256)


def _size(task: Task[Operation]) -> int:
    entry = task.operation.entry
    return 0 if entry is None else entry.stat.size


def _fail(items: Iterable[_Item], error: ClientError, outcomes: dict[int, Outcome]) -> None:
    for item in items:
        outcomes.setdefault(item.number, refused(error, item.task.shown))
