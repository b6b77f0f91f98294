"""Folders that downloads are written into."""

import os
import stat
from pathlib import Path

import pytest

import client.folder
from client.errors import ConflictError, LocalFileError
from client.folder import Folder, set_state, write_at
from client.locks import try_lock


def test_folders_below_are_made_and_opened(tmp_path: Path) -> None:
    root = Folder.open(str(tmp_path / "new" / "root"))

    folder = root.open_below(("a", "b"))

    assert (tmp_path / "new/root/a/b").is_dir()
    assert folder.path == f"{tmp_path}/new/root/a/b"
    folder.let_go()
    root.let_go()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_no_write_goes_through_what_is_no_folder(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "root").mkdir()
    if kind == "link":
        (tmp_path / "root" / "a").symlink_to(outside)
    else:
        (tmp_path / "root" / "a").write_text("x")
    root = Folder.open(str(tmp_path / "root"))

    with pytest.raises(ConflictError):
        root.open_below(("a", "b"))

    assert list(outside.iterdir()) == []
    root.let_go()


def test_a_part_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    root = Folder.open(str(tmp_path))
    part, descriptor = root.open_part("name")
    os.close(descriptor)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / part).unlink()
    (tmp_path / part).symlink_to(victim)

    with pytest.raises(OSError, match="symbolic links"):
        root.open_part("name")

    assert victim.read_text() == "mine"
    root.let_go()


def test_a_part_that_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    root = Folder.open(str(tmp_path))
    part, descriptor = root.open_part("name")
    os.close(descriptor)
    (tmp_path / part).unlink()
    os.mkfifo(tmp_path / part)

    with pytest.raises(LocalFileError):
        root.open_part("name")

    root.let_go()


def test_a_folder_stays_open_until_its_last_user_lets_go(tmp_path: Path) -> None:
    folder = Folder.open(str(tmp_path))
    folder.held()

    folder.let_go()
    assert folder.find("absent") is None

    folder.let_go()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(folder.descriptor)


@pytest.mark.parametrize(
    ("mode", "executable", "after"), [(0o640, True, 0o750), (0o755, False, 0o644), (0o600, True, 0o700)]
)
def test_who_may_read_may_run_and_nobody_else(tmp_path: Path, mode: int, after: int, *, executable: bool) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    descriptor = os.open(path, os.O_RDWR)

    set_state(descriptor, -1_500, executable=executable)

    os.close(descriptor)
    assert stat.S_IMODE(path.stat().st_mode) == after
    assert path.stat().st_mtime_ns == -1_500_000_000


def test_a_part_belongs_to_one_download_until_it_is_closed(tmp_path: Path) -> None:
    root, other = Folder.open(str(tmp_path)), Folder.open(str(tmp_path))
    part, descriptor = root.open_part("name")
    os.write(descriptor, b"begun")

    with pytest.raises(LocalFileError, match="another command is fetching it"):
        other.open_part("name")

    os.close(descriptor)
    again, descriptor = other.open_part("name")
    assert again == part
    assert os.read(descriptor, 10) == b"begun"
    os.close(descriptor)
    root.let_go()
    other.let_go()


def test_a_part_that_was_finished_while_it_was_opened_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Folder.open(str(tmp_path))
    part, descriptor = root.open_part("name")
    os.close(descriptor)

    def finished_before(opened: int) -> bool:
        monkeypatch.setattr(client.folder, "try_lock", try_lock)
        root.replace(part, "name")
        return try_lock(opened)

    monkeypatch.setattr(client.folder, "try_lock", finished_before)
    _, descriptor = root.open_part("name")

    assert os.path.samestat(os.fstat(descriptor), (tmp_path / part).stat())
    assert not os.path.samestat(os.fstat(descriptor), (tmp_path / "name").stat())
    os.close(descriptor)
    root.let_go()


def test_all_is_written_where_the_disk_takes_only_a_part_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: pwrite(descriptor, data[:3], offset))
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)

    write_at(descriptor, b"0123456789", 0)

    assert (tmp_path / "file").read_bytes() == b"0123456789"
    os.close(descriptor)
