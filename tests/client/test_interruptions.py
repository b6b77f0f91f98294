"""What happens between device and server when either ends, replies get lost, URLs expire and bytes are spoilt.

A peer stands between the two and hands requests on; a test tells it when to do something else.
"""

import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.client.conftest import content_below, noise
from tests.client.peer import Asked, Peer, Told, forward, running
from tests.device import Device
from tests.server import RunningServer

MIB = 1024 * 1024
BIG = noise(32 * MIB)
Hook = Callable[[Asked], Told | None]


class Way:
    """The way between a device and the server; `hook` may answer in the server's place."""

    def __init__(self, device: Device, server: RunningServer, peer: Peer) -> None:
        self.device = device
        self.server = server
        self.peer = peer
        self.hook: Hook = lambda _: None

    def on(self, asked: Asked) -> Told:
        told = self.hook(asked)
        return forward(asked, self.server.port) if told is None else told

    def asked(self, method: str, part: str) -> list[Asked]:
        return [asked for asked in self.peer.asked if asked.method == method and part in asked.path]


@pytest.fixture
def way(server: RunningServer, tmp_path: Path) -> Iterator[Way]:
    """A device that is logged in at the server through a peer."""
    with ExitStack() as stack:
        made: list[Way] = []
        peer = stack.enter_context(running(lambda asked: made[0].on(asked) if made else forward(asked, server.port)))
        device = Device(tmp_path / "home")
        made.append(Way(device, server, peer))
        device.ok("login", peer.url, "--user", "ada", "--password-stdin", stdin="violet-harbour-kettle-42\n")
        yield made[0]


class Stall:
    """A hook that holds up every request that fits, from the n-th on, until it is released."""

    def __init__(self, method: str, part: str, after: int) -> None:
        self._method, self._part, self._left = method, part, after
        self._lock = threading.Lock()
        self._reached = threading.Event()
        self._released = threading.Event()

    def __call__(self, asked: Asked) -> Told | None:
        if asked.method != self._method or self._part not in asked.path:
            return None
        with self._lock:
            self._left -= 1
            pass_on = self._left >= 0
        if not pass_on:
            self._reached.set()
            self._released.wait(60)
            return Told(lost=True)
        return None

    def kill_there(self, process: "subprocess.Popen[bytes]", with_signal: int = signal.SIGKILL) -> tuple[bytes, bytes]:
        """Wait until requests stall, and end the process there."""
        assert self._reached.wait(60)
        process.send_signal(with_signal)
        if with_signal != signal.SIGKILL:
            self._released.set()
        written = process.communicate(timeout=60)
        self._released.set()
        return written


def first_times(method: str, part: str, count: int, told: Callable[[Asked], Told | None]) -> Hook:
    """Make a hook that does something else for the first `count` requests that fit."""
    left = [count]
    lock = threading.Lock()

    def hook(asked: Asked) -> Told | None:
        if asked.method != method or part not in asked.path:
            return None
        with lock:
            left[0] -= 1
            mine = left[0] >= 0
        return told(asked) if mine else None

    return hook


def put_big(way: Way, folder: Path) -> Path:
    path = folder / "big"
    path.write_bytes(BIG)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    way.device.ok("put", path, "/big")
    way.peer.asked.clear()
    return path


def test_put_goes_on_where_a_killed_one_was(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    way.hook = stall = Stall("PUT", "/chunks/", after=12)
    stall.kill_there(way.device.begin("put", path, "/big"))
    way.hook = lambda _: None

    sent = way.device.ok("put", path, "/big", "--json").json

    assert sent["sent_bytes"] < 26 * MIB
    assert len(way.asked("POST", "/api/v1/uploadRequest")) == 1
    assert way.device.ok("cat", "/big").out == BIG


def test_put_of_a_file_that_changed_since_the_kill_begins_anew(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    way.hook = stall = Stall("PUT", "/chunks/", after=12)
    stall.kill_there(way.device.begin("put", path, "/big"))
    way.hook = lambda _: None
    path.write_bytes(BIG[MIB:])

    way.device.ok("put", path, "/big")

    assert len(way.asked("POST", "/api/v1/uploadRequest")) == 2
    assert way.device.ok("cat", "/big").out == BIG[MIB:]


def test_put_begins_anew_where_the_server_knows_the_upload_no_more(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    way.hook = stall = Stall("PUT", "/chunks/", after=12)
    stall.kill_there(way.device.begin("put", path, "/big"))
    way.hook = first_times("GET", "/api/v1/uploads/", 1, lambda _: Told(404, b'{"code": "not_found"}'))

    way.device.ok("put", path, "/big")

    assert way.device.ok("cat", "/big").out == BIG


def test_an_interrupt_ends_a_put_soon_and_the_next_goes_on(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    way.hook = stall = Stall("PUT", "/chunks/", after=12)

    process = way.device.begin("put", path, "/big")
    _, said = stall.kill_there(process, signal.SIGINT)

    assert process.returncode == 1
    assert said.decode().endswith("cairn: Stopped. The same command goes on where this one was.\n")
    way.hook = lambda _: None
    assert way.device.ok("put", path, "/big", "--json").json["sent_bytes"] < 26 * MIB


def test_a_killed_put_of_a_tree_leaves_no_upload_open_after_the_next(way: Way, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for n in range(50):
        (source / f"{n}.txt").write_text(f"file {n}")
    way.hook = stall = Stall("PUT", "/bundles/", after=0)
    stall.kill_there(way.device.begin("put", "-r", source, "/Tree"))
    way.hook = lambda _: None

    sent = way.device.ok("put", "-r", source, "/Tree", "--json").json

    assert sent["files"] == 50
    assert len(way.asked("DELETE", "/api/v1/uploads/")) == 50
    assert list((way.device.home / "uploads").iterdir()) == []


@pytest.mark.parametrize("point", ["/chunks?", "/chunks/", "/commit"])
def test_put_outlives_a_crash_of_the_server(way: Way, tmp_path: Path, point: str) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)

    def crash(_: Asked) -> None:
        way.server.kill()
        way.server.start()

    method = "PUT" if point == "/chunks/" else "POST"
    seen = Counter[str]()

    def hook(asked: Asked) -> Told | None:
        if asked.method == method and point.rstrip("?") in asked.path:
            seen[point] += 1
            if seen[point] == (12 if method == "PUT" else 1):
                crash(asked)
        return None

    way.hook = hook
    way.device.ok("put", path, "/big")

    assert seen[point]
    way.hook = lambda _: None
    assert way.device.ok("cat", "/big").out == BIG


@pytest.mark.parametrize("point", ["/bundles/", "/api/v1/uploads/commit"])
def test_put_of_small_files_outlives_a_crash_of_the_server(way: Way, tmp_path: Path, point: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for n in range(300):
        (source / f"{n}.txt").write_bytes(noise(3000, n))

    def crash(_: Asked) -> None:
        way.server.kill()
        way.server.start()

    way.hook = first_times("PUT" if "bundles" in point else "POST", point, 1, crash)
    way.device.ok("put", "-r", source, "/Tree")

    way.device.ok("get", "-r", "/Tree", tmp_path / "back")
    assert content_below(tmp_path / "back") == content_below(source)


@pytest.mark.parametrize(
    ("method", "part"),
    [("POST", "/uploadRequest"), ("POST", "/chunks"), ("PUT", "/chunks/"), ("PUT", "/bundles/"), ("POST", "/commit")],
)
def test_a_reply_that_gets_lost_changes_nothing(way: Way, tmp_path: Path, method: str, part: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "big").write_bytes(BIG[: 25 * MIB])
    for n in range(20):
        (source / f"{n}.txt").write_text(f"file {n}")

    def lose(asked: Asked) -> Told:
        forward(asked, way.server.port)
        return Told(lost=True)

    way.hook = first_times(method, part, 2, lose)
    sent = way.device.ok("put", "-r", source, "/Tree", "--json").json

    assert (sent["files"], sent["failed"]) == (21, 0)
    way.device.ok("get", "-r", "/Tree", tmp_path / "back")
    assert content_below(tmp_path / "back") == content_below(source)


@pytest.mark.parametrize("code", ["url_expired", "bad_signature"])
def test_put_asks_for_fresh_urls_when_they_expire(way: Way, tmp_path: Path, code: str) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    refused = Told(403, json.dumps({"code": code}).encode())

    way.hook = first_times("PUT", "/chunks/", 10, lambda _: refused)
    way.device.ok("put", path, "/big")

    assert way.device.ok("cat", "/big").out == BIG


def test_a_bundle_whose_url_expires_is_asked_for_again(way: Way, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"small")

    way.hook = first_times("PUT", "/bundles/", 1, lambda _: Told(403, b'{"code": "url_expired"}'))
    way.device.ok("put", tmp_path / "small", "/small")

    assert way.device.ok("cat", "/small").out == b"small"


@pytest.mark.parametrize("part", ["/chunks/", "/bundles/"])
def test_bytes_spoilt_on_the_way_up_are_sent_again(way: Way, tmp_path: Path, part: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG[: MIB if part == "/chunks/" else 1000])

    def spoil(asked: Asked) -> Told:
        body = bytearray(asked.body)
        body[-1] ^= 1
        return forward(replace(asked, body=bytes(body)), way.server.port)

    way.hook = first_times("PUT", part, 1, spoil)
    way.device.ok("put", path, "/file")

    assert way.device.ok("cat", "/file").out == path.read_bytes()


def test_a_file_that_changes_while_it_is_sent_becomes_no_version(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(BIG)

    def change(_: Asked) -> None:
        with path.open("r+b") as file:
            file.seek(30 * MIB)
            file.write(b"changed")

    way.hook = first_times("PUT", "/chunks/", 1, change)
    result = way.device.run("put", path, "/big")

    assert result.code == 1
    assert "changed while it was" in result.err
    assert way.device.ok("ls", "--json", "/").json == []
    assert list((way.device.home / "uploads").iterdir()) == []


def test_a_version_made_elsewhere_meanwhile_is_a_conflict_and_survives(way: Way, tmp_path: Path) -> None:
    path = put_big(way, tmp_path)
    other = tmp_path / "other"
    other.write_bytes(b"made elsewhere")
    path.write_bytes(BIG[5 * MIB :])
    second = Device(tmp_path / "second").login(way.server)

    def make_version(_: Asked) -> None:
        second.ok("put", other, "/big")

    way.hook = first_times("POST", "/commit", 1, make_version)
    result = way.device.run("put", path, "/big")

    assert result.code == 4
    assert way.device.ok("cat", "/big").out == b"made elsewhere"
    way.device.ok("put", path, "/big")
    assert way.device.ok("cat", "/big").out == BIG[5 * MIB :]


def test_get_goes_on_where_a_killed_one_was(way: Way, tmp_path: Path) -> None:
    put_big(way, tmp_path)
    way.hook = stall = Stall("GET", "/chunks/", after=12)
    stall.kill_there(way.device.begin("get", "/big", tmp_path / "back"))
    way.hook = lambda _: None
    assert not (tmp_path / "back").exists()

    got = way.device.ok("get", "/big", tmp_path / "back", "--json").json

    assert got["received_bytes"] < 26 * MIB
    assert (tmp_path / "back").read_bytes() == BIG
    assert [path.name for path in tmp_path.glob(".cairn-part-*")] == []


def test_get_keeps_nothing_of_a_partial_file_that_does_not_fit(way: Way, tmp_path: Path) -> None:
    put_big(way, tmp_path)
    way.hook = stall = Stall("GET", "/chunks/", after=12)
    stall.kill_there(way.device.begin("get", "/big", tmp_path / "back"))
    way.hook = lambda _: None
    (part,) = tmp_path.glob(".cairn-part-*")
    part.write_bytes(bytes(40 * MIB))

    way.device.ok("get", "/big", tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == BIG


def test_get_outlives_a_crash_of_the_server_and_expired_urls(way: Way, tmp_path: Path) -> None:
    put_big(way, tmp_path)
    seen = Counter[str]()

    def hook(asked: Asked) -> Told | None:
        if "/chunks/" not in asked.path:
            return None
        seen["chunk"] += 1
        if seen["chunk"] == 15:
            way.server.kill()
            way.server.start()
        return Told(403, b'{"code": "url_expired"}') if seen["chunk"] < 10 else None

    way.hook = hook
    way.device.ok("get", "/big", tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == BIG


def spoilt(answer: Told) -> Told:
    """Change the last byte of the last content."""
    body = bytearray(answer.body)
    body[-37] ^= 1
    return replace(answer, body=bytes(body))


NO_BUNDLES: dict[str, tuple[Callable[[Told], Told], int]] = {
    "an older server": (lambda _: Told(404, b'{"code": "not_found", "status": 404}'), 12),
    "another method": (lambda _: Told(405, b'{"code": "method_not_allowed", "status": 405}'), 12),
    "no bundle": (lambda _: Told(200, b"<html>"), 12),
    "a wrong byte": (spoilt, 1),
}


@pytest.mark.parametrize("kind", NO_BUNDLES)
def test_small_files_that_come_in_no_bundle_come_alone(
    way: Way, make_tree: Callable[[str, dict[str, bytes]], Path], tmp_path: Path, kind: str
) -> None:
    change, alone = NO_BUNDLES[kind]
    source = make_tree("source", {f"f{number}": noise(1000 + number, number) for number in range(12)})
    way.device.ok("put", "-r", source, "/Tree")

    way.device.ok("get", "-r", "/Tree", tmp_path / "back")
    assert (len(way.asked("POST", "/downloadBundle")), len(way.asked("GET", "/content"))) == (1, 0)

    way.hook = lambda asked: change(forward(asked, way.server.port)) if asked.path.endswith("/downloadBundle") else None
    way.device.ok("get", "-r", "/Tree", tmp_path / "again")

    assert content_below(tmp_path / "back") == content_below(tmp_path / "again") == content_below(source)
    assert len(way.asked("GET", "/content")) == alone


@pytest.mark.parametrize(("size", "part"), [(10_000, "/content"), (3 * MIB, "/chunks/")])
def test_bytes_spoilt_on_the_way_down_are_fetched_again_and_never_kept(
    way: Way, tmp_path: Path, size: int, part: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG[:size])
    way.device.ok("put", path, "/file")

    def spoil(asked: Asked) -> Told:
        told = forward(asked, way.server.port)
        return replace(told, body=told.body[:-1] + bytes([told.body[-1] ^ 1]))

    way.hook = first_times("GET", part, 1, spoil)
    way.device.ok("get", "/file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == BIG[:size]

    way.hook = lambda asked: spoil(asked) if part in asked.path else None
    result = way.device.run("get", "/file", tmp_path / "again")
    assert result.code == 1
    assert "other bytes than it announces" in result.err
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("name", ["../evil", "..", "/etc/evil", "a/b", "nul\x00", "esc\x1b[2J", "x" * 300])
def test_a_hostile_name_in_a_listing_is_never_written(way: Way, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"content")
    way.device.ok("put", tmp_path / "file", "/Tree/file")

    def rename(asked: Asked) -> Told:
        told = forward(asked, way.server.port)
        page = json.loads(told.body)
        good = dict(page["items"][0], name="good")
        page["items"][0]["name"] = name
        page["items"] += [dict(page["items"][0], kind="folder"), good]
        return replace(told, body=json.dumps(page).encode())

    back = tmp_path / "deep" / "back"
    way.hook = lambda asked: rename(asked) if "/children" in asked.path else None
    result = way.device.run("get", "-r", "/Tree", back)

    assert result.code == 1
    assert [path.name for path in (tmp_path / "deep").rglob("*")] == ["back", "good"]


@pytest.mark.parametrize("change", [{"offset": 5}, {"size": 9 * MIB}, {"size": 0}])
def test_a_chunk_list_that_contradicts_itself_is_not_followed(way: Way, tmp_path: Path, change: dict[str, int]) -> None:
    put_big(way, tmp_path)

    def twist(asked: Asked) -> Told:
        told = forward(asked, way.server.port)
        manifest = json.loads(told.body)
        manifest["chunks"][1] |= change
        return replace(told, body=json.dumps(manifest).encode())

    way.hook = lambda asked: twist(asked) if "/api/v1/download" in asked.path else None
    result = way.device.run("get", "/big", tmp_path / "back")

    assert result.code == 1
    assert "contradicts itself" in result.err
    assert not (tmp_path / "back").exists()
