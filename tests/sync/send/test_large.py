"""Large files by chunks: only what is missing goes out, a broken upload is gone on with, one state is sent or none."""

import hashlib
import os
from collections.abc import Callable
from typing import Any

from client.sync.device.disk import DiskFs
from client.sync.model import Path
from client.sync.outcome import Blocked, Done, Prepared, Stale, Task
from client.sync.seams.files import Reading
from tests.client.conftest import noise
from tests.client.peer import Asked, Told
from tests.server import RunningServer
from tests.sync.send.conftest import Device, Make, Proxied, synced_of

MIB = 1024 * 1024


def test_a_large_file_arrives_and_its_whole_hash_is_told(device: Device) -> None:
    content = noise(40 * MIB, 101)

    outcome = device.send_large(device.new("a", content))

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert outcome.sha256 == hashlib.sha256(content).hexdigest()
    assert device.content(outcome.file) == content
    assert len(device.opened) == 1
    traffic = device.meter.snapshot()
    assert (traffic.sent, traffic.transfers) == (len(content), [])


def test_a_file_of_a_few_chunks_is_declared_at_once(proxied: Proxied) -> None:
    outcome = proxied.device.send_large(proxied.device.new("a", noise(3 * MIB, 102)))

    assert isinstance(outcome, Done)
    assert proxied.asked("POST", "/uploadRequest") == 1
    assert not any(asked.path.endswith("/chunks") for asked in proxied.peer.asked)


def test_an_inserted_mebibyte_costs_little(device: Device) -> None:
    content = noise(64 * MIB, 103)
    first = device.send_large(device.new("a", content))
    assert isinstance(first, Done)
    before = device.meter.snapshot().sent
    device.write("a", content[: 20 * MIB] + noise(MIB, 104) + content[20 * MIB :])

    outcome = device.send_large(device.version("a", synced_of(first)))

    assert isinstance(outcome, Done)
    assert device.meter.snapshot().sent - before < 8 * MIB


def test_content_that_is_in_step_is_not_sent(device: Device) -> None:
    for name, size in (("whole", 3 * MIB), ("in parts", 30 * MIB)):
        first = device.send_large(device.new(name, noise(size, size)))
        assert isinstance(first, Done)
        before = device.meter.snapshot().sent
        os.utime(device.root / name, (1, 1))

        outcome = device.send_large(device.version(name, synced_of(first)))

        assert isinstance(outcome, Done)
        assert outcome.file is None
        assert device.meter.snapshot().sent == before


def test_an_upload_that_broke_is_gone_on_with(proxied: Proxied) -> None:
    device, content = proxied.device, noise(48 * MIB, 105)
    task = device.new("a", content)
    proxied.road.answer = after(20)

    broken = device.send_large(task)
    proxied.road.answer = let_pass
    before = device.meter.snapshot().sent
    (noted,) = device.opened
    outcome = device.send_large(Task(task.operation, task.path, resume=noted))

    assert isinstance(broken, Blocked)
    assert (broken.problem.code, broken.all_of) == ("unreachable", "calls")
    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert device.content(outcome.file) == content
    assert device.meter.snapshot().sent - before < len(content) - 10 * MIB
    assert proxied.asked("POST", "/uploadRequest") == 1


def test_an_upload_of_another_name_or_content_is_not_gone_on_with(device: Device) -> None:
    task = device.new("a", noise(20 * MIB, 106))
    prepared = device.sender.upload_large(task, device.opened.append)
    assert isinstance(prepared, Prepared)
    (device.root / "a").rename(device.root / "b")
    moved = device.new("b")

    outcome = device.send_large(Task(moved.operation, moved.path, resume=device.opened[0]))
    device.write("b", noise(20 * MIB, 107))
    assert isinstance(outcome, Done)
    edited = device.version("b", synced_of(outcome))
    second = device.send_large(Task(edited.operation, edited.path, resume=device.opened[-1]))

    assert outcome.file is not None
    assert (outcome.file.name, device.there("a")) == ("b", None)
    assert isinstance(second, Done)
    assert second.file is not None
    assert device.content(second.file) == noise(20 * MIB, 107)


def test_the_server_may_die_while_chunks_are_sent_and_come_back(
    device: Device, server: RunningServer, proxied: Proxied, connect: Make
) -> None:
    content = noise(40 * MIB, 108)
    passed = after(15)

    def answer(asked: Asked) -> Told | None:
        told = passed(asked)
        if told is not None and server.process is not None and not killed:
            killed.append(None)
            server.kill()
            server.start()
        return None

    killed: list[None] = []
    proxied.road.answer = answer
    patient = device.with_net(connect(proxied.peer.url, 15.0))

    task = patient.new("a", content)
    outcome = patient.send_large(task)
    for _ in range(3):  # what was not durable when it died is sent again, in the same upload
        if isinstance(outcome, Stale):
            outcome = patient.send_large(Task(task.operation, task.path, resume=patient.opened[-1]))

    assert killed
    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert device.content(outcome.file) == content


def test_a_server_that_was_killed_before_the_commit_gets_what_it_lost(
    device: Device, server: RunningServer, connect: Make
) -> None:
    patient = device.with_net(connect(server.url, 15.0))
    content = noise(20 * MIB, 109)
    task = patient.new("a", content)
    prepared = patient.sender.upload_large(task, patient.opened.append)
    assert isinstance(prepared, Prepared)
    server.kill()
    server.start()

    (outcome,) = patient.sender.commit([(task, prepared)])
    if isinstance(outcome, Stale):
        outcome_again = patient.send_large(Task(task.operation, task.path, resume=patient.opened[-1]))
        assert isinstance(outcome_again, Done)
        outcome = outcome_again

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert device.content(outcome.file) == content


def test_expired_urls_are_replaced(proxied: Proxied) -> None:
    refused: list[str] = []

    def answer(asked: Asked) -> Told | None:
        if asked.method == "PUT" and len(refused) < 5:
            refused.append(asked.path)
            return Told(403, b'{"code": "url_expired", "status": 403, "title": "expired"}')
        return None

    proxied.road.answer = answer
    content = noise(24 * MIB, 110)

    outcome = proxied.device.send_large(proxied.device.new("a", content))

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert proxied.device.content(outcome.file) == content
    assert len(refused) == 5


def test_a_file_that_changes_while_it_is_sent_is_sent_in_no_state(proxied: Proxied) -> None:
    device = proxied.device
    path = device.root / "a"
    changed: list[None] = []

    def answer(asked: Asked) -> Told | None:
        if asked.method == "PUT" and not changed:
            changed.append(None)
            with path.open("r+b") as file:
                file.seek(5)
                file.write(b"edited meanwhile")
        return None

    proxied.road.answer = answer

    outcome = device.send_large(device.new("a", noise(30 * MIB, 111)))

    assert changed
    assert isinstance(outcome, Stale)
    assert device.there("a") is None
    assert proxied.asked("DELETE", "/api/v1/uploads/") == 1


def test_a_file_that_shrinks_while_it_is_read_is_sent_in_no_state(proxied: Proxied) -> None:
    device = proxied.device
    path = device.root / "a"

    def answer(asked: Asked) -> Told | None:
        if "/uploadRequest" in asked.path:
            os.truncate(path, 18 * MIB)
        return None

    proxied.road.answer = answer

    outcome = device.send_large(device.new("a", noise(60 * MIB, 112)))

    assert isinstance(outcome, Stale)
    assert device.there("a") is None


def test_a_file_that_is_replaced_while_it_is_sent_is_stale(proxied: Proxied) -> None:
    device = proxied.device

    def answer(asked: Asked) -> Told | None:
        if asked.method == "PUT" and (device.root / "new").exists():
            (device.root / "new").replace(device.root / "a")
        return None

    proxied.road.answer = answer
    task = device.new("a", noise(3 * MIB, 113))
    device.write("new", b"other")

    outcome = device.send_large(task)

    assert isinstance(outcome, Stale)
    assert device.there("a") is None


def test_a_large_edit_of_a_version_that_is_past_is_stale(device: Device) -> None:
    base = device.put("a", b"one")
    theirs = device.edit_there(base, "a", b"theirs")
    device.write("a", noise(2 * MIB, 114))

    outcome = device.send_large(device.version("a", base))

    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert outcome.current.version_id == theirs.version_id


def test_the_way_without_a_descriptor_sends_the_same(device: Device) -> None:
    content = noise(20 * MIB, 115)
    task = device.new("a", content)
    outcome = device.on(NoDescriptors(device.fs)).send_large(task)

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert outcome.sha256 == hashlib.sha256(content).hexdigest()
    assert device.content(outcome.file) == content


class NoDescriptors:
    """The disk as a simulation shows it: files that can be read, and have no descriptor."""

    def __init__(self, fs: DiskFs) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def open(self, path: Path) -> "Hidden":
        return Hidden(self._fs.open(path))


class Hidden:
    """An open file without its descriptor."""

    descriptor: int | None = None

    def __init__(self, reading: Reading) -> None:
        self.stat = reading.stat
        self.read = reading.read
        self.close = reading.close


def let_pass(_: Asked) -> Told | None:
    return None


def after(chunks: int) -> Callable[[Asked], Told | None]:
    """Return what loses every chunk after so many."""
    left = [None] * chunks

    def answer(asked: Asked) -> Told | None:
        if asked.method != "PUT":
            return None
        if left:
            left.pop()
            return None
        return Told(lost=True)

    return answer
