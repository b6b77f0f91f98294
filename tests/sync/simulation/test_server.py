"""The server of the simulation is the real one: what a device asks comes back as over HTTP, put back or not."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.errors import ApiError, ConflictError, UnreachableError
from client.protocol import ChunkRef, File, UploadRequest
from tests.sim.door import Door
from tests.sim.net import NetFaults, SimNet, SimNetwork, SimTransport
from tests.sim.schedule import Scheduler
from tests.sim.server import PREFIX, SimServer, remove_left, server_of, temporary_folder


@pytest.fixture
def server() -> Iterator[SimServer]:
    """A server with its users."""
    with server_of(1) as server:
        yield server


def net_of(server: SimServer, scheduler: Scheduler, **faults: float) -> SimNet:
    """Return a device's way to it."""
    network = SimNetwork(Door(server), scheduler)
    return SimNet(SimTransport(network, "d0", server.actors["ada"][0], NetFaults(faults), "seed"))


def play(scheduler: Scheduler, *plays: Callable[[], None]) -> None:
    """Run plays to their ends."""
    tasks = [scheduler.spawn("play", None, each) for each in plays]
    scheduler.run(lambda: all(task.is_over for task in tasks), most=100_000)


def upload(net: SimNet, parent: File, name: str, data: bytes) -> File:
    """Send a new file in a bundle."""
    sha256 = hashlib.sha256(data).hexdigest()
    request = UploadRequest(
        parent_id=parent.file_id, name=name, size=len(data), mtime_ms=5, chunks=[ChunkRef(sha256, len(data))]
    )
    opened = net.request_batch([request])
    assert opened.bundle_url is not None
    assert opened.uploads[0].upload_id is not None
    net.put_content(opened.bundle_url, bytes.fromhex(sha256) + len(data).to_bytes(4, "big") + data)
    file = net.commit_batch([opened.uploads[0].upload_id])[0].file
    assert file is not None
    return file


def test_a_file_goes_up_and_comes_down(server: SimServer) -> None:
    scheduler = Scheduler("x")
    net = net_of(server, scheduler)

    def there_and_back() -> None:
        folder = net.make_child(net.sync(None, wait_s=0).changes[0].file.file_id, "A")
        file = upload(net, folder, "f", b"hello")
        into = bytearray(5)
        net.content_of(file.file_id, file.version_id or "", memoryview(into))
        assert bytes(into) == b"hello"
        chunk = net.manifest_of(file.file_id, file.version_id or "").chunks[0]
        net.read_chunk(chunk.url, memoryview(into))
        assert bytes(into) == b"hello"
        assert [version.version_id for version in net.versions_of(file.file_id)] == [file.version_id]
        assert net.find_child(folder.file_id, "f") == file
        with pytest.raises(ConflictError) as refused:
            net.make_child(folder.parent_id or "", "A")
        assert refused.value.code == "name_taken"
        assert refused.value.current is not None
        with pytest.raises(ConflictError):
            net.delete_node(folder.file_id, if_below_seq=folder.seq)
        net.delete_node(folder.file_id, if_below_seq=file.seq)
        assert net.find_by_id(folder.file_id) is None

    play(scheduler, there_and_back)


def test_a_poll_wakes_for_news_and_else_ends_with_its_time(server: SimServer) -> None:
    scheduler, seen = Scheduler("x"), list[tuple[float, int]]()
    network = SimNetwork(Door(server), scheduler)
    one, two = (SimNet(SimTransport(network, f"d{n}", server.actors["ada"][n], NetFaults(), str(n))) for n in range(2))

    def listen() -> None:
        cursor = one.sync(None, wait_s=0).cursor
        for _ in range(2):
            answer = one.sync(cursor, wait_s=50)
            cursor = answer.cursor
            seen.append((scheduler.now_s, len(answer.changes)))

    def act() -> None:
        root = two.sync(None, wait_s=0).changes[0].file
        scheduler.sleep(10)
        two.make_child(root.file_id, "new")

    play(scheduler, listen, act)

    (first_s, changes), (second_s, none) = seen
    assert 10 <= first_s < 11
    assert changes > 0
    assert none == 0
    assert 60 <= second_s < 62


@pytest.mark.parametrize(("fault", "comes_to_pass"), [("request_lost", False), ("reply_lost", True), ("busy", False)])
def test_a_lost_call_leaves_open_what_came_to_pass(server: SimServer, fault: str, comes_to_pass: bool) -> None:  # noqa: FBT001 -- a parameter
    scheduler = Scheduler("x")
    net = net_of(server, scheduler)

    def lose() -> None:
        root = net.sync(None, wait_s=0).changes[0].file
        net.transport.faults.rates[fault] = 1.0
        with pytest.raises(UnreachableError):
            net.make_child(root.file_id, "A")
        net.transport.faults.clear()
        assert (net.find_child(root.file_id, "A") is not None) is comes_to_pass

    play(scheduler, lose)


@pytest.mark.parametrize("whole", [False, True])
def test_a_server_that_was_put_back_is_found_out(server: SimServer, *, whole: bool) -> None:
    scheduler = Scheduler("x")
    net = net_of(server, scheduler)

    def find_out() -> None:
        root = net.sync(None, wait_s=0).changes[0].file
        with temporary_folder() as folder:
            server.copy(folder / "backup")
            net.make_child(root.file_id, "lost")
            cursor = net.sync(None, wait_s=0).cursor
            server.put_back(folder / "backup", whole=whole)
        net.make_child(root.file_id, "another")
        with pytest.raises(ApiError) as refused:
            net.sync(cursor, wait_s=0)
        assert refused.value.code == "cursor_reset"

    play(scheduler, find_out)


def test_ids_follow_from_the_seed() -> None:
    def made(seed: int) -> str:
        with server_of(seed) as server:
            tree = server.cairn.services.tree
            return server.call(tree.make_folder_at(server.actors["ada"][0], "/x", parents=False)).file_id

    assert made(7) == made(7)
    assert made(7) != made(8)


def test_the_folder_of_a_killed_run_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    killed, living, young, other = (tmp_path / name for name in (f"{PREFIX}1", f"{PREFIX}2", f"{PREFIX}3", "other"))
    for folder in (killed, living, young, other):
        (folder / "data").mkdir(parents=True)
        if folder is not young:
            os.utime(folder, (0, 0))
    descriptor = os.open(living, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    remove_left(tmp_path)

    os.close(descriptor)
    assert sorted(tmp_path.iterdir()) == sorted([living, young, other])
