"""The registry of roots: what may be one, what is kept for each, and who holds it."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from client.errors import ClientError, LocalFileError, UsageError
from client.sync.device.places import is_within
from client.sync.device.roots import Root, Roots
from tests.sync.commands.conftest import settings_for

AddRoot = Callable[..., Root]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_root_is_found_by_its_folder_whatever_link_leads_there(
    roots: Roots, add_root: AddRoot, tmp_path: Path
) -> None:
    root = add_root()
    (tmp_path / "link").symlink_to(tmp_path / "folder")

    for way in (tmp_path / "folder", tmp_path / "link", tmp_path / "link" / ".." / "folder"):
        found = roots.find(way)
        assert found is not None
        assert found.id == root.id
    assert roots.find(tmp_path) is None
    (tmp_path / "folder" / "deep").mkdir()
    around = roots.find_around(tmp_path / "link" / "deep" / "file")
    assert around is not None
    assert around.id == root.id


def test_what_is_kept_is_for_its_user_alone(add_root: AddRoot, home: Path) -> None:
    root = add_root()

    assert [mode(path) for path in (home, home / "roots", root.state, root.folder / ".cairn")] == [0o700] * 4
    assert mode(root.state / "settings.json") == 0o600
    with root.hold():
        assert mode(root.lock) == mode(root.folder / ".cairn" / "lock") == 0o600


def test_settings_grow_in_number_with_each_change_and_leave_no_temporary_file(add_root: AddRoot) -> None:
    root = add_root()
    root.change(lambda now: msgspec.structs.replace(now, paused=True))
    root.change(lambda now: msgspec.structs.replace(now, ignore=["*.iso"]))

    settings = root.settings
    assert (settings.number, settings.paused, settings.ignore) == (2, True, ["*.iso"])
    assert sorted(path.name for path in root.state.iterdir()) == ["settings.json", "settings.lock"]


def test_changes_of_settings_at_the_same_time_all_count(add_root: AddRoot) -> None:
    root = add_root()

    def add(pattern: str) -> None:
        root.change(lambda now: msgspec.structs.replace(now, ignore=[*now.ignore, pattern]))

    threads = [threading.Thread(target=add, args=(f"{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(root.settings.ignore, key=int) == [f"{n}" for n in range(20)]
    assert root.settings.number == 20


def test_damaged_settings_are_told_and_never_taken_for_none(add_root: AddRoot, roots: Roots) -> None:
    root = add_root()
    (root.state / "settings.json").write_bytes(b'{"root": "/')

    with pytest.raises(LocalFileError, match="cannot be read as settings"):
        roots.list()


def test_a_root_is_held_by_one_process_at_a_time(add_root: AddRoot, roots: Roots) -> None:
    root = add_root()

    with root.hold():
        held = root.is_held
        with pytest.raises(LocalFileError, match="already by another process"), root.hold():
            pass
        with pytest.raises(LocalFileError, match="stop it first"):
            roots.remove(root.id)
    assert (held, root.is_held) == (True, False)
    with root.hold():
        pass


def test_a_folder_is_held_by_one_home_at_a_time(add_root: AddRoot, tmp_path: Path) -> None:
    root = add_root()
    other = Roots(tmp_path / "other-home", tmp_path / "person").add(root.folder, settings_for())

    with root.hold(), pytest.raises(LocalFileError, match="another CAIRN_HOME"), other.hold():
        pass


def test_a_folder_whose_disk_is_not_mounted_is_not_held_and_nothing_is_made_there(add_root: AddRoot) -> None:
    root = add_root()
    folder = root.folder
    folder.rename(folder.with_name("elsewhere"))

    with pytest.raises(LocalFileError, match="Is its disk mounted"), root.hold():
        pass
    folder.mkdir()
    with pytest.raises(LocalFileError, match=r"has no \.cairn"), root.hold():
        pass
    assert list(folder.iterdir()) == []


def test_a_link_in_place_of_the_private_folder_is_not_followed(add_root: AddRoot, tmp_path: Path) -> None:
    root = add_root()
    outside = tmp_path / "outside"
    outside.mkdir()
    (root.folder / ".cairn").rmdir()
    (root.folder / ".cairn").symlink_to(outside)

    with pytest.raises(LocalFileError, match="no folder of ours"), root.hold():
        pass
    assert list(outside.iterdir()) == []


def test_a_removed_root_leaves_its_files_and_may_be_made_anew(add_root: AddRoot, roots: Roots) -> None:
    root = add_root()
    (root.folder / "file").write_bytes(b"content")
    (root.folder / ".cairn" / "root").write_bytes(b"{}")
    (root.folder / "in").mkdir()
    folder = root.folder

    roots.remove(root.id)

    assert roots.list() == []
    assert not root.state.exists()
    assert (folder / "file").read_bytes() == b"content"
    assert roots.add(folder, settings_for()).id != root.id
    roots.remove(roots.list()[0].id)
    assert roots.add(folder / "in", settings_for()).folder == folder / "in"


def test_of_those_who_make_one_folder_a_root_at_the_same_time_one_does(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    refused: list[UsageError] = []

    def add() -> None:
        try:
            roots.add(tmp_path / "folder", settings_for())
        except UsageError as error:
            refused.append(error)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(roots.list()), len(refused)) == (1, 7)


def refuse_root_of_all(tmp_path: Path) -> Path:
    return Path("/")


def refuse_home_of_the_person(tmp_path: Path) -> Path:
    (tmp_path / "person").mkdir()
    (tmp_path / "to-home").symlink_to(tmp_path / "person")
    return tmp_path / "to-home"


def refuse_folder_in_a_root(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "in" / "it").mkdir(parents=True)
    return tmp_path / "folder" / "in" / "it"


def refuse_folder_that_holds_a_root(tmp_path: Path) -> Path:
    return tmp_path / "holder"


def refuse_link_into_a_root(tmp_path: Path) -> Path:
    refuse_folder_in_a_root(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "in")
    return tmp_path / "link"


def refuse_private_folder_of_a_root(tmp_path: Path) -> Path:
    return tmp_path / "folder" / ".cairn"


def refuse_state_of_this_device(tmp_path: Path) -> Path:
    return tmp_path / "home" / "roots"


def refuse_folder_in_a_root_of_somebody_else(tmp_path: Path) -> Path:
    (tmp_path / "theirs" / ".cairn").mkdir(parents=True)
    (tmp_path / "theirs" / ".cairn" / "root").write_bytes(b"{}")
    (tmp_path / "theirs" / "in").mkdir()
    return tmp_path / "theirs" / "in"


def servers_data(folder: Path) -> None:
    (folder / "guard").mkdir(parents=True)
    (folder / "metadata.db").touch()


def refuse_servers_data(tmp_path: Path) -> Path:
    servers_data(tmp_path / "server")
    return tmp_path / "server"


def refuse_folder_that_holds_servers_data(tmp_path: Path) -> Path:
    servers_data(tmp_path / "big" / "srv" / "cairn")
    return tmp_path / "big"


def refuse_folder_in_servers_data(tmp_path: Path) -> Path:
    servers_data(tmp_path / "server")
    (tmp_path / "server" / "store").mkdir()
    return tmp_path / "server" / "store"


def refuse_file(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    return tmp_path / "file"


def refuse_nothing(tmp_path: Path) -> Path:
    return tmp_path / "nothing"


def refuse_name_that_is_no_text(tmp_path: Path) -> Path:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    return folder


REFUSED = [value for name, value in sorted(globals().items()) if name.startswith("refuse_")]


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_places_that_must_not_be_synced_are_refused_with_2(
    make: Callable[[Path], Path], roots: Roots, add_root: AddRoot, tmp_path: Path
) -> None:
    add_root()
    add_root("holder/deep/folder")
    folder = make(tmp_path)

    with pytest.raises(UsageError) as refused:
        roots.add(folder, settings_for())

    assert refused.value.exit_code == 2
    assert str(refused.value).endswith(".")
    assert len(roots.list()) == 2


@pytest.mark.skipif(not Path("/proc/self/root").exists(), reason="there is no second way to a folder")
def test_a_folder_is_known_by_another_mount_of_it_too(tmp_path: Path) -> None:
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    again = Path("/proc/self/root") / tmp_path.relative_to("/")

    assert is_within(again / "outer" / "inner", tmp_path / "outer")
    assert is_within(tmp_path / "outer", again / "outer")
    assert not is_within(again / "outer", tmp_path / "outer" / "inner")


def test_folders_side_by_side_are_roots_though_one_name_begins_with_the_other(add_root: AddRoot, roots: Roots) -> None:
    add_root("photos")
    add_root("photos-2026")

    assert [root.folder.name for root in roots.list()] == ["photos", "photos-2026"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_folder_without_a_right_to_write_is_told_with_1(roots: Roots, tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0o500)

    with pytest.raises(ClientError) as refused:
        roots.add(folder, settings_for())

    assert refused.value.exit_code == 1
