"""How a file here compares with what the server has, and chunks that the server lost."""

import hashlib
import os

import pytest

from client.protocol import File, Wanted
from client.sync.model import Verdict
from client.sync.operations import Compare
from client.sync.outcome import Done, Stale, Task
from tests.client.conftest import noise
from tests.client.peer import Asked
from tests.sync.send.conftest import Device, Proxied, node_of

MIB = 1024 * 1024


def uploaded(device: Device, name: str, content: bytes) -> File:
    outcome = device.send_large(device.new(name, content))
    assert isinstance(outcome, Done)
    assert outcome.file is not None
    return outcome.file


def compared(device: Device, name: str, file: File, lineage: list[tuple[str, str]] | None = None) -> Verdict:
    node = node_of(file)
    outcome = device.sender.compare(Task(Compare(node=node, entry=device.entry(name)), (name,)), lineage or [])
    assert isinstance(outcome, Done)
    assert outcome.stat == device.entry(name).stat
    assert outcome.sha256 == hashlib.sha256((device.root / name).read_bytes()).hexdigest()
    assert outcome.verdict is not None
    return outcome.verdict


@pytest.mark.parametrize("size", [10, 5 * MIB])
def test_equal_bytes_are_equal_whether_the_hash_is_known_or_not(size: int, device: Device) -> None:
    file = uploaded(device, "a", noise(size, size + 201))
    unknown = File(**{name: getattr(file, name) for name in file.__struct_fields__} | {"sha256": None})

    assert compared(device, "a", file) is Verdict.EQUAL
    assert compared(device, "a", unknown) is Verdict.EQUAL
    device.write("a", noise(size, 202))
    assert compared(device, "a", unknown) is Verdict.UNRELATED
    device.write("a", noise(size, size + 201) + b"x")
    assert compared(device, "a", unknown) is Verdict.UNRELATED


def test_bytes_of_an_earlier_version_are_its_ancestor(device: Device) -> None:
    first = device.put("a", b"first")
    second = device.edit_there(first, "a", b"second")
    device.write("a", b"first")

    assert compared(device, "a", second) is Verdict.ANCESTOR


def test_a_version_that_this_device_had_is_grown_from(device: Device) -> None:
    first = device.put("a", b"first")
    file = device.net.find_by_id(first.id)
    assert file is not None
    device.write("a", b"edited here")

    assert compared(device, "a", file, [(first.version_id or "", "0" * 64)]) is Verdict.DESCENDANT
    assert compared(device, "a", file, [("another", first.sha256 or "")]) is Verdict.DESCENDANT
    assert compared(device, "a", file, [("another", "0" * 64)]) is Verdict.UNRELATED


def test_a_file_that_changes_while_it_is_compared_gives_no_verdict(proxied: Proxied) -> None:
    device = proxied.device
    file = uploaded(device, "a", noise(3 * MIB, 203))
    unknown = File(**{name: getattr(file, name) for name in file.__struct_fields__} | {"sha256": None})
    task = Task(Compare(node=node_of(unknown), entry=device.entry("a")), ("a",))

    def edit(_: Asked) -> None:
        (device.root / "a").write_bytes(b"edited")

    proxied.road.answer = edit

    outcome = device.sender.compare(task, [])

    assert isinstance(outcome, Stale)


def test_a_lost_chunk_is_given_back_only_from_the_state_that_was_in_step(proxied: Proxied) -> None:
    device = proxied.device
    content = noise(100_000, 204)
    device.write("a", content)
    stat = device.entry("a").stat
    part = content[1000:5000]
    wanted = Wanted(hashlib.sha256(part).hexdigest(), "f", "v", 1000, 4000, "/chunks/x")

    proxied.road.refuse_once("PUT", "/chunks/x", 403, "forbidden")
    refused = device.sender.supply(wanted, ("a",), stat)
    os.utime(device.root / "a", (1, 1))
    touched = device.sender.supply(wanted, ("a",), stat)
    device.write("a", content[:1000] + b"x" * 4000 + content[5000:])
    changed = device.sender.supply(wanted, ("a",), stat)
    other_bytes = device.sender.supply(wanted, ("a",), device.entry("a").stat)

    assert (refused, touched, changed, other_bytes) == (False, False, False, False)
    puts = [asked.body for asked in proxied.peer.asked if asked.path == "/chunks/x"]
    assert puts == [part]
