"""A real server, a real folder, and the sender between both."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path as DiskPath
from typing import Any, Literal

import pytest

from client.protocol import ChangeRequest, File
from client.remote import Remote
from client.sync.device.disk import DiskFs
from client.sync.device.system_clock import SystemChance, SystemClock
from client.sync.device.threads import ThreadExecutor
from client.sync.loop.meter import Meter
from client.sync.loop.throttle import Throttle
from client.sync.model import Kind, LocalEntry, Path, RemoteNode, SyncedNode
from client.sync.operations import Operation, Upload
from client.sync.outcome import Done, Prepared, Task
from client.sync.seams.files import Traits
from client.sync.send import Sender
from tests.client.peer import Asked, Peer, Told, forward, running
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that the tests of a module share; each works in a folder of its own."""
    running = RunningServer(tmp_path_factory.mktemp("server") / "data", NO_RESERVE).start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def token(server: RunningServer) -> str:
    """The token of a device at the server."""
    remote = Remote(server.url)
    try:
        return remote.login(ADMIN, PASSWORD, "laptop").token
    finally:
        remote.close()


@dataclass
class Device:
    """A root folder here, and a folder of its own at the server."""

    root: DiskPath
    fs: DiskFs
    net: Remote
    home: File
    executor: ThreadExecutor
    traits: Traits
    meter: Meter
    throttle: Throttle
    sender: Sender
    opened: list[str] = field(default_factory=list)
    _last_lid: int = 0

    def with_net(self, net: Remote) -> "Device":
        """Return the same device on another way to the server."""
        sender = Sender(self.fs, net, self.executor, SystemChance(), self.meter, self.throttle, self.traits)
        return replace(self, net=net, sender=sender)

    def on(self, fs: Any) -> "Device":
        """Return the same device on a disk that shows itself in another way."""
        sender = Sender(fs, self.net, self.executor, SystemChance(), self.meter, self.throttle, self.traits)
        return replace(self, sender=sender)

    def like(self, **traits: bool) -> "Device":
        """Return the same device on a disk with other traits."""
        other = replace(self.traits, **traits)
        sender = Sender(self.fs, self.net, self.executor, SystemChance(), self.meter, self.throttle, other)
        return replace(self, traits=other, sender=sender)

    def write(self, name: str, content: bytes) -> LocalEntry:
        """Write a file into the root and look at it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_700_000_000, 1_700_000_000.125))
        return self.entry(name)

    def entry(self, name: str) -> LocalEntry:
        """Look at a file or folder as an observer does."""
        stat = self.fs.look(tuple(name.split("/")))
        assert stat is not None
        self._last_lid += 1
        return LocalEntry(self._last_lid, 0, name.rpartition("/")[2], stat)

    def new(self, name: str, content: bytes | None = None) -> Task[Operation]:
        """Return the task of uploading a new file, which is written first."""
        entry = self.entry(name) if content is None else self.write(name, content)
        operation = Upload(entry=entry, how="new", parent_id=self.home.file_id, name=entry.name)
        return Task(operation, tuple(name.split("/")))

    def version(self, name: str, base: SyncedNode, how: Literal["version", "restore"] = "version") -> Task[Operation]:
        """Return the task of uploading what a file holds now as a version that grew from a base."""
        operation = Upload(
            entry=self.entry(name),
            base=base,
            how=how,
            parent_id=base.parent_id,
            name=base.name,
            base_version=base.version_id,
        )
        return Task(operation, tuple(name.split("/")))

    def put(self, name: str, content: bytes) -> SyncedNode:
        """Bring a new file to the server, and return its synced row."""
        (outcome,) = self.send([self.new(name, content)])
        assert isinstance(outcome, Done), outcome
        return synced_of(outcome)

    def prepare(self, name: str, content: bytes) -> tuple[Task[Operation], Prepared]:
        """Bring the bytes of a new file to the server, and commit nothing."""
        task = self.new(name, content)
        (outcome,) = self.sender.upload_small([task])
        assert isinstance(outcome, Prepared), outcome
        return task, outcome

    def send(self, tasks: list[Task[Operation]]) -> list[object]:
        """Upload small files and commit what can be committed."""
        outcomes: list[object] = list(self.sender.upload_small(tasks))
        ready = [
            (task, outcome) for task, outcome in zip(tasks, outcomes, strict=True) if isinstance(outcome, Prepared)
        ]
        committed = iter(self.sender.commit(ready))
        return [next(committed) if isinstance(outcome, Prepared) else outcome for outcome in outcomes]

    def send_large(self, task: Task[Operation]) -> object:
        """Upload a large file and commit it, if it can be."""
        outcome = self.sender.upload_large(task, self.opened.append)
        return self.sender.commit([(task, outcome)])[0] if isinstance(outcome, Prepared) else outcome

    def content(self, file: File) -> bytes:
        """Return what the server holds of a file."""
        into = bytearray(file.size)
        self.net.content_of(file.file_id, file.version_id or "", memoryview(into))
        return bytes(into)

    def there(self, name: str) -> File | None:
        """Return the child of that name in the folder at the server."""
        return self.net.find_child(self.home.file_id, name)

    def edit_there(self, base: SyncedNode, name: str, content: bytes) -> File:
        """Let another device make a new version: the file `name` here is only what it is made from."""
        self.write(name, content)
        (outcome,) = self.send([self.version(name, base)])
        assert isinstance(outcome, Done)
        assert outcome.file is not None
        return outcome.file

    def rename_there(self, file_id: str, name: str) -> File:
        """Let somebody else rename a node."""
        return self.net.patch(file_id, ChangeRequest(name=name))


Make = Callable[..., Remote]


@pytest.fixture
def connect(token: str) -> Iterator[Make]:
    """Make remotes of the device that are closed at the end."""
    with ExitStack() as stack:

        def make(url: str, patience_s: float = 0.5) -> Remote:
            remote = Remote(url, token, patience_s=patience_s)
            stack.callback(remote.close)
            return remote

        yield make


@pytest.fixture
def device(server: RunningServer, connect: Make, tmp_path: DiskPath) -> Iterator[Device]:
    """A device with an empty root and an empty folder at the server."""
    if server.process is None:
        server.start()
    root = tmp_path / "root"
    root.mkdir()
    fs = DiskFs(str(root))
    traits = fs.probe()
    net = connect(server.url)
    home = net.make_child("root", tmp_path.name)
    clock, executor = SystemClock(), ThreadExecutor()
    meter, throttle = Meter(clock, threading.Lock()), Throttle(clock, [], threading.Lock())
    sender = Sender(fs, net, executor, SystemChance(), meter, throttle, traits)
    yield Device(root, fs, net, home, executor, traits, meter, throttle, sender)
    executor.stop()
    fs.close()


class Road:
    """The way to the server, where a test decides what happens to a request: it is lost, its answer is, or all is well.

    `answer` is asked about each request and returns what the device gets, or None to let it pass.
    """

    def __init__(self, port: int) -> None:
        """Lead to a server at a local port."""
        self.port = port
        self.answer: Callable[[Asked], Told | None] = lambda _: None

    def lose(self, times: int, method: str, path: str, *, handled: bool = True) -> None:
        """Lose the answers to the next requests of a kind, or with `handled` false the requests themselves."""
        left = [None] * times

        def answer(asked: Asked) -> Told | None:
            if not left or asked.method != method or path not in asked.path:
                return None
            left.pop()
            if handled:
                forward(asked, self.port)
            return Told(lost=True)

        self.answer = answer

    def refuse_once(self, method: str, path: str, status: int, code: str) -> None:
        """Answer the next request of a kind with a problem."""
        left = [None]

        def answer(asked: Asked) -> Told | None:
            if not left or asked.method != method or path not in asked.path:
                return None
            left.pop()
            return Told(status, json.dumps({"code": code, "status": status, "title": code}).encode())

        self.answer = answer

    def take(self, asked: Asked) -> Told:
        """Hand a request on, or not."""
        told = self.answer(asked)
        return forward(asked, self.port) if told is None else told


@dataclass
class Proxied:
    """The device behind a road, and what came along on it."""

    device: Device
    road: Road
    peer: Peer

    def asked(self, method: str, path: str) -> int:
        """Return how many requests of a kind came along."""
        return sum(asked.method == method and path in asked.path for asked in self.peer.asked)


@pytest.fixture
def proxied(device: Device, server: RunningServer, connect: Make) -> Iterator[Proxied]:
    """The device behind a road that can lose things."""
    road = Road(server.port)
    with running(road.take) as peer:
        net = connect(peer.url, 1.0)
        yield Proxied(device.with_net(net), road, peer)
        net.close()


def synced_of(done: Done, lid: int = 1) -> SyncedNode:
    """Return the synced row that an engine makes of an upload or a folder."""
    file = done.file
    assert file is not None
    assert file.parent_id is not None
    return SyncedNode(
        id=file.file_id,
        parent_id=file.parent_id,
        name=file.name,
        kind=Kind(file.kind),
        version_id=file.version_id,
        sha256=done.sha256,
        executable=file.executable,
        mtime_ms=file.mtime_ms,
        lid=lid,
        local_parent=0,
        local_name=file.name,
    )


def node_of(file: File) -> RemoteNode:
    """Return a node of the remote tree as the feed gives it."""
    return RemoteNode(
        id=file.file_id,
        parent_id=file.parent_id,
        name=file.name,
        kind=Kind(file.kind),
        version_id=file.version_id,
        sha256=file.sha256,
        size=file.size,
        mtime_ms=file.mtime_ms,
        executable=file.executable,
        seq=file.seq,
    )


def at(name: str) -> Path:
    """Return a path below the root."""
    return tuple(name.split("/"))
