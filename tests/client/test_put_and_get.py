"""Files and folders to a real server and back."""

import os
import pty
import resource
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from client.download import Fetcher
from client.folder import Folder
from client.get import Get
from client.progress import Progress
from client.protocol import File
from client.remote import Remote
from tests.client.conftest import Tree, content_below, noise
from tests.device import Device
from tests.server import RunningServer

MakeTree = Callable[[str, Tree], Path]
MIB = 1024 * 1024

MIXED: Tree = {
    "empty.txt": b"",
    "one.txt": b"1",
    "same.txt": b"1",
    "Ünïcode/日本 語.txt": b"name",
    "deep/er/still/file": b"x" * 5000,
    "just small": noise(256 * 1024, 2),
    "just large": noise(256 * 1024 + 1, 3),
    "several chunks": noise(6 * MIB + 17, 4),
    "appended": noise(40 * MIB, 5),
    "zeros": bytes(30 * MIB),
    "empty folder/": b"",
    "nested/empty/": b"",
}


def test_a_tree_comes_back_equal_with_times_and_executable_bits(
    device: Device, make_tree: MakeTree, tmp_path: Path
) -> None:
    source = make_tree("source", MIXED)
    (source / "one.txt").chmod(0o755)
    os.utime(source / "deep/er/still/file", ns=(0, -1_234_567_000_000))
    os.utime(source / "empty.txt", ns=(0, 0))

    sent = device.ok("put", "-r", source, "/Tree", "--json").json
    device.ok("get", "-r", "/Tree", tmp_path / "back")

    assert content_below(tmp_path / "back") == content_below(source)
    assert sent["files"] == 10
    assert sent["failed"] == 0


def test_links_and_special_files_are_left_out_with_a_note(device: Device, make_tree: MakeTree, tmp_path: Path) -> None:
    source = make_tree("source", {"a": b"a", "sub/b": b"b"})
    (source / "link").symlink_to(source / "a")
    (source / "sub link").symlink_to(source / "sub")
    os.mkfifo(source / "pipe")

    result = device.ok("put", "-r", source, "/Tree")

    assert "Left out 2 symbolic links and 1 special file" in result.err
    device.ok("get", "-r", "/Tree", tmp_path / "back")
    assert sorted(content_below(tmp_path / "back")) == ["a", "sub", "sub/b"]


def test_a_second_put_sends_no_content_and_makes_no_version(device: Device, make_tree: MakeTree) -> None:
    source = make_tree("source", MIXED)
    device.ok("put", "-r", source, "/Tree")
    before = device.ok("ls", "--json", "/Tree").json

    again = device.ok("put", "-r", source, "/Tree", "--json").json

    assert (again["files"], again["sent_bytes"], again["unchanged_files"]) == (0, 0, 10)
    assert device.ok("ls", "--json", "/Tree").json == before


@pytest.mark.parametrize("name", ["one.txt", "several chunks", "appended", "empty.txt"])
def test_a_file_that_was_only_touched_keeps_its_version(device: Device, make_tree: MakeTree, name: str) -> None:
    source = make_tree("source", {name: MIXED[name]})
    device.ok("put", "-r", source, "/Tree")
    (before,) = device.ok("ls", "--json", "/Tree").json
    os.utime(source / name, ns=(0, 1_800_000_000_000_000_000))
    (source / name).chmod(0o755)

    again = device.ok("put", "-r", source, "/Tree", "--json").json

    (after,) = device.ok("ls", "--json", "/Tree").json
    assert again["sent_bytes"] == 0
    assert after["version_id"] == before["version_id"]
    assert (after["mtime_ms"], after["executable"]) == (1_800_000_000_000, True)


def test_an_insertion_into_a_large_file_sends_only_what_is_around_it(device: Device, tmp_path: Path) -> None:
    content = noise(64 * MIB)
    path = tmp_path / "large"
    path.write_bytes(content)
    device.ok("put", path, "/large")
    path.write_bytes(content[: 32 * MIB] + noise(MIB, 9) + content[32 * MIB :])

    sent = device.ok("put", path, "/large", "--json").json

    assert 0 < sent["sent_bytes"] < 8 * MIB
    assert device.ok("cat", "/large").out == path.read_bytes()


def test_content_that_is_known_under_another_name_is_not_sent(device: Device, tmp_path: Path) -> None:
    for name, size in (("small", 1000), ("large", 3 * MIB)):
        (tmp_path / name).write_bytes(noise(size))
        device.ok("put", tmp_path / name, f"/{name}")

        assert device.ok("put", tmp_path / name, f"/{name} again", "--json").json["sent_bytes"] == 0


def test_a_changed_file_becomes_a_new_version(device: Device, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"first", b"second", noise(MIB)):
        path.write_bytes(content)
        device.ok("put", path, "/file")

        assert device.ok("cat", "/file").out == content


def test_many_small_files_fill_several_batches(device: Device, make_tree: MakeTree, tmp_path: Path) -> None:
    source = make_tree("source", {f"{n % 7}/{n}.txt": f"file {n}".encode() * (n % 50) for n in range(2500)})
    (source / "big").write_bytes(noise(200 * 1024))
    for n in range(100):
        (source / f"mid{n}").write_bytes(noise(150 * 1024, n))

    sent = device.ok("put", "-r", source, "/Many", "--json").json

    assert (sent["files"], sent["failed"]) == (2601, 0)
    device.ok("get", "-r", "/Many", tmp_path / "back")
    assert content_below(tmp_path / "back") == content_below(source)


def test_a_second_get_fetches_nothing(device: Device, make_tree: MakeTree, tmp_path: Path) -> None:
    device.ok("put", "-r", make_tree("source", MIXED), "/Tree")
    device.ok("get", "-r", "/Tree", tmp_path / "back")

    again = device.ok("get", "-r", "/Tree", tmp_path / "back", "--json").json

    assert (again["files"], again["received_bytes"], again["unchanged_files"]) == (0, 0, 10)


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_get_leaves_another_file_alone_unless_forced(device: Device, tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(noise(size))
    device.ok("put", tmp_path / "file", "/file")
    here = tmp_path / "here"
    here.write_bytes(b"mine")

    refused = device.run("get", "/file", here)
    assert (refused.code, here.read_bytes()) == (4, b"mine")

    device.ok("get", "--force", "/file", here)
    assert here.read_bytes() == noise(size)


def test_get_of_equal_content_sets_time_and_bit_and_fetches_nothing(device: Device, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(noise(MIB))
    path.chmod(0o755)
    os.utime(path, ns=(0, 1_600_000_000_123_000_000))
    device.ok("put", path, "/file")
    path.chmod(0o644)
    os.utime(path)

    fetched = device.ok("get", "/file", path, "--json").json

    assert fetched["received_bytes"] == 0
    assert path.stat().st_mtime_ns == 1_600_000_000_123_000_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_get_replaces_neither_folder_nor_link(device: Device, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_bytes(b"content")
    device.ok("put", tmp_path / "file", "/Tree/file")
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    back = tmp_path / "back"
    back.mkdir()
    if kind == "folder":
        (back / "file").mkdir()
    else:
        (back / "file").symlink_to(victim)

    result = device.run("get", "-r", "--force", "/Tree", back)

    assert result.code == 4
    assert victim.read_bytes() == b"mine"


def test_get_goes_through_no_link_out_of_its_folder(device: Device, make_tree: MakeTree, tmp_path: Path) -> None:
    device.ok("put", "-r", make_tree("source", {"sub/file": b"content", "other": b"o"}), "/Tree")
    outside = tmp_path / "outside"
    outside.mkdir()
    back = tmp_path / "back"
    back.mkdir()
    (back / "sub").symlink_to(outside)

    result = device.run("get", "-r", "/Tree", back)

    assert result.code == 4
    assert list(outside.iterdir()) == []
    assert (back / "other").read_bytes() == b"o"


def test_a_file_where_the_server_has_a_folder_and_the_reverse_are_conflicts_of_their_own(
    device: Device, make_tree: MakeTree
) -> None:
    device.ok("put", "-r", make_tree("first", {"a/x": b"x", "b": b"b"}), "/Tree")
    source = make_tree("second", {"a": b"file", "b/y": b"y", "c": b"c"})

    result = device.run("put", "-r", source, "/Tree", "--json")

    assert result.code == 4
    assert sorted(failure["path"] for failure in result.json["failures"]) == [f"{source}/a", f"{source}/b"]
    assert device.ok("cat", "/Tree/c").out == b"c"


def test_a_file_that_cannot_be_read_holds_up_no_other(device: Device, make_tree: MakeTree) -> None:
    source = make_tree("source", {"good": b"good"})
    (source / os.fsdecode(b"bad\xff")).write_bytes(b"x")
    (source / "con\ntrol").write_bytes(b"x")

    result = device.run("put", "-r", source, "/Tree", "--json")

    assert result.code == 1
    assert result.err.count("rename it") == 2
    assert sorted(failure["path"] for failure in result.json["failures"]) == [
        f"{source}/bad\\udcff",
        f"{source}/con\ntrol",
    ]
    assert device.ok("cat", "/Tree/good").out == b"good"


def test_a_slash_at_the_end_means_into_that_folder(device: Device, make_tree: MakeTree, tmp_path: Path) -> None:
    source = make_tree("source", {"a": b"a"})
    device.ok("put", source / "a", "/Into/")
    device.ok("put", "-r", source, "/Into/")
    device.ok("put", source / "a", "/Into/source")

    assert [entry["path"] for entry in device.ok("ls", "--json", "/Into").json] == ["/Into/source", "/Into/a"]
    device.ok("get", "/Into/a", f"{tmp_path}/got/")
    device.ok("get", "-r", "/Into/source", f"{tmp_path}/got/")
    assert sorted(content_below(tmp_path / "got")) == ["a", "source", "source/a"]


def test_quiet_says_nothing_and_a_line_sums_up_otherwise(device: Device, make_tree: MakeTree) -> None:
    source = make_tree("source", {"a": b"aaaa"})

    loud = device.ok("put", "-r", source, "/Tree")
    quiet = device.ok("put", "-r", source, "/Tree", "--quiet")

    assert loud.out.decode().startswith("1 file sent, ")
    assert (quiet.out, quiet.err) == (b"", "")


def test_a_disk_that_fills_up_leaves_no_short_file_behind(device: Device, make_tree: MakeTree, tmp_path: Path) -> None:
    device.ok("put", make_tree("source", {"small": noise(200_000)}) / "small", "/small")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (128 * 1024, limits[1]))  # a write past it takes what fits, as on a disk
    try:
        result = device.run("get", "/small", tmp_path / "small")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert result.code == 1
    assert "cannot be written" in result.err
    assert not (tmp_path / "small").exists()
    device.ok("get", "/small", tmp_path / "small")
    assert (tmp_path / "small").read_bytes() == noise(200_000)


def test_a_file_that_another_command_is_fetching_is_left_to_it(
    device: Device, make_tree: MakeTree, tmp_path: Path
) -> None:
    device.ok("put", make_tree("source", {"big": noise(3 * MIB)}) / "big", "/big")
    other = Folder.open(str(tmp_path))
    part, descriptor = other.open_part("big")

    result = device.run("get", "/big", tmp_path / "big")

    assert result.code == 1
    assert "another command is fetching it" in result.err
    assert not (tmp_path / "big").exists()
    assert (tmp_path / part).stat().st_size == 0
    os.close(descriptor)
    device.ok("get", "/big", tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == noise(3 * MIB)


def test_an_edit_while_a_file_is_compared_is_not_given_the_servers_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    progress = Progress(say=print)

    def edited(_fetcher: Fetcher, _file: File, _descriptor: int) -> bool:
        path.write_bytes(b"new")
        return True

    monkeypatch.setattr(Fetcher, "holds", edited)
    file = File("f1", "file", "/file", "file", 3, mtime_ms=1, seq=1)

    Get(Remote("http://localhost"), progress, replace=False).get_file(file, Folder.open(str(tmp_path)), "file")

    assert [failure.code for failure in progress.failures] == ["changed"]
    assert path.stat().st_mtime_ns != 1_000_000


def test_only_the_home_of_the_device_holds_its_state_and_no_note_is_left(
    device: Device, make_tree: MakeTree, server: RunningServer
) -> None:
    device.ok("put", "-r", make_tree("source", MIXED), "/Tree")

    assert sorted(path.name for path in device.home.rglob("*")) == ["install_id", "login.json", "uploads"]


def test_a_terminal_shows_a_bar_with_files_and_bytes(device: Device, make_tree: MakeTree) -> None:
    source = make_tree("source", {"big": noise(30 * MIB), "small": b"small"})
    terminal, theirs = pty.openpty()

    with device.begin("put", "-r", source, "/Tree", stderr=theirs) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_terminal(terminal), b"")).decode()
        os.close(terminal)

    assert process.returncode == 0
    assert " of 2 files" in shown
    assert "/30.0 MiB" in shown


def read_terminal(descriptor: int) -> bytes:
    """Return what came; nothing once the other side is closed, which a terminal tells by an error."""
    with suppress(OSError):
        return os.read(descriptor, 65_536)
    return b""
