"""Deleting, copying and going back, by command, against a real server."""

from pathlib import Path

import pytest

from tests.device import Device


@pytest.fixture
def tree(device: Device, tmp_path: Path) -> None:
    """/a/one and /a/two hold their names."""
    for name in ("one", "two"):
        put(device, tmp_path, f"/a/{name}", name.encode())


def put(device: Device, folder: Path, remote: str, content: bytes) -> None:
    (folder / "to-put").write_bytes(content)
    device.ok("put", folder / "to-put", remote)


def names(device: Device, path: str) -> list[str]:
    return device.ok("ls", path).out.decode().splitlines()


@pytest.mark.usefixtures("tree")
def test_rm_takes_files_and_with_r_folders_to_the_trash(device: Device) -> None:
    assert device.run("rm", "/a").code == 2
    assert device.run("rm", "/a/one", "/no").code == 1
    assert device.run("rm", "/").code == 2
    assert names(device, "/a") == ["one", "two"]

    told = device.ok("rm", "/a/one", "--json").json
    device.ok("rm", "-r", "/a")

    assert [file["path"] for file in told] == ["/a/one"]
    assert names(device, "/") == []
    lines = [line.split() for line in device.ok("trash").out.decode().splitlines()]
    assert [(size, path) for _, _, _, size, path in lines] == [("3", "/a/"), ("3", "/a/one")]


@pytest.mark.usefixtures("tree")
def test_trash_restores_by_path_and_by_id(device: Device) -> None:
    device.ok("rm", "/a/one")
    device.ok("rm", "/a/two")
    items = device.ok("trash", "list", "--json").json

    by_path = device.ok("trash", "restore", "/a/one")
    by_id = device.ok("trash", "restore", items[0]["trash_id"], "--json").json

    assert by_path.out == b"Restored /a/one.\n"
    assert [file["path"] for file in by_id] == ["/a/two"]
    assert (device.ok("cat", "/a/one").out, names(device, "/a")) == (b"one", ["one", "two"])
    assert device.ok("trash", "--json").json == []


def test_a_path_stands_for_what_was_deleted_there_last(device: Device, tmp_path: Path) -> None:
    for content in (b"early", b"late"):
        put(device, tmp_path, "/f", content)
        device.ok("rm", "/f")

    device.ok("trash", "restore", "/f", "--quiet")
    assert device.ok("trash", "restore", "/f").out == b"Restored /f (2).\n"

    assert (device.ok("cat", "/f").out, device.ok("cat", "/f (2)").out) == (b"late", b"early")


@pytest.mark.usefixtures("tree")
def test_trash_purges_what_is_named_or_all(device: Device) -> None:
    device.ok("rm", "/a/one")
    device.ok("rm", "/a/two")
    device.ok("rm", "-r", "/a")

    device.ok("trash", "purge", "/a/two")
    assert [item["path"] for item in device.ok("trash", "--json").json] == ["/a", "/a/one"]
    assert len(device.ok("trash", "purge", "--all", "--json").json) == 2

    assert device.ok("trash", "--json").json == []
    assert device.run("trash", "restore", "/a").code == 1


@pytest.mark.parametrize(
    "arguments",
    [("restore",), ("purge",), ("list", "/a"), ("restore", "--all"), ("purge", "/a", "--all"), ("--all",), ("empty",)],
)
def test_trash_that_makes_no_sense_is_wrong_use(device: Device, arguments: tuple[str, ...]) -> None:
    assert device.run("trash", *arguments).code == 2


def test_what_the_trash_does_not_hold_fails_with_1_and_is_named(device: Device) -> None:
    for entry in ("/no", "0" * 21, "../files/root"):
        for action in ("restore", "purge"):
            result = device.run("trash", action, entry)
            assert (result.code, result.err.startswith(f"cairn: {entry}: ")) == (1, True), result.err


@pytest.mark.usefixtures("tree")
def test_cp_copies_files_and_with_r_folders(device: Device) -> None:
    copied = device.ok("cp", "/a/one", "/a/three", "--json").json
    device.ok("cp", "-r", "/a", "/b")
    device.ok("cp", "/a/two", "/")

    assert copied["path"] == "/a/three"
    assert names(device, "/b") == ["one", "three", "two"]
    assert names(device, "/") == ["a/", "b/", "two"]
    assert device.ok("cat", "/b/three").out == b"one"


@pytest.mark.usefixtures("tree")
def test_cp_replaces_nothing_and_copies_no_folder_unasked(device: Device) -> None:
    assert device.run("cp", "/a/one", "/a/two").code == 4
    assert device.run("cp", "/a", "/b").code == 2
    assert device.run("cp", "-r", "/a", "/a/b").code == 4
    assert device.run("cp", "/a/one", "/no/").code == 2
    assert device.run("cp", "/no", "/x").code == 1
    assert device.ok("cat", "/a/two").out == b"two"


def test_versions_are_listed_and_restored(device: Device, tmp_path: Path) -> None:
    for content in (b"first", b"second one"):
        put(device, tmp_path, "/f", content)
    lines = [line.split() for line in device.ok("versions", "/f").out.decode().splitlines()]
    items = device.ok("versions", "/f", "--json").json

    device.ok("restore", "/f", lines[1][0])

    assert [(size, who) for _, _, _, size, who in lines] == [("10", "ada"), ("5", "ada")]
    assert [item["version_id"] for item in items] == [line[0] for line in lines]
    assert device.ok("cat", "/f").out == b"first"
    assert len(device.ok("versions", "/f", "--json").json) == 3
    assert device.ok("restore", "/f", lines[0][0], "--json").json["size"] == 10


def test_versions_of_a_folder_and_a_version_that_is_none_are_refused(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/f", b"x")

    assert device.run("versions", "/").code == 2
    assert device.run("restore", "/f", "0" * 21).code == 1
    assert device.run("restore", "/no", "0" * 21).code == 1
