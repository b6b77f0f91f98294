"""Chunks that the server wants back come from files that are in step, and from no others; no version comes of it."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from client.errors import ApiError
from client.protocol import ChunkRef, DirectWay, SyncAnswer, UploadRequest, Wanted
from client.remote import Remote
from client.sync.device.disk import DiskFs
from client.sync.device.inotify import NoWatch
from client.sync.device.system_clock import SystemChance, SystemClock
from client.sync.device.threads import ThreadExecutor
from client.sync.loop.engine import Engine
from client.sync.settings import Settings
from client.sync.trees.state import State
from client.transport import Body
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer

CONTENT = b"what the server is to lose " * 1000
OFFSET, SIZE = 1000, 4000


class WantingRemote(Remote):
    """The way to a server that wants chunks back, as it will when it has lost some."""

    wanted: Sequence[Wanted] = ()

    def __init__(self, server: str, token: str) -> None:
        """Go to a server."""
        super().__init__(server, token)
        self.sent: list[str] = []

    def put_content(self, url: str, body: Body, direct: DirectWay | None = None) -> None:
        """Send, and remember where."""
        self.sent.append(url)
        super().put_content(url, body, direct)

    def sync(self, cursor: str | None, *, wait_s: int) -> SyncAnswer:
        """Return the server's answer with what is wanted."""
        return replace(super().sync(cursor, wait_s=wait_s), wanted=list(self.wanted))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server that has just started."""
    running = RunningServer(tmp_path / "data", NO_RESERVE).start()
    yield running
    running.close()


@pytest.fixture
def net(server: RunningServer) -> Iterator[WantingRemote]:
    """A device's way to it."""
    with_login = Remote(server.url)
    token = with_login.login(ADMIN, PASSWORD, "laptop").token
    with_login.close()
    remote = WantingRemote(server.url, token)
    yield remote
    remote.stop()
    remote.close()


@pytest.fixture
def sync(server: RunningServer, net: WantingRemote, tmp_path: Path) -> Callable[[], None]:
    """Bring the folder `root` in step once."""
    root = tmp_path / "root"
    root.mkdir()
    settings = Settings(str(root), "/", server.url, ADMIN, "d", "laptop")

    def run() -> None:
        executor, state = ThreadExecutor(), State.open(str(tmp_path / "state.db"))
        engine = Engine(
            state=state,
            fs=DiskFs(str(root)),
            watch=NoWatch(),
            net=net,
            clock=SystemClock(),
            chance=SystemChance(),
            executor=executor,
            settings=settings,
            once=True,
            new_lock=threading.Lock,
        )
        engine.start()
        while engine.turn():
            pass
        executor.stop()
        state.close()
        assert engine.exit_code == 0, engine.problems()

    return run


def want(net: WantingRemote, offset: int = OFFSET) -> str:
    """Let the server want a piece of the file, for an upload that is open; return the upload's id."""
    file = net.get_file("/kept.txt")
    piece = hashlib.sha256(CONTENT[OFFSET : OFFSET + SIZE]).hexdigest()
    answer = net.request_upload(UploadRequest(path="/piece", size=SIZE, mtime_ms=0, chunks=[ChunkRef(piece, SIZE)]))
    url = answer.chunks[0].url
    assert url is not None
    assert file.version_id is not None
    net.wanted = [Wanted(piece, file.file_id, file.version_id, offset, SIZE, url)]
    return answer.upload_id


def test_a_chunk_that_is_wanted_comes_from_a_file_in_step(
    net: WantingRemote, sync: Callable[[], None], tmp_path: Path
) -> None:
    (tmp_path / "root" / "kept.txt").write_bytes(CONTENT)
    sync()
    before = net.get_file("/kept.txt")
    upload_id = want(net)

    sync()

    assert net.get_file("/kept.txt") == before
    assert net.commit(upload_id).size == SIZE


def test_what_is_not_those_bytes_is_not_sent(net: WantingRemote, sync: Callable[[], None], tmp_path: Path) -> None:
    (tmp_path / "root" / "kept.txt").write_bytes(CONTENT)
    sync()
    upload_id = want(net, OFFSET + 1)

    sync()

    with pytest.raises(ApiError, match="not arrived"):
        net.commit(upload_id)


def test_a_file_that_changed_since_gives_nothing(net: WantingRemote, sync: Callable[[], None], tmp_path: Path) -> None:
    (tmp_path / "root" / "kept.txt").write_bytes(CONTENT)
    sync()
    upload_id = want(net)
    (tmp_path / "root" / "kept.txt").write_bytes(CONTENT + b"and more")

    sync()

    with pytest.raises(ApiError, match="not arrived"):
        net.commit(upload_id)


def test_a_piece_that_ends_before_its_size_is_not_sent(
    net: WantingRemote, sync: Callable[[], None], tmp_path: Path
) -> None:
    """What the server says of the piece's size is not true: it asks for more than the file holds from there on."""
    (tmp_path / "root" / "kept.txt").write_bytes(CONTENT)
    sync()
    want(net)
    (wanted,) = net.wanted
    tail = CONTENT[len(CONTENT) - SIZE :]
    net.wanted = [replace(wanted, offset=len(CONTENT) - SIZE, size=2 * SIZE, sha256=hashlib.sha256(tail).hexdigest())]
    net.sent.clear()

    sync()

    assert net.sent == []
