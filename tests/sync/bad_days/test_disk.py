"""The disk here is full, refuses, or holds what cannot be synced."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import ANY

import pytest

from client.home import Login
from tests.device import Device
from tests.sync.bad_days.disks import IS_ROOT, small_disk
from tests.sync.bad_days.machine import Machine, codes, eventually

NOBODY = 65534


@pytest.fixture
def somebody(logins: Callable[[str], Login], tmp_path: Path) -> Iterator[Machine]:
    """A laptop that is used by somebody to whom rights apply; others than root may not go through pytest's folder."""
    with TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)
        machine = Machine(base, logins("laptop"), f"/{tmp_path.name}")
        if IS_ROOT:
            machine.device = _AsNobody(machine.home)
        yield machine


class _AsNobody(Device):
    """A machine whose commands run without the rights of root."""

    @staticmethod
    def _command(arguments: tuple[str | Path, ...]) -> list[str]:
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return [*as_nobody, sys.executable, "-m", "client", *map(str, arguments)]


def _give(machine: Machine) -> None:
    if IS_ROOT:
        for folder in (machine.home, machine.folder):
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)


def _sync_as(machine: Machine) -> tuple[int, str]:
    _give(machine)
    result = machine.process("--remote", machine.remote, "--once")
    if IS_ROOT and "No module named client" in result.err:
        pytest.skip("another user cannot read the folder that the tests run from")
    return result.code, result.err


def test_what_cannot_be_read_is_told_and_never_deleted_at_the_server(somebody: Machine, desk: Machine) -> None:
    for path in ("secret.txt", "closed/a.txt", "closed/deep/b.txt", "open.txt"):
        somebody.write(path, f"content of {path}")
    assert _sync_as(somebody) == (0, ANY)
    desk.sync()
    before = desk.tree()
    (somebody.folder / "closed").chmod(0)
    changed = somebody.folder / "secret.txt"
    changed.write_bytes(b"changed, and closed")
    changed.chmod(0)
    somebody.write("open.txt", "edited")

    code, err = _sync_as(somebody)
    status = somebody.status()
    desk.sync()

    assert code == 1
    assert "secret.txt: " in err
    assert "closed: " in err
    assert "change its permissions" in err
    assert "watches" not in err
    assert codes(status) == {("closed", "unreadable"), ("secret.txt", "unreadable")}
    assert {each["path"] for each in status["unknown"]} == {"closed"}
    assert status["not_safe"] == ["secret.txt"]
    assert desk.tree() == {**before, "open.txt": b"edited"}

    (somebody.folder / "closed").chmod(0o755)
    changed.chmod(0o644)
    assert _sync_as(somebody) == (0, ANY)
    desk.sync()
    assert desk.read("secret.txt") == b"changed, and closed"


def test_a_folder_that_is_opened_again_is_looked_at_at_once(somebody: Machine, desk: Machine) -> None:
    closed = somebody.write("closed/a.txt", "first").parent
    assert _sync_as(somebody) == (0, ANY)
    with somebody.daemon() as daemon:
        daemon.in_step()
        closed.chmod(0o300)
        daemon.until(lambda status: ("closed", "unreadable") in codes(status))
        (closed / "deeper").mkdir()
        _give(somebody)
        closed.chmod(0o755)
        daemon.until(lambda status: not codes(status))
        daemon.in_step()
    desk.sync()

    assert desk.tree() == {"closed": None, "closed/a.txt": b"first", "closed/deeper": None}


def test_a_folder_that_may_not_be_written_is_told_and_its_rights_stay(somebody: Machine, desk: Machine) -> None:
    somebody.write("closed/a.txt", "first")
    assert _sync_as(somebody) == (0, ANY)
    desk.sync()
    desk.write("closed/new.txt", "new")
    desk.write("beside.txt", "beside")
    desk.sync()
    folder = somebody.folder / "closed"
    folder.chmod(0o555)

    code, err = _sync_as(somebody)

    assert code == 1
    assert "closed/new.txt: There is no right to write here." in err
    assert folder.stat().st_mode & 0o777 == 0o555
    assert somebody.read("beside.txt") == b"beside"
    folder.chmod(0o755)
    assert _sync_as(somebody) == (0, ANY)
    assert somebody.tree() == desk.tree()


@pytest.mark.skipif(not IS_ROOT, reason="mounts a disk")
def test_a_full_disk_stops_what_is_fetched_and_lets_what_is_sent_go_on(laptop: Machine, desk: Machine) -> None:
    with small_disk(laptop.folder, "8m"):  # less than what is always left free
        laptop.write("a.txt", "first")
        laptop.sync()
        desk.write("large.bin", os.urandom(3_000_000))
        desk.sync()
        laptop.write("sent.txt", "goes on")

        full = laptop.sync(1)
        desk.sync()

        assert codes(laptop.status()) == {("large.bin", "full")}
        assert "large.bin: This disk has too little room left" in full.err
        assert desk.read("sent.txt") == b"goes on"
        assert laptop.names() == ["a.txt", "sent.txt"]
        assert laptop.status()["not_safe"] == []
        # Room is made.
        subprocess.run(["mount", "-o", "remount,size=2g", laptop.folder], check=True)
        laptop.sync()
        assert laptop.tree() == desk.tree()


@pytest.mark.skipif(not IS_ROOT, reason="mounts a disk")
def test_a_disk_that_is_unmounted_stops_it_and_mounted_again_it_goes_on(laptop: Machine, desk: Machine) -> None:
    with small_disk(laptop.folder, "2g"):
        for number in range(25):
            laptop.write(f"{number}.txt", f"content of {number}")
        laptop.sync()
        before = laptop.tree()
        aside = laptop.folder.with_name("aside")
        aside.mkdir()
        subprocess.run(["mount", "--move", laptop.folder, aside], check=True)
        away = laptop.process("--once")
        desk.sync()
        subprocess.run(["mount", "--move", aside, laptop.folder], check=True)
        laptop.sync()

    assert away.code == 1
    assert "--forget" in away.err
    assert desk.tree() == before


@pytest.mark.skipif(not IS_ROOT, reason="mounts a disk")
def test_no_room_for_its_own_memory_stops_it_with_1_and_changes_nothing(laptop: Machine, desk: Machine) -> None:
    with small_disk(laptop.home, "1m"):
        laptop.keep(laptop.login)
        laptop.write("a.txt", "first")
        laptop.sync()
        filling = laptop.home / "filling"
        with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        for number in range(300):
            laptop.write(f"new/{number}.txt", f"content of {number}")
        (laptop.folder / "a.txt").unlink()

        full = laptop.process("--once")
        desk.sync()
        now = desk.tree()
        filling.unlink()
        laptop.sync()
        desk.sync()

    assert full.code == 1
    assert full.err.startswith("cairn: ")
    assert "Traceback" not in full.err
    assert now["a.txt"] == b"first"
    assert laptop.tree() == desk.tree()
    assert len(desk.names()) == 301  # with its memory: what was deleted meanwhile is deleted


def test_a_file_that_is_written_all_the_time_is_never_sent_half_and_sent_when_it_rests(
    laptop: Machine, desk: Machine
) -> None:
    laptop.write("other.txt", "other")
    line = b"0123456789abcdef" * 64 + b"\n"
    with laptop.daemon() as daemon:
        daemon.in_step()
        stop = threading.Event()
        writer = threading.Thread(target=_append, args=(laptop.folder / "log.txt", line, stop))
        writer.start()
        try:
            status = daemon.until(lambda status: "log.txt" in status["not_safe"])
            laptop.write("other.txt", "goes on beside")
            eventually(
                lambda: laptop.ok("cat", f"{laptop.remote}/other.txt").out == b"goes on beside", "the other is sent"
            )
        finally:
            stop.set()
            writer.join()
        daemon.until(lambda status: status["state"] == "in_step" and not status["not_safe_files"])
    desk.sync()

    assert status["not_safe_files"] >= 1
    assert desk.tree() == laptop.tree()
    for version in laptop.ok("versions", "--json", f"{laptop.remote}/log.txt").json:
        assert version["size"] % len(line) == 0


def test_links_and_what_is_no_file_are_told_and_never_followed_nor_taken_for_deleted(
    laptop: Machine, desk: Machine, tmp_path: Path
) -> None:
    for path in ("file.txt", "folder/a.txt", "rest.txt"):
        laptop.write(path, f"content of {path}")
    laptop.sync()
    desk.sync()
    before = desk.tree()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.txt").write_bytes(b"nobody's")
    (laptop.folder / "file.txt").unlink()
    (laptop.folder / "file.txt").symlink_to(outside / "private.txt")
    (laptop.folder / "folder" / "a.txt").unlink()
    (laptop.folder / "folder").rmdir()
    (laptop.folder / "folder").symlink_to(outside)
    (laptop.folder / "new link").symlink_to(outside)
    os.mkfifo(laptop.folder / "pipe")
    desk.write("folder/b.txt", "must not come through the link")
    desk.write("rest.txt", "comes")
    desk.sync()

    told = laptop.sync(None)
    desk.sync()

    assert codes(laptop.status()) >= {
        ("file.txt", "link"),
        ("folder", "link"),
        ("new link", "link"),
        ("pipe", "special"),
    }
    assert "file.txt: " in told.err
    assert told.code == 1
    assert laptop.read("rest.txt") == b"comes"
    assert [path.name for path in outside.iterdir()] == ["private.txt"]
    assert desk.tree() == {**before, "folder/b.txt": b"must not come through the link", "rest.txt": b"comes"}
    assert (laptop.folder / "folder").is_symlink()
    # The files are put back.
    (laptop.folder / "file.txt").unlink()
    (laptop.folder / "folder").unlink()
    laptop.write("file.txt", "content of file.txt")
    laptop.write("folder/a.txt", "content of folder/a.txt")
    laptop.sync(None)
    assert laptop.read("folder/b.txt") == b"must not come through the link"


def test_links_that_never_were_files_are_told_and_hold_nothing_up(laptop: Machine, tmp_path: Path) -> None:
    laptop.write("a.txt", "one")
    (laptop.folder / "link").symlink_to(tmp_path)

    told = laptop.sync(0)

    assert told.out.decode().splitlines()[0].endswith(" are in step.")
    assert "link: A link stands here" in told.err


def test_names_of_255_bytes_and_conflict_copies_of_them(laptop: Machine, desk: Machine) -> None:
    long = "ä" * 125 + ".text"
    assert len(long.encode()) == 255
    laptop.write(long, "first")
    laptop.write("folder/" + "x" * 255, "no ending")
    laptop.sync()
    desk.sync()
    laptop.write(long, "by the laptop")
    desk.write(long, "by the desk")
    laptop.sync()

    desk.sync(4)
    laptop.sync()

    assert laptop.tree() == desk.tree()
    (copy,) = [name for name in desk.names() if "(conflict from desk" in name]
    assert copy.endswith(").text")
    assert len(copy.encode()) <= 255
    assert (desk.read(long), desk.read(copy)) == (b"by the laptop", b"by the desk")


def test_a_name_that_is_no_text_stays_here_alone_and_is_told(laptop: Machine, desk: Machine) -> None:
    laptop.write("a.txt", "first")
    odd = os.fsencode(laptop.folder) + b"/caf\xe9.txt"
    with open(odd, "wb") as file:  # noqa: PTH123 -- a name that no Path should hold
        file.write(b"odd")

    told = laptop.sync(1)
    desk.sync()

    assert {reason for _, reason in codes(laptop.status())} == {"name"}
    assert " are in step, but for this:" in told.out.decode()
    assert "Not yet safe at the server: 1 file." in told.out.decode()
    assert laptop.status()["not_safe_files"] == 1
    assert "caf" in told.err
    assert desk.tree() == {"a.txt": b"first"}
    assert os.path.exists(odd)  # noqa: PTH110 -- as above


def test_two_names_that_differ_in_case_alone_stay_two_files_where_the_disk_can(laptop: Machine, desk: Machine) -> None:
    laptop.write("Read.me", "one")
    laptop.write("README.ME", "two")
    laptop.write("read.ME", "three")
    laptop.sync()
    desk.sync()

    (desk.folder / "Read.me").rename(desk.folder / "rEAD.me")
    desk.sync()
    laptop.sync()

    assert laptop.tree() == desk.tree() == {"rEAD.me": b"one", "README.ME": b"two", "read.ME": b"three"}


def _append(path: Path, line: bytes, stop: threading.Event) -> None:
    with path.open("ab", buffering=0) as file:
        while not stop.is_set():
            file.write(line)
            time.sleep(0.05)  # what this thread is: a program that writes now and then


def test_bytes_that_the_disk_lost_are_found_after_a_month_and_come_back_from_the_server(laptop: Machine) -> None:
    file = laptop.write("photo.jpg", "as it was taken")
    laptop.write("other.jpg", "another")
    laptop.sync()
    file.write_text("as it was taken"[:-1] + "!")
    found = file.stat()
    with contextlib.closing(sqlite3.connect(laptop.root.database)) as state, state:
        # As if the file had these times all along; and the last check was long ago.
        times = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        assert state.execute("UPDATE local SET mtime_ns = ?, ctime_ns = ? WHERE inode = ?", times).rowcount == 1
        for table in ("synced", "remote"):
            change = f"UPDATE {table} SET mtime_ms = ? WHERE name = 'photo.jpg'"  # noqa: S608 -- no input
            state.execute(change, (found.st_mtime_ns // 1_000_000,))
        state.execute("UPDATE local SET sure = 1")
        state.execute("INSERT INTO meta VALUES ('deep_check_began_ms', '0')")
    laptop.write("news.txt", "lets the server answer at once")

    with laptop.daemon() as daemon:
        status = daemon.until(lambda status: status["blocked"])
        listed = laptop.here("damaged").out
        before = file.read_text()
        laptop.here("damaged", "fetch")
        daemon.until(lambda status: status["state"] == "in_step" and not status["blocked"])

    assert codes(status) == {("photo.jpg", "decayed")}
    assert (status["state"], listed) == ("in_step", b"photo.jpg\n")
    assert (before, file.read_text()) == ("as it was taken"[:-1] + "!", "as it was taken")
