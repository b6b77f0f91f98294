"""The small commands against a real server."""

from pathlib import Path

import pytest

from tests.device import Device
from tests.server import ADMIN, PASSWORD, RunningServer


def put(device: Device, folder: Path, remote: str, content: bytes = b"content") -> None:
    (folder / "to-put").write_bytes(content)
    device.ok("put", folder / "to-put", remote)


def names(device: Device, path: str) -> list[str]:
    return device.ok("ls", path).out.decode().splitlines()


def test_a_login_says_where_and_as_whom_and_names_the_device(server: RunningServer, tmp_path: Path) -> None:
    device = Device(tmp_path / "home")

    result = device.ok(
        "login",
        f"{server.url}/",
        "--user",
        ADMIN,
        "--password-stdin",
        "--device-name",
        "lap top",
        stdin=f"{PASSWORD}\n",
    )

    assert result.out.decode() == f"Logged in at {server.url} as {ADMIN}.\n"
    assert names(device, "/") == []


def test_a_wrong_password_is_refused_with_3_and_keeps_no_login(server: RunningServer, tmp_path: Path) -> None:
    device = Device(tmp_path / "home")

    result = device.run("login", server.url, "--user", ADMIN, "--password-stdin", stdin="wrong\n")

    assert result.code == 3
    assert result.err.startswith("cairn: ")
    assert device.run("ls").code == 3


def test_a_logout_ends_the_token_at_the_server_too(device: Device) -> None:
    kept = (device.home / "login.json").read_bytes()
    device.ok("logout")

    assert device.run("ls").code == 3
    (device.home / "login.json").write_bytes(kept)
    assert device.run("ls").code == 3


def test_ls_lists_folders_first_and_then_by_name(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/b.txt", b"12345")
    device.ok("mkdir", "/z")
    put(device, tmp_path, "/A.txt")

    assert names(device, "/") == ["z/", "A.txt", "b.txt"]
    lines = device.ok("ls", "-l", "/").out.decode().splitlines()
    assert [line[0] for line in lines] == ["d", "-", "-"]
    assert lines[2].split()[1] == "5"


def test_ls_of_a_file_shows_the_file(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/Docs/a.txt")

    assert names(device, "/Docs/a.txt") == ["a.txt"]
    assert device.ok("ls", "--json", "/Docs/a.txt").json[0]["path"] == "/Docs/a.txt"


def test_json_of_an_empty_folder_is_an_empty_list(device: Device) -> None:
    assert device.ok("ls", "--json", "/").json == []


@pytest.mark.parametrize("command", [("ls", "/no"), ("cat", "/no"), ("mv", "/no", "/x"), ("get", "/no", "x")])
def test_what_is_not_there_fails_with_1_and_is_named(device: Device, command: tuple[str, ...]) -> None:
    result = device.run(*command)

    assert result.code == 1
    assert result.err.startswith("cairn: /no: ")


def test_mkdir_makes_parents_only_when_asked_and_takes_no_name_twice(device: Device) -> None:
    assert device.run("mkdir", "/a/b").code == 1
    device.ok("mkdir", "-p", "/a/b")
    device.ok("mkdir", "-p", "/a/b")

    assert device.run("mkdir", "/a/b").code == 4
    assert names(device, "/a") == ["b/"]


def test_mv_renames_and_moves_and_keeps_what_it_is(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/a/old.txt")
    before = device.ok("ls", "--json", "/a/old.txt").json[0]

    moved = device.ok("mv", "/a/old.txt", "/a/new.txt", "--json").json
    device.ok("mkdir", "/b")
    device.ok("mv", "/a/new.txt", "/b")
    device.ok("mv", "/a", "/b/")

    assert moved["file_id"] == before["file_id"]
    assert names(device, "/b") == ["a/", "new.txt"]
    assert device.ok("cat", "/b/new.txt").out == b"content"


def test_mv_replaces_nothing(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/one", b"1")
    put(device, tmp_path, "/two", b"2")

    assert device.run("mv", "/one", "/two").code == 4
    assert (device.ok("cat", "/one").out, device.ok("cat", "/two").out) == (b"1", b"2")


def test_mv_into_a_folder_that_is_not_there_says_so(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/one")

    assert device.run("mv", "/one", "/nowhere/").code == 2
    assert device.run("mv", "/one", "/nowhere/x").code == 1
    assert device.run("mv", "/", "/x").code == 2


def test_cat_writes_content_of_any_size_and_nothing_else(device: Device, tmp_path: Path) -> None:
    for content in (b"", b"small", bytes(range(256)) * 40_000):
        put(device, tmp_path, "/file", content)

        result = device.ok("cat", "/file")

        assert (result.out, result.err) == (content, "")


def test_cat_of_a_folder_is_wrong_use(device: Device) -> None:
    assert device.run("cat", "/").code == 2
