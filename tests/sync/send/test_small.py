"""Small files in bundles: what arrives, what is refused, and what is not sent at all."""

import hashlib
import os
import time

import pytest

from client.bundle import SMALL_FILE
from client.sync.operations import Upload
from client.sync.outcome import Blocked, Done, Prepared, Stale, Task
from tests.client.conftest import noise
from tests.server import RunningServer
from tests.sync.send.conftest import Device, Make, Proxied, node_of, synced_of


def test_new_files_arrive_with_content_time_and_executable_bit(device: Device) -> None:
    device.write("run.sh", b"#!/bin/sh")
    (device.root / "run.sh").chmod(0o755)
    tasks = [device.new("a", b"one"), device.new("empty", b""), device.new("run.sh"), device.new("same", b"one")]

    outcomes = device.send(tasks)

    for task, outcome in zip(tasks, outcomes, strict=True):
        assert isinstance(outcome, Done)
        assert outcome.file is not None
        content = (device.root / outcome.file.name).read_bytes()
        assert device.content(outcome.file) == content
        assert outcome.sha256 == hashlib.sha256(content).hexdigest()
        assert task.operation.entry is not None
        assert outcome.stat == task.operation.entry.stat
        assert outcome.file.executable == (outcome.file.name == "run.sh")
        assert outcome.file.mtime_ms == 1_700_000_000_125 or outcome.file.name == "run.sh"


def test_nothing_is_visible_before_the_commit(device: Device) -> None:
    (outcome,) = device.sender.upload_small([device.new("a", b"one")])

    assert isinstance(outcome, Prepared)
    assert device.there("a") is None


def test_a_file_right_after_its_last_change_is_not_sure(device: Device) -> None:
    (fresh,) = device.send([device.new("a", b"one")])
    time.sleep(device.traits.step_ns / 1e9 * 2 + 0.02)  # the clock of the disk must go on
    (rested,) = device.send([device.new("b", b"two")])
    device.write("c", b"three")
    time.sleep(device.traits.step_ns / 1e9 * 2 + 0.02)
    (old,) = device.send([device.new("c")])

    assert isinstance(fresh, Done)
    assert isinstance(rested, Done)
    assert isinstance(old, Done)
    assert (fresh.sure, rested.sure, old.sure) == (False, False, True)


def test_content_that_is_in_step_is_not_sent(device: Device) -> None:
    base = device.put("a", b"one")
    os.utime(device.root / "a", (1, 1))

    (outcome,) = device.send([device.version("a", base)])

    assert isinstance(outcome, Done)
    assert (outcome.file, outcome.sha256) == (None, base.sha256)
    assert len(list(device.net.versions_of(base.id))) == 1


def test_an_edit_becomes_a_version_of_the_same_node_wherever_that_now_is(device: Device) -> None:
    base = device.put("a", b"one")
    device.rename_there(base.id, "renamed")
    device.write("a", b"two")

    (outcome,) = device.send([device.version("a", base)])

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert (outcome.file.file_id, outcome.file.name) == (base.id, "renamed")
    assert device.content(outcome.file) == b"two"


def test_an_edit_whose_base_only_the_lineage_tells_becomes_a_version_too(device: Device) -> None:
    base = device.put("a", b"one")
    there = device.net.find_by_id(base.id)
    assert there is not None
    device.write("a", b"two")
    operation = Upload(
        node=node_of(there),
        entry=device.entry("a"),
        how="version",
        parent_id=base.parent_id,
        name="a",
        base_version=there.version_id,
    )

    (outcome,) = device.send([Task(operation, ("a",))])

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert outcome.file.file_id == base.id


def test_an_edit_of_a_version_that_is_past_is_stale_and_shows_what_is_there(device: Device) -> None:
    base = device.put("a", b"one")
    theirs = device.edit_there(base, "a", b"theirs")
    device.write("a", b"mine")

    (outcome,) = device.send([device.version("a", base)])

    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert outcome.current.version_id == theirs.version_id


def test_an_edit_that_is_overtaken_before_its_commit_is_stale_too(device: Device) -> None:
    base = device.put("a", b"one")
    device.write("a", b"mine")
    task = device.version("a", base)
    (prepared,) = device.sender.upload_small([task])
    assert isinstance(prepared, Prepared)
    theirs = device.edit_there(base, "a", b"theirs")

    (outcome,) = device.sender.commit([(task, prepared)])

    assert isinstance(outcome, Stale)
    assert outcome.current is not None
    assert outcome.current.version_id == theirs.version_id
    assert device.content(outcome.current) == b"theirs"
    assert device.net.find_upload(prepared.upload_id) is None  # what leads nowhere is closed


def test_an_edit_brings_a_file_back_that_was_deleted(device: Device) -> None:
    base = device.put("a", b"one")
    device.net.delete_node(base.id)
    device.write("a", b"two")

    (gone,) = device.send([device.version("a", base)])
    (back,) = device.send([device.version("a", base, how="restore")])

    assert isinstance(gone, Stale)
    assert isinstance(back, Done)
    assert back.file is not None
    assert (back.file.file_id, back.file.deleted) == (base.id, False)
    assert device.content(back.file) == b"two"


def test_one_refusal_holds_up_no_other(device: Device) -> None:
    device.put("taken", b"theirs")
    tasks = [device.new("a", b"1"), device.new("taken", b"mine"), device.new("b", b"2")]
    (device.root / "b").unlink()

    first, taken, gone = device.send(tasks)

    assert isinstance(first, Done)
    assert isinstance(taken, Stale)
    assert taken.current is not None
    assert taken.current.name == "taken"
    assert isinstance(gone, Stale)


def test_a_name_that_the_server_refuses_is_told(device: Device) -> None:
    device.write("a", b"1")
    operation = Upload(entry=device.entry("a"), how="new", parent_id=device.home.file_id, name="a\x01")

    good, bad = device.send([device.new("b", b"2"), Task(operation, ("a",))])

    assert isinstance(good, Done)
    assert isinstance(bad, Blocked)
    assert bad.problem.code == "other"


def test_a_file_that_is_not_what_was_seen_is_not_sent(device: Device) -> None:
    task = device.new("a", b"one")
    (device.root / "a").write_bytes(b"another")
    swapped = device.new("b", b"two")
    (device.root / "b").unlink()
    (device.root / "b").symlink_to(device.root / "a")

    outcomes = device.send([task, swapped])

    assert isinstance(outcomes[0], Stale)
    assert isinstance(outcomes[1], (Stale, Blocked))
    assert list(device.net.list_children(device.home.file_id)) == []


def test_a_bundle_whose_url_has_expired_is_requested_again(proxied: Proxied) -> None:
    proxied.road.refuse_once("PUT", "/bundles/", 403, "url_expired")

    (outcome,) = proxied.device.send([proxied.device.new("a", b"not seen before")])

    assert isinstance(outcome, Done)
    urls = [asked.path for asked in proxied.peer.asked if asked.method == "PUT"]
    assert len(set(urls)) == 2


def test_a_bundle_that_was_spoilt_on_the_way_is_sent_again(proxied: Proxied) -> None:
    proxied.road.refuse_once("PUT", "/bundles/", 400, "chunk_mismatch")

    (outcome,) = proxied.device.send([proxied.device.new("a", b"not seen either")])

    assert isinstance(outcome, Done)


@pytest.mark.parametrize(("code", "expected"), [("quota_exceeded", "quota"), ("storage_full", "server_full")])
def test_a_lack_of_room_blocks_all_uploads(code: str, expected: str, proxied: Proxied) -> None:
    proxied.road.refuse_once("POST", "/uploadRequest", 507, code)

    (outcome,) = proxied.device.send([proxied.device.new("a", b"one")])

    assert isinstance(outcome, Blocked)
    assert (outcome.problem.code, outcome.problem.path, outcome.all_of) == (expected, "a", "uploads")


def test_a_commit_whose_answer_is_lost_is_repeated_and_makes_one_version(proxied: Proxied) -> None:
    proxied.road.lose(2, "POST", "/uploads/commit")

    (outcome,) = proxied.device.send([proxied.device.new("a", b"one")])

    assert isinstance(outcome, Done)
    assert outcome.file is not None
    assert proxied.asked("POST", "/uploads/commit") == 3
    assert len(list(proxied.device.net.versions_of(outcome.file.file_id))) == 1


def test_a_server_that_was_killed_between_content_and_commit_gets_all_again(
    device: Device, server: RunningServer, connect: Make
) -> None:
    patient = device.with_net(connect(server.url, 10.0))
    tasks = [device.new(f"{number}", noise(20_000, number)) for number in range(20)]
    prepared = patient.sender.upload_small(tasks)
    ready = [(task, each) for task, each in zip(tasks, prepared, strict=True) if isinstance(each, Prepared)]
    server.kill()
    server.start()

    outcomes = patient.sender.commit(ready)
    assert all(isinstance(outcome, (Done, Stale)) for outcome in outcomes)
    lost = [task for task, outcome in zip(tasks, outcomes, strict=True) if isinstance(outcome, Stale)]
    again = patient.send(lost) if lost else []

    assert all(isinstance(outcome, Done) for outcome in again)
    assert len(ready) == 20
    files = list(device.net.list_children(device.home.file_id))
    assert {file.name: device.content(file) for file in files} == {
        str(number): noise(20_000, number) for number in range(20)
    }


def test_a_server_that_cannot_be_reached_blocks_all_calls(device: Device, server: RunningServer, connect: Make) -> None:
    net = connect(server.url, 0.05)
    task = device.new("a", b"one")
    ready = device.sender.upload_small([task])[0]
    assert isinstance(ready, Prepared)
    server.kill()

    (upload,) = device.with_net(net).send([task])
    (commit,) = device.with_net(net).sender.commit([(task, ready)])

    assert isinstance(upload, Blocked)
    assert (upload.problem.code, upload.all_of) == ("unreachable", "calls")
    assert isinstance(commit, Blocked)  # nothing of it went out


def test_many_small_files_take_few_calls(proxied: Proxied) -> None:
    device = proxied.device
    tasks = [device.new(f"{number:04}", noise(4096, number)) for number in range(1000)]

    outcomes = device.send(tasks)

    assert all(isinstance(outcome, Done) for outcome in outcomes)
    calls = [asked.path.partition("?")[0].split("/")[1:4] for asked in proxied.peer.asked]
    assert [call[0] if call[0] == "bundles" else call[2] for call in calls] == ["uploadRequest", "bundles", "uploads"]
    assert device.meter.snapshot().sent >= 1000 * 4096
    assert device.meter.snapshot().transfers == []


def test_a_file_of_the_largest_small_size_fits(device: Device) -> None:
    (outcome,) = device.send([device.new("a", noise(SMALL_FILE))])

    assert isinstance(outcome, Done)
    assert synced_of(outcome).sha256 == hashlib.sha256(noise(SMALL_FILE)).hexdigest()


def test_where_the_disk_keeps_no_executable_bit_that_of_the_node_stays(device: Device) -> None:
    device.write("run.sh", b"one")
    (device.root / "run.sh").chmod(0o755)
    (first,) = device.send([device.new("run.sh")])
    assert isinstance(first, Done)
    device.write("run.sh", b"two")
    (device.root / "run.sh").chmod(0o644)
    device.write("new", b"three")
    (device.root / "new").chmod(0o755)

    version, new = device.like(keeps_bits=False).send([device.version("run.sh", synced_of(first)), device.new("new")])

    assert isinstance(version, Done)
    assert isinstance(new, Done)
    assert version.file is not None
    assert new.file is not None
    assert (version.file.executable, new.file.executable) == (True, False)
