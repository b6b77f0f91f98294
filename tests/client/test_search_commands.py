"""Finding, labelling and counting, by command, against a real server."""

from pathlib import Path

from tests.device import Device


def put(device: Device, folder: Path, remote: str, content: bytes) -> None:
    (folder / "to-put").write_bytes(content)
    device.ok("put", folder / "to-put", remote)


def test_search_prints_paths_and_narrows_by_folder(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/a/Čerešňa.txt", b"1")
    put(device, tmp_path, "/b/ceresna 2.txt", b"2")

    assert device.ok("search", "ceresna").out.decode().splitlines() == ["/b/ceresna 2.txt", "/a/Čerešňa.txt"]
    assert device.ok("search", "CERESNA", "--in", "/a").out.decode().splitlines() == ["/a/Čerešňa.txt"]
    assert [file["path"] for file in device.ok("search", "ceresna 2", "--json").json] == ["/b/ceresna 2.txt"]
    assert device.ok("search", "ceresna", "--type", "image/*").out == b""


def test_a_label_is_set_shown_and_taken_away(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/f", b"one")
    version = device.ok("versions", "/f", "--json").json[0]["version_id"]

    device.ok("versions", "/f", "--label", version, "as sent")
    assert device.ok("versions", "/f").out.decode().rstrip().endswith("[as sent]")
    device.ok("versions", "/f", "--label", version, "")

    assert device.ok("versions", "/f", "--json").json[0]["label"] is None


def test_storage_tells_of_the_home_and_of_the_store(device: Device, tmp_path: Path) -> None:
    put(device, tmp_path, "/f", b"x" * 1000)

    told = device.ok("storage").out.decode()
    answer = device.ok("storage", "--json").json

    assert "Home" in told
    assert answer["spaces"][0]["live"] == answer["used"] == 1000
