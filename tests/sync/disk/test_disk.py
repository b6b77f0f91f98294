"""The real disk: what a hostile or failing one may do, and what a file that is replaced hands on."""

import contextlib
import errno
import itertools
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as RealPath

import pytest

from client.sync.device import disk, syscalls
from client.sync.device.disk import DiskFs
from client.sync.device.disk_files import PIECES_IN_MEMORY
from client.sync.device.disk_root import Root
from client.sync.device.disk_unsynced import Unsynced
from client.sync.model import LASTING, TMP, Kind, Path
from client.sync.seams.files import Fs, FsError, Trouble
from tests.sync.disk.conftest import mounted
from tests.sync.disk.pair import make, outcome, read, temporary


@pytest.fixture
def root(tmp_path: RealPath) -> RealPath:
    """An empty root folder."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def fs(root: RealPath) -> Iterator[DiskFs]:
    """The disk below it, probed."""
    fs = DiskFs(str(root))
    fs.probe()
    yield fs
    fs.close()


def refused(call: Callable[[], object]) -> Trouble:
    with pytest.raises(FsError) as caught:
        call()
    return caught.value.trouble


def test_disk_speaks_the_whole_protocol(fs: DiskFs) -> None:
    seam: Fs = fs

    assert seam.look(()) is not None


def names(folder: RealPath) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Nothing outside


CALLS: list[Callable[[Fs], object]] = [
    lambda fs: fs.look(("folder", "file")),
    lambda fs: fs.list(("folder",)),
    lambda fs: fs.list(("folder", "inner")),
    lambda fs: fs.open(("folder", "file")),
    lambda fs: make(fs, ("folder", "new"), b"ours", 5, executable=True),
    lambda fs: fs.make_folder(("folder", "new")),
    lambda fs: fs.remove_folder(("folder", "inner")),
    lambda fs: fs.move(("folder", "file"), ("taken",)),
    lambda fs: fs.move(("ours",), ("folder", "new")),
    lambda fs: fs.exchange(("ours",), ("folder", "file")),
    lambda fs: fs.exchange(("folder", "file"), ("ours",)),
    lambda fs: fs.replace(("ours",), ("folder", "file")),
    lambda fs: set_state(fs, ("folder", "file")),
    lambda fs: fs.sync_folders([("folder",)]),
]


def set_state(fs: Fs, path: Path) -> object:
    found = fs.look(path)
    assert found is not None
    return fs.set_state(path, found, 5, executable=True)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("depth", [1, 2])
def test_no_call_goes_through_a_link_in_place_of_a_folder(
    tmp_path: RealPath, root: RealPath, fs: DiskFs, call: Callable[[Fs], object], depth: int
) -> None:
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "file").write_bytes(b"theirs")
    (root / "ours").write_bytes(b"ours")
    (root / "folder").symlink_to(outside if depth == 1 else tmp_path / "loop")
    (tmp_path / "loop").symlink_to(outside)
    before = state_of(outside)

    trouble = refused(lambda: call(fs))

    assert trouble is Trouble.LINK
    assert state_of(outside) == before


def state_of(folder: RealPath) -> list[object]:
    """Return all that can be seen to change, but for the times of reading."""
    found: list[object] = []
    for path in sorted([folder, *folder.rglob("*")]):
        stat = path.lstat()
        found.append((path, stat.st_mode, stat.st_ino, stat.st_nlink, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size))
    return found


def test_links_that_come_and_go_all_the_time_lead_nowhere(tmp_path: RealPath, root: RealPath, fs: DiskFs) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "folder").mkdir()
    (root / "link").symlink_to(outside)
    stopped = threading.Event()

    def swap() -> None:
        while not stopped.is_set():
            exchange_names(root, "folder", "link")

    attacker = threading.Thread(target=swap)
    attacker.start()
    ends: set[object] = set()
    deadline = time.monotonic() + 1.0
    for number in itertools.count():
        ends.add(outcome(lambda: make(fs, ("folder", f"f{number}"), b"x", 5, executable=False).kind))  # noqa: B023
        ends.add(outcome(lambda: fs.make_folder(("folder", f"d{number}")).kind))  # noqa: B023 - called at once
        if time.monotonic() > deadline or (number > 1000 and {Kind.FILE, Kind.FOLDER, Trouble.LINK} <= ends):
            break
    stopped.set()
    attacker.join()

    assert names(outside) == []
    assert ends <= {Kind.FILE, Kind.FOLDER, Trouble.LINK, Trouble.CHANGED}


def exchange_names(folder: RealPath, one: str, other: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        syscalls.rename_exchange(descriptor, one, descriptor, other)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "a\0b", "../x", "\ud800"])
def test_a_name_that_leads_elsewhere_is_refused(fs: DiskFs, name: str) -> None:
    for path in ((name,), (name, "x"), (*TMP, name)):
        assert refused(lambda: fs.look(path)) is Trouble.NAME  # noqa: B023 - called at once
        assert refused(lambda: fs.create(path)) is Trouble.NAME  # noqa: B023


def test_a_linked_private_folder_is_not_used(tmp_path: RealPath, root: RealPath) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / ".cairn").symlink_to(outside)
    fs = DiskFs(str(root))

    assert refused(fs.probe) is Trouble.LINK
    assert refused(fs.now_ns) is Trouble.LINK
    assert refused(lambda: fs.remove((".cairn", "x"))) is Trouble.LINK
    assert names(outside) == []
    fs.close()


def test_pipes_and_sockets_are_never_opened(root: RealPath, fs: DiskFs) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        for name in ("pipe", "socket"):
            found = fs.look((name,))

            assert found is not None
            assert found.kind is Kind.OTHER
            assert refused(lambda: fs.open((name,))) is Trouble.CHANGED  # noqa: B023 - called at once
            assert refused(lambda: fs.move((name,), ("x",))) is Trouble.CHANGED  # noqa: B023


# The root


def test_a_root_that_is_not_there_is_gone(tmp_path: RealPath) -> None:
    assert refused(lambda: DiskFs(str(tmp_path / "absent"))) is Trouble.GONE


@pytest.mark.parametrize("replaced", [False, True])
def test_after_the_root_was_moved_away_every_call_says_gone(root: RealPath, fs: DiskFs, *, replaced: bool) -> None:
    (root / "file").write_bytes(b"x")
    root.rename(root.with_name("moved"))
    if replaced:
        root.mkdir()
        (root / "file").write_bytes(b"another")

    calls: list[Callable[[], object]] = [
        fs.probe,
        fs.now_ns,
        fs.room,
        fs.sync_all,
        lambda: fs.look(()),
        lambda: fs.look(("absent",)),
        lambda: fs.list(()),
        lambda: fs.open(("file",)),
        lambda: fs.create(("new",)),
        lambda: fs.make_folder(("new",)),
        lambda: fs.move(("file",), ("new",)),
        lambda: fs.remove(temporary("x")),
        lambda: fs.sync_folders([()]),
    ]

    assert [refused(call) for call in calls] == [Trouble.GONE] * len(calls)


def test_a_root_that_goes_during_a_call_is_gone_and_what_was_in_it_is_not_absent(root: RealPath) -> None:
    held = Root(str(root))

    def look() -> None:
        with held.parent(("a",)) as folder:
            root.rename(root.with_name("moved"))
            os.stat("a", dir_fd=folder, follow_symlinks=False)

    assert refused(look) is Trouble.GONE
    held.close()


def test_a_root_that_comes_back_is_used_again(root: RealPath, fs: DiskFs) -> None:
    root.rename(root.with_name("moved"))
    assert refused(lambda: fs.look(())) is Trouble.GONE

    root.with_name("moved").rename(root)

    assert fs.look(()) is not None


def test_an_unmounted_root_is_gone_and_the_folder_below_is_not_taken_for_it(small_disk: RealPath) -> None:
    (small_disk / "file").write_bytes(b"x")
    fs = DiskFs(str(small_disk))
    assert fs.look(("file",)) is not None

    subprocess.run(["umount", "-l", str(small_disk)], check=True)

    try:
        assert refused(lambda: fs.look(("file",))) is Trouble.GONE
        assert refused(lambda: fs.list(())) is Trouble.GONE
    finally:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(small_disk)], check=True)  # for the fixture to unmount
        fs.close()


def test_a_mount_inside_the_root_is_another_device(root: RealPath, fs: DiskFs) -> None:
    for inner in mounted(root / "inner", "-t", "tmpfs", "tmpfs"):
        inner.joinpath("file").write_bytes(b"x")
        make(fs, temporary("new"), b"y", None, executable=False)

        found, here = fs.look(("inner",)), fs.look(())
        assert found is not None
        assert here is not None
        assert found.device != here.device
        assert refused(lambda: fs.move(temporary("new"), ("inner", "new"))) is Trouble.CROSS_DEVICE
        assert refused(lambda: fs.remove_folder(("inner",))) is Trouble.BUSY
        assert refused(lambda: fs.move(("inner",), ("b",))) is Trouble.BUSY
        make(fs, ("inner", ".cairn-tmp-new"), b"y", None, executable=False)
        fs.move(("inner", ".cairn-tmp-new"), ("inner", "new"))
        fs.sync_all()
        assert read(fs, ("inner", "new")) == b"y"


def test_a_folder_that_is_bound_into_the_root_from_the_same_disk_has_a_number_of_its_own(
    root: RealPath, fs: DiskFs
) -> None:
    """Else all in it would count as deleted when it is not there after the next start of the machine."""
    (root.parent / "elsewhere/deep").mkdir(parents=True)
    (root.parent / "elsewhere/deep/a").touch()
    (root / "inner").mkdir()
    (root / "beside").mkdir()
    without = within = number_of(fs, ("inner",))
    for _ in mounted(root / "inner", "--bind", str(root.parent / "elsewhere")):
        within = number_of(fs, ("inner",))
        with contextlib.closing(fs.open(("inner", "deep", "a"))) as reading:
            numbers = {reading.stat().device, *(number_of(fs, ("inner", *path)) for path in ((), ("deep",)))}
        assert numbers == {within}
        assert number_of(fs, ("beside",)) == number_of(fs, ()) != within
    assert number_of(fs, ("inner",)) == without == number_of(fs, ())
    for _ in mounted(root / "inner", "--bind", str(root.parent / "elsewhere")):
        assert number_of(fs, ("inner",)) == within


def test_another_stick_at_the_same_device_node_has_another_number(root: RealPath, fs: DiskFs) -> None:
    seen: dict[str, set[int]] = {}
    for stick in ("one", "other", "one"):
        image = root.parent / stick
        if not image.exists():
            image.touch()
            os.truncate(image, 8 << 20)
            try:
                subprocess.run(["mkfs.ext4", "-q", str(image)], capture_output=True, check=True)
            except FileNotFoundError:
                pytest.skip("no mkfs.ext4 here")
        for inner in mounted(root / "inner", "-o", "loop", str(image)):
            assert inner.stat().st_ino == 2
            seen.setdefault(stick, set()).add(number_of(fs, ("inner",)))
            assert number_of(fs, ("inner", "lost+found")) in seen[stick]
    assert [len(numbers) for numbers in seen.values()] == [1, 1]
    assert seen["one"] != seen["other"]
    assert all(number >= LASTING for numbers in seen.values() for number in numbers)


def number_of(fs: DiskFs, path: Path) -> int:
    """Return the number of a mount, as a look and the listing of its folder tell it."""
    found = fs.look(path)
    assert found is not None
    if path:
        (listed,) = (each for each in fs.list(path[:-1]) if each.name == path[-1])
        assert listed.stat == found
    return found.device


# Handles


def test_a_file_that_anybody_has_open_or_mapped_is_open(root: RealPath, fs: DiskFs) -> None:
    (root / "a").write_bytes(b"content")
    assert fs.is_open(("a",)) is False
    with (root / "a").open("r+b") as handle:
        assert fs.is_open(("a",)) is True
        mapping = mmap.mmap(handle.fileno(), 7)
    assert fs.is_open(("a",)) is True
    mapping.close()
    assert fs.is_open(("a",)) is False
    with (root / "a").open("rb") as handle:
        reader = subprocess.Popen(["sleep", "60"], stdin=handle)
    try:
        assert fs.is_open(("a",)) is True
    finally:
        reader.kill()
        reader.wait()


def test_a_store_through_a_mapping_after_a_read_began_gives_the_file_new_times(root: RealPath, fs: DiskFs) -> None:
    (root / "a").write_bytes(b"0" * 8192)
    with (root / "a").open("r+b") as handle, contextlib.closing(mmap.mmap(handle.fileno(), 8192)) as mapping:
        mapping[0] = 1
        reading = fs.open(("a",))
        before = reading.stat()
        reading.read(8192, 0)
        time.sleep(0.05)  # more than a tick of the disk's clock
        mapping[0] = 2
        assert reading.stat() != before
        reading.close()


# Listing


def test_a_listing_is_whole_or_refused_while_files_come_and_go(root: RealPath, fs: DiskFs) -> None:
    for number in range(300):
        (root / f"stays{number}").touch()
    stopped = threading.Event()

    def stir() -> None:
        for number in itertools.count():
            if stopped.is_set():
                return
            (root / f"moves{number}").touch()
            (root / f"moves{number}").rename(root / f"moved{number}")
            (root / f"moved{number}").unlink()

    stirrer = threading.Thread(target=stir)
    stirrer.start()
    listings = [outcome(lambda: len([e for e in fs.list(()) if e.name.startswith("stays")])) for _ in range(30)]
    stopped.set()
    stirrer.join()

    assert set(listings) <= {300, Trouble.CHANGED}
    assert len(fs.list(())) == 301


# Rights and room


def test_a_full_disk_says_full_and_nothing_else_is_lost(small_disk: RealPath) -> None:
    fs = DiskFs(str(small_disk))
    fs.probe()
    make(fs, ("kept",), b"kept", None, executable=False)
    writing = fs.create(temporary("large"))

    def fill() -> None:
        for number in range(64):
            writing.write(bytes(65536), number * 65536)

    trouble = refused(fill)

    writing.close()
    assert trouble is Trouble.FULL
    free, total = fs.room()
    assert free < 65536
    assert total == 1 << 20
    fs.remove(temporary("large"))
    assert fs.room()[0] > 500_000
    assert read(fs, ("kept",)) == b"kept"
    fs.close()


def test_a_read_only_disk_says_so(tmp_path: RealPath) -> None:
    for folder in mounted(tmp_path / "disk", "-t", "tmpfs", "tmpfs"):
        (folder / "file").write_bytes(b"x")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        fs = DiskFs(str(folder))

        assert refused(fs.probe) is Trouble.READ_ONLY
        assert refused(lambda: fs.create(("new",))) is Trouble.READ_ONLY  # noqa: B023 - called at once
        assert refused(lambda: fs.move(("file",), ("new",))) is Trouble.READ_ONLY  # noqa: B023
        assert refused(lambda: set_state(fs, ("file",))) is Trouble.READ_ONLY  # noqa: B023
        assert read(fs, ("file",)) == b"x"
        fs.close()


_AS_ANOTHER = """
import os, sys
from client.sync.device.disk import DiskFs
from client.sync.seams.files import FsError
os.setgid(65534)
os.setuid(65534)
fs = DiskFs(sys.argv[1])
for call in (lambda: fs.list(("closed",)), lambda: fs.look(("closed", "x")), lambda: fs.open(("secret",)),
             lambda: fs.create(("new",)), lambda: fs.make_folder(("new",)), lambda: fs.move(("secret",), ("x",))):
    try:
        call()
        print("none")
    except FsError as error:
        print(error.trouble.value)
"""


def test_missing_rights_are_unreadable_or_read_only() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    with tempfile.TemporaryDirectory() as folder:  # where another user gets to
        root = RealPath(folder)
        root.chmod(0o755)
        (root / "closed").mkdir(mode=0o700)
        (root / "secret").write_bytes(b"x")
        (root / "secret").chmod(0o600)

        done = subprocess.run([sys.executable, "-c", _AS_ANOTHER, folder], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["unreadable", "unreadable", "unreadable", "read_only", "read_only", "read_only"]


# What a new version hands on


def test_a_new_file_has_the_mode_that_the_umask_gives(root: RealPath, fs: DiskFs) -> None:
    writing = fs.create(temporary("a"))
    assert (root / ".cairn/tmp/a").stat().st_mode & 0o777 == 0o600

    writing.set_state(5, executable=False)

    mask = syscalls.umask()
    assert (root / ".cairn/tmp/a").stat().st_mode & 0o777 == 0o666 & ~mask
    writing.set_state(5, executable=True)
    assert (root / ".cairn/tmp/a").stat().st_mode & 0o777 == 0o777 & ~mask
    writing.close()


def test_a_new_version_takes_mode_and_attributes_of_the_old_but_no_special_rights(root: RealPath, fs: DiskFs) -> None:
    old = root / "old"
    old.write_bytes(b"old")
    old.chmod(0o4750)
    try:
        os.setxattr(old, "user.tag", b"red")
    except OSError:
        pytest.skip("no extended attributes here")

    make(fs, temporary("new"), b"new", 5, executable=False, like=("old",))

    new = root / ".cairn/tmp/new"
    assert new.stat().st_mode & 0o7777 == 0o640
    assert os.getxattr(new, "user.tag") == b"red"
    assert old.stat().st_mode & 0o7777 == 0o4750


def test_a_new_version_of_a_file_with_an_access_list_keeps_it(root: RealPath, fs: DiskFs) -> None:
    old = root / "old"
    old.write_bytes(b"old")
    # Version 2; owner rw-, user 65534 rwx, group ---, mask rwx, others ---: as in acl(5) and linux/posix_acl_xattr.h.
    entries = [(1, 6, -1), (2, 7, 65534), (4, 0, -1), (16, 7, -1), (32, 0, -1)]
    packed = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + (who & 0xFFFFFFFF).to_bytes(4, "little")
        for tag, bits, who in entries
    )
    try:
        os.setxattr(old, "system.posix_acl_access", packed)
    except OSError:
        pytest.skip("no access lists here")

    make(fs, temporary("new"), b"new", 5, executable=False, like=("old",))

    found = os.getxattr(root / ".cairn/tmp/new", "system.posix_acl_access")
    assert found[12:20] == packed[12:20]  # the user
    assert found[20:28] == packed[20:28]  # the group has nothing


def test_times_beyond_the_year_2262_stay_within_63_bits(root: RealPath, fs: DiskFs) -> None:
    (root / "late").touch()
    os.utime(root / "late", ns=(13 * 10**18, 13 * 10**18))

    found = fs.look(("late",))

    assert found is not None
    assert found.mtime_ns <= (1 << 63) - 1
    assert refused(lambda: fs.set_state(("late",), found, 1 << 80, executable=False)) is Trouble.OTHER


# Durability


def test_a_file_whose_sync_failed_is_never_placed(fs: DiskFs, root: RealPath) -> None:
    make(fs, temporary("a"), b"x", None, executable=False)
    stat = (root / ".cairn/tmp/a").stat()

    fs._unsynced.failed((stat.st_dev, stat.st_ino))  # noqa: SLF001 - no disk here fails when told to

    assert refused(lambda: fs.move(temporary("a"), ("a",))) is Trouble.DAMAGED
    writing = fs.reopen(temporary("a"))
    assert refused(writing.sync) is Trouble.DAMAGED
    writing.close()


def test_a_person_s_file_with_the_number_of_a_lost_one_can_be_moved(fs: DiskFs, root: RealPath) -> None:
    make(fs, temporary("a"), b"x", None, executable=False)
    stat = (root / ".cairn/tmp/a").stat()
    fs._unsynced.failed((stat.st_dev, stat.st_ino))  # noqa: SLF001 - as above
    fs.remove(temporary("a"))

    for number in range(5):
        (root / f"file{number}").write_bytes(b"y")
        fs.move((f"file{number}",), (f"moved{number}",))


def test_a_failed_sync_of_all_spoils_what_was_not_synced_by_itself() -> None:
    unsynced = Unsynced()
    for number in (1, 2, 3):
        unsynced.wrote((0, number))
    unsynced.synced((0, 1))
    until = unsynced.begin()
    unsynced.wrote((0, 3))
    unsynced.ended(until)

    unsynced.all_failed()

    assert [unsynced.is_lost((0, number)) for number in (1, 2, 3)] == [False, False, True]
    unsynced.forget((0, 3))
    assert not unsynced.is_lost((0, 3))


# Disks that cannot rename without replacing


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_move_in_steps_replaces_nothing(root: RealPath, kind: str) -> None:
    held = Root(str(root))
    (root / "a").touch() if kind == "file" else (root / "a").mkdir()
    (root / "taken").write_bytes(b"taken")
    with held.parent(("a",), writes=True) as folder:
        found = disk._look(folder, "a")  # noqa: SLF001 - as below

        with pytest.raises((FsError, FileExistsError)):
            disk._move_in_steps(folder, ("a",), folder, ("taken",), found)  # noqa: SLF001 - disks here need no steps
        disk._move_in_steps(folder, ("a",), folder, ("b",), found)  # noqa: SLF001 - as above

        assert (root / "taken").read_bytes() == b"taken"
        assert disk._look(folder, "b") == found  # noqa: SLF001 - as above
        assert names(root) == ["b", "taken"]
    held.close()


def test_a_move_in_steps_does_not_remove_what_was_saved_meanwhile(root: RealPath) -> None:
    held = Root(str(root))
    (root / "a").write_bytes(b"old")
    (root / "b").hardlink_to(root / "a")
    (root / "new").write_bytes(b"saved")
    (root / "new").rename(root / "a")
    with held.parent(("a",), writes=True) as folder:
        trouble = refused(lambda: disk._unlink_moved(folder, ("a",), folder, ("b",)))  # noqa: SLF001 - as above

    assert trouble is Trouble.CHANGED
    assert (root / "a").read_bytes() == b"saved"
    held.close()


# Probing


def test_probe_leaves_nothing_and_takes_little_time(root: RealPath, fs: DiskFs) -> None:
    start = time.thread_time()
    traits = fs.probe()
    took = time.thread_time() - start

    assert took < 0.05
    assert names(root / ".cairn/tmp") == []
    assert (root / ".cairn/tmp").stat().st_mode & 0o777 == 0o700
    assert 1_000_000 <= traits.step_ns <= 2_000_000_000


def test_the_clock_of_the_disk_goes_on(fs: DiskFs) -> None:
    times = [fs.now_ns() for _ in range(3)]

    assert times == sorted(times)
    assert abs(times[0] - time.time_ns()) < 5_000_000_000


# Large files


def test_large_file_written_by_many_at_once_in_any_order_is_whole(root: RealPath, fs: DiskFs) -> None:
    size, count = 70_000, 3 * PIECES_IN_MEMORY
    pieces = [bytes([number % 251]) * size for number in range(count)]
    writing = fs.create((*TMP, "large"))
    order = sorted(range(count), key=lambda number: number * 7919 % count)
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda number: writing.write(pieces[number], number * size), order))
    writing.sync()
    writing.close()

    assert root.joinpath(*TMP, "large").read_bytes() == b"".join(pieces)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice")
def test_newest_pieces_stay_in_memory_and_what_is_advised_on_was_written(
    fs: DiskFs, monkeypatch: pytest.MonkeyPatch
) -> None:
    advised: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _file, offset, size, _advice: advised.append((offset, size)))
    writing = fs.create((*TMP, "large"))
    for number in range(PIECES_IN_MEMORY):
        writing.write(b"x" * 10, number * 10)
    assert advised == []
    for number in range(PIECES_IN_MEMORY, PIECES_IN_MEMORY + 3):
        writing.write(b"x" * 10, number * 10)
    writing.close()

    newest = [(number * 10, 10) for number in range(PIECES_IN_MEMORY, PIECES_IN_MEMORY + 3)]
    assert [each for each in advised if each not in newest] == [(0, 10), (10, 10), (20, 10)]


def test_disk_that_takes_no_advice_is_written_to_all_the_same(
    root: RealPath, fs: DiskFs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not here")

    monkeypatch.setattr(os, "posix_fadvise", refuse, raising=False)
    writing = fs.create((*TMP, "large"))
    for number in range(2 * PIECES_IN_MEMORY):
        writing.write(b"x" * 10, number * 10)
    writing.close()

    assert root.joinpath(*TMP, "large").read_bytes() == b"x" * 20 * PIECES_IN_MEMORY
