"""The commands that ask the server: what may be left out, and what a first sync makes there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from client.sync.device.roots import Root, Roots
from client.sync.settings import Settings
from tests.device import Device
from tests.server import ADMIN, RunningServer


@pytest.fixture
def device(home: Path, server: RunningServer) -> Device:
    """A device that is logged in at the server, where nothing is but what earlier tests of this module made."""
    return Device(home).login(server)


@pytest.fixture
def root(device: Device, roots: Roots, server: RunningServer, tmp_path: Path) -> Root:
    """A folder that stands for a folder of its own at the server, with folders in it."""
    top = f"/{tmp_path.name}"
    for name in ("Photos/2019", "Music"):
        device.ok("mkdir", "-p", f"{top}/{name}")
    node = next(each for each in device.ok("ls", "--json", "/").json if each["path"] == top)
    (tmp_path / "folder").mkdir()
    settings = Settings(
        root="",
        remote=top,
        server=server.url,
        username=ADMIN,
        device_id="d",
        device_name="n",
        remote_id=node["file_id"],
    )
    return roots.add(tmp_path / "folder", settings)


def test_a_folder_is_left_out_by_its_id_listed_by_its_path_and_taken_again(device: Device, root: Root) -> None:
    top = root.settings.remote
    device.ok("select", "leave", f"{top}/Photos/2019", f"{top}/Music")
    device.ok("mv", f"{top}/Photos", f"{top}/Pictures")

    assert len(root.settings.excluded) == 2
    assert device.ok("select").out.decode().splitlines() == [f"{top}/Pictures/2019", f"{top}/Music"]
    device.ok("select", root.folder, "take", f"{top}/Pictures/2019")
    assert [each["path"] for each in device.ok("select", "--json").json] == [f"{top}/Music"]
    device.ok("rm", "-r", f"{top}/Music")
    assert "not at the server any more" in device.ok("select").out.decode()


def test_only_folders_below_the_one_that_is_synced_can_be_left_out(device: Device, root: Root, tmp_path: Path) -> None:
    top = root.settings.remote
    (tmp_path / "file").write_bytes(b"content")
    device.ok("put", tmp_path / "file", f"{top}/file")
    device.ok("mkdir", f"{top} elsewhere")
    device.ok("mv", top, f"{top} moved")
    device.ok("select", "leave", f"{top} moved/Photos")

    for wrong in ("/", f"{top} moved", f"{top} elsewhere", f"{top} moved/file", "no/path"):
        assert device.run("select", "leave", wrong).code == 2, wrong
    assert device.run("select", "leave", f"{top} moved/nothing").code == 1
    assert device.run("select", "take", f"{top} moved/Music").code == 2
    assert len(root.settings.excluded) == 1


def test_a_root_of_another_account_or_folder_is_refused_with_what_to_do(
    device: Device, root: Root, roots: Roots, add_root: Callable[..., Root]
) -> None:
    other = add_root("other", server="http://127.0.0.1:1")

    for command in (("sync", other.folder), ("select", other.folder, "leave", "/x")):
        result = device.run(*command)
        assert result.code == 2
        assert "--forget" in result.err
    moved = device.run("sync", root.folder, "--remote", "/another")
    assert moved.code == 2
    assert f"is in step with {root.settings.remote}" in moved.err
    assert len(roots.list()) == 2


def test_a_first_sync_that_is_refused_makes_nothing_on_either_side(
    device: Device, roots: Roots, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"content")
    device.ok("put", tmp_path / "file", f"/{tmp_path.name}-file")
    (tmp_path / "here").mkdir()

    assert device.run("sync", tmp_path / "here", "--remote", f"/{tmp_path.name}-file").code == 2
    assert device.run("sync", tmp_path / "not-there", "--remote", "/not-there").code == 2
    assert device.run("sync", tmp_path / "file", "--remote", "/not-there").code == 2
    assert device.run("sync", tmp_path / "here", "--remote", "not-there").code == 2
    assert roots.list() == []
    assert list((tmp_path / "here").iterdir()) == []
    assert device.run("ls", "/not-there").code == 1


def test_out_of_reach_a_first_sync_ends_with_5(home: Path, tmp_path: Path, roots: Roots) -> None:
    gone = RunningServer(tmp_path / "gone").start()
    device = Device(home).login(gone)
    gone.close()
    (tmp_path / "here").mkdir()

    assert device.run("sync", tmp_path / "here", "--once").code == 5
    assert roots.list() == []


def test_devices_that_begin_at_once_share_the_folder_that_one_of_them_makes(
    server: RunningServer, tmp_path: Path
) -> None:
    devices = [Device(tmp_path / f"home-{number}").login(server) for number in range(4)]
    folders = [tmp_path / f"folder-{number}" for number in range(4)]
    for folder in folders:
        folder.mkdir()
    together = Barrier(len(devices))

    def begin(device: Device, folder: Path) -> None:
        together.wait()
        device.ok("sync", folder, "--remote", "/Begun at once", "--once")

    with ThreadPoolExecutor(len(devices)) as pool:
        list(pool.map(begin, devices, folders))

    assert [node["name"] for node in devices[0].ok("ls", "--json", "/").json].count("Begun at once") == 1
