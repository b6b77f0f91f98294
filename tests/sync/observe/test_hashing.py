"""The stable read, on a real disk."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.sync.device.disk import DiskFs
from client.sync.model import Kind, LocalEntry, Stat
from client.sync.model import Path as Names
from client.sync.observe.hashing import is_sure, read_hash
from client.sync.operations import ReadHash
from client.sync.outcome import Blocked, Done, Outcome, Stale, Task
from client.sync.seams.files import FsError, Reading, Traits, Trouble

STEP = 4_000_000


class Meddling(DiskFs):
    """The real disk, on which something happens right after a file was opened, or which refuses to open it."""

    meddle: Callable[[], object] | None = None
    refuses: Trouble | None = None

    def open(self, path: Names) -> Reading:  # type: ignore[override]  # any Reading will do here
        if self.refuses is not None:
            raise FsError(self.refuses, path)
        reading = super().open(path)
        if self.meddle is not None:
            self.meddle()
        return reading


@pytest.fixture
def fs(tmp_path: Path) -> Iterator[Meddling]:
    made = Meddling(str(tmp_path))
    made.probe()
    yield made
    made.close()


def read(fs: DiskFs, name: str, stat: Stat | None = None, began_ns: int | None = None) -> Outcome:
    seen = stat or fs.look((name,))
    assert seen is not None
    task = Task(ReadHash(entry=LocalEntry(1, 0, name, seen)), path=(name,))
    return read_hash(fs, task, Traits(step_ns=STEP), began_ns)


@pytest.mark.parametrize("size", [0, 5, 3 * 1024 * 1024 + 1])
def test_the_hash_is_that_of_the_bytes(tmp_path: Path, fs: Meddling, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)

    done = read(fs, "a")

    assert isinstance(done, Done)
    assert done.sha256 == hashlib.sha256(content).hexdigest()
    assert done.stat == fs.look(("a",))


def test_a_file_that_is_not_the_one_seen_is_stale(tmp_path: Path, fs: Meddling) -> None:
    (tmp_path / "a").write_text("one")
    seen = fs.look(("a",))
    (tmp_path / "a").write_text("three")

    assert isinstance(read(fs, "a", seen), Stale)


def test_a_file_that_is_written_to_while_it_is_read_is_stale(tmp_path: Path, fs: Meddling) -> None:
    (tmp_path / "a").write_text("one")
    fs.meddle = lambda: (tmp_path / "a").write_text("two and more")

    assert isinstance(read(fs, "a"), Stale)


def test_a_file_that_is_replaced_while_it_is_read_is_stale(tmp_path: Path, fs: Meddling) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("one")
    fs.meddle = lambda: (tmp_path / "b").replace(tmp_path / "a")

    assert isinstance(read(fs, "a"), Stale)


def test_a_file_that_is_gone_is_stale(tmp_path: Path, fs: Meddling) -> None:
    (tmp_path / "a").write_text("one")
    seen = fs.look(("a",))
    (tmp_path / "a").unlink()

    assert isinstance(read(fs, "a", seen), Stale)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(Trouble.UNREADABLE, "unreadable"), (Trouble.DAMAGED, "damaged"), (Trouble.BUSY, "busy"), (Trouble.LINK, "link")],
)
def test_a_file_that_cannot_be_read_is_blocked(tmp_path: Path, fs: Meddling, trouble: Trouble, code: str) -> None:
    (tmp_path / "a").write_text("one")
    fs.refuses = trouble

    blocked = read(fs, "a")

    assert isinstance(blocked, Blocked)
    assert (blocked.problem.path, blocked.problem.code) == ("a", code)


def test_a_link_in_place_of_a_file_is_not_read(tmp_path: Path, fs: Meddling) -> None:
    (tmp_path / "a").write_text("one")
    seen = fs.look(("a",))
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "a").symlink_to("b")

    assert not isinstance(read(fs, "a", seen), Done)


def test_a_file_read_right_after_it_was_written_is_not_sure(tmp_path: Path, fs: Meddling) -> None:
    (tmp_path / "a").write_text("one")
    stat = fs.look(("a",))
    assert stat is not None

    fresh = read(fs, "a", began_ns=stat.ctime_ns)
    old = read(fs, "a", began_ns=stat.ctime_ns + STEP + 1)

    assert isinstance(fresh, Done)
    assert isinstance(old, Done)
    assert (fresh.sure, old.sure) == (False, True)


@pytest.mark.parametrize(
    ("mtime", "ctime", "sure"),
    [(10, 10, True), (10, 96, False), (96, 10, False), (500, 10, True), (500, 99, False), (500, 0, False)],
)
def test_both_times_must_be_older_than_the_read_by_more_than_a_step(*, mtime: int, ctime: int, sure: bool) -> None:
    stat = Stat(Kind.FILE, 1, mtime, ctime, 1, 1, executable=False)

    assert is_sure(stat, read_began_ns=100, step_ns=4) is sure
