"""A root folder with what applies changes to it, a server to fetch from, and races and crashes at will."""

import hashlib
import http.client
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path as OsPath
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from client.protocol import DirectWay, File, Manifest
from client.remote import Remote
from client.sync.apply.changes import Applier
from client.sync.apply.displaced import Displaced
from client.sync.apply.fetch import Fetcher, Reserve
from client.sync.apply.trash import Trash
from client.sync.device.disk import DiskFs
from client.sync.device.system_clock import SystemChance
from client.sync.device.threads import ThreadExecutor
from client.sync.loop.meter import Meter
from client.sync.loop.throttle import Throttle
from client.sync.model import Kind, LocalEntry, Path, RemoteNode, Stat, SyncedNode
from client.sync.operations import DeleteHere, Fetch, Operation, Replace
from client.sync.outcome import Done, Source, Task
from client.sync.seams.files import Fs, FsError, Traits, Trouble
from client.sync.trees.record import node_of

LONG_AGO_MS = 1_700_000_000_000
NAME = "laptop"


def nothing(_: object) -> None:
    """Do nothing."""


class CrashError(BaseException):
    """The machine stopped here."""


class HandClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.day = "2026-11-23"

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return int(self.now_s * 1000)

    def local_time(self, format_: str) -> str:
        return {"%Y-%m-%d": self.day, "%H:%M": "12:00"}.get(format_, f"{self.day} 14-05-09")

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Meddled:
    """A disk on which something happens right before or after a call, or the machine stops at it."""

    def __init__(self, inner: Any, top: "Meddled | None" = None) -> None:
        self._inner = inner
        self._top = top or self
        if top is None:
            self.log: list[str] = []
            self.hooks: list[tuple[str, str, Callable[[], None]]] = []
            self.crash_at: int | None = None
            self.after_each: Callable[[], None] = lambda: None
            self.lock = threading.RLock()

    def once(self, when: str, method: str, call: Callable[[], None]) -> None:
        """Let `call` be made once, `before` or `after` the next call of a method."""
        self._top.hooks.append((when, method, call))

    def refuse(self, method: str, trouble: Trouble) -> None:
        """Let the next call of a method fail."""

        def fail() -> None:
            raise FsError(trouble, ())

        self.once("before", method, fail)

    def answer(self, method: str, value: object) -> None:
        """Let a method answer this from now on."""
        setattr(self, method, lambda *_: value)

    def _fire(self, when: str, method: str) -> None:
        for hook in [hook for hook in self._top.hooks if hook[:2] == (when, method)][:1]:
            self._top.hooks.remove(hook)
            hook[2]()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value) or name == "close":
            return value
        top = self._top

        def call(*args: Any, **kwargs: Any) -> Any:
            with top.lock:
                if top.crash_at is not None and len(top.log) >= top.crash_at:
                    raise CrashError
                top.log.append(name)
            self._fire("before", name)
            result = value(*args, **kwargs)
            self._fire("after", name)
            top.after_each()
            return Meddled(result, top) if name in {"create", "reopen"} else result

        return call


class CountingRemote(Remote):
    """The server as a device sees it, counting content, and twisted where a test asks for it."""

    def __init__(self, server: str, token: str) -> None:
        super().__init__(server, token, patience_s=1.0)
        self.received = 0
        self.twist_manifest: Callable[[Manifest], Manifest] = lambda manifest: manifest
        self.twist_content: Callable[[memoryview], None] = nothing
        self.bundles: list[int] = []
        self.alone = 0
        self.twist_bundle: Callable[[list[bytes | None]], list[bytes | None]] = lambda contents: contents

    def manifest_of(self, file_id: str, version_id: str, start: int = 0, *, about: str = "") -> Manifest:
        return self.twist_manifest(super().manifest_of(file_id, version_id, start, about=about))

    def read_chunk(self, url: str, into: memoryview, direct: DirectWay | None = None) -> None:
        super().read_chunk(url, into, direct)
        self.received += len(into)
        self.twist_content(into)

    def content_of(self, file_id: str, version_id: str, into: memoryview, *, about: str = "") -> None:
        self.alone += 1
        super().content_of(file_id, version_id, into, about=about)
        self.received += len(into)
        self.twist_content(into)

    def contents_of(self, files: Sequence[tuple[str, str, int]]) -> list[bytes | None]:
        self.bundles.append(len(files))
        contents = super().contents_of(files)
        self.received += sum(len(content) for content in contents if content is not None)
        return self.twist_bundle(contents)


@dataclass
class World:
    """One root folder. `there` writes at the server, `put` here; `entry` is what the planner would have seen."""

    top: OsPath
    remote: CountingRemote
    token: str
    executor: ThreadExecutor
    changed_traits: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.top.mkdir(exist_ok=True)
        self.disk = Meddled(self.make_disk())
        self.clock = HandClock()
        self.start()

    def make_disk(self) -> Fs:
        return DiskFs(str(self.top))

    def start(self) -> None:
        """Begin as after a start of the daemon."""
        self.disk.crash_at = None
        self.disk.after_each = lambda: None
        self.fs = cast("Fs", self.disk)
        found = self.fs.probe()
        self.traits = Traits(
            **{name: getattr(found, name) for name in Traits.__dataclass_fields__} | dict(self.changed_traits)
        )
        self.lids: dict[int, Path] = getattr(self, "lids", {})
        self.displaced = Displaced(self.fs, self.clock, self.traits, device_name=NAME)
        self.trash = Trash(self.fs, self.clock)
        self.applier = Applier(self.fs, self.traits, self.clock, SystemChance(), device_name=NAME, seen=self.trash.seen)
        self.fetcher = self.make_fetcher(Reserve(0, 0))

    def make_fetcher(self, reserve: Reserve) -> Fetcher:
        meter = Meter(self.clock, threading.Lock())
        throttle = Throttle(self.clock, [], threading.Lock())
        fs, net, clock, chance = self.fs, self.remote, self.clock, SystemChance()
        return Fetcher(
            fs, net, self.executor, chance, clock, meter, throttle, self.traits, device_name=NAME, reserve=reserve
        )

    # The server

    def there(self, name: str, content: bytes, *, mtime_ms: int = LONG_AGO_MS) -> RemoteNode:
        """Make a file or a new version of it at the server."""
        parts = urlsplit(self.remote.server)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        headers = {"Authorization": f"Bearer {self.token}", "X-Mtime-Ms": str(mtime_ms)}
        query = urlencode({"path": f"/{name}"})
        connection.request("PUT", f"/api/v1/files/content?{query}", content, headers)
        answer = connection.getresponse()
        assert answer.status in {200, 201}, answer.read()
        answer.read()
        connection.close()
        return node_of(self.file(name))

    def file(self, name: str) -> File:
        return self.remote.get_file(f"/{name}")

    # Here

    def put(self, name: str, content: bytes, *, mtime_ms: int = LONG_AGO_MS) -> OsPath:
        """Write a file here as a user's program does, with an mtime."""
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(mtime_ms * 1_000_000,) * 2)
        return path

    def save(self, name: str, content: bytes) -> None:
        """Save atomically, as editors do: a new file, renamed over the old."""
        temp = self.top / f"{name}.new"
        temp.write_bytes(content)
        temp.replace(self.top / name)

    def entry(self, name: str, lid: int = 7, *, sure: bool = True) -> LocalEntry:
        path = tuple(name.split("/"))
        stat = self.fs.look(path)
        assert stat is not None
        self.lids[lid] = path
        sha256 = sha256_of((self.top / name).read_bytes()) if stat.kind is Kind.FILE else None
        return LocalEntry(lid, 0, path[-1], stat, sha256, sure)

    def path_of(self, lid: int) -> Path | None:
        return self.lids.get(lid)

    def content(self, name: str) -> bytes | None:
        path = self.top / name
        return path.read_bytes() if path.is_file() else None

    def copies(self) -> list[bytes]:
        """Return the content of all conflict copies."""
        return sorted(path.read_bytes() for path in self.top.rglob("*conflict from*") if path.is_file())

    def waiting(self, folder: str = "displaced") -> list[bytes]:
        """Return the content of what lies in a private folder."""
        return sorted(path.read_bytes() for path in (self.top / ".cairn" / folder).rglob("*") if path.is_file())

    def sweep(self) -> int:
        return len(self.displaced.sweep(self.path_of))

    def sweep_for(self, seconds: int) -> int:
        """Sweep each three seconds for so long; return how many conflict copies came of it."""
        rescued = 0
        for _ in range(0, seconds, 3):
            rescued += self.sweep()
            self.clock.now_s += 3
        return rescued


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(node: RemoteNode, name: str | None = None, sources: tuple[Source, ...] = ()) -> Task[Operation]:
    path = tuple((name or node.name).split("/"))
    return Task(Fetch(node=node, parent=0, name=path[-1]), None, path, sources=sources)


def replace(
    node: RemoteNode, entry: LocalEntry, path: str, *, keep_as: str | None = None, base: SyncedNode | None = None
) -> Task[Operation]:
    where = tuple(path.split("/"))
    return Task(Replace(node=node, entry=entry, base=base, keep_as=keep_as), where, where)


def delete(entry: LocalEntry, path: str) -> Task[Operation]:
    return Task(DeleteHere(entry=entry), tuple(path.split("/")))


def base_of(node: RemoteNode, lid: int = 7) -> SyncedNode:
    return SyncedNode(
        node.id,
        node.parent_id or "",
        node.name,
        node.kind,
        node.version_id,
        node.sha256,
        node.executable,
        node.mtime_ms,
        lid,
        0,
        node.name,
    )


def done(outcome: object) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def stat_of(outcome: object) -> Stat:
    stat = done(outcome).stat
    assert stat is not None
    return stat
