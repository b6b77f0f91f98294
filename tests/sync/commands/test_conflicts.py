"""Resolving conflict copies on a real disk, on one that cannot exchange files, and beside a faster program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.sync.conflicts import Conflict, count_conflicts, find_conflicts, resolve
from client.sync.device.disk import DiskFs
from client.sync.device.system_clock import SystemChance
from client.sync.model import Path as Names
from client.sync.seams.files import FsError, Trouble

COPY = "a (conflict from desk 2026-11-23 14-05-09)"
DAY = "2026-11-24"


class NoExchange(DiskFs):
    """A disk such as exFAT."""

    def exchange(self, one: Names, other: Names) -> None:
        raise FsError(Trouble.OTHER, other, f"cannot be exchanged with {'/'.join(one)}")


class Faster(NoExchange):
    """The same, on which a program saves the plain file just before the copy takes its place."""

    def move(self, source: Names, target: Names) -> None:
        if target == ("a",):
            self.create(target).close()
        super().move(source, target)


@pytest.fixture(params=[DiskFs, NoExchange, Faster])
def fs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DiskFs]:
    disk: DiskFs = request.param(str(tmp_path))
    (tmp_path / ".cairn").mkdir(mode=0o700)
    (tmp_path / "a").write_bytes(b"theirs")
    (tmp_path / COPY).write_bytes(b"mine")
    yield disk
    disk.close()


def contents(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def only(fs: DiskFs) -> Conflict:
    (found,) = find_conflicts(fs)
    return found


def test_mine_loses_no_byte_whatever_the_disk_can_and_whoever_is_faster(fs: DiskFs, tmp_path: Path) -> None:
    if isinstance(fs, Faster):
        with pytest.raises(FsError) as refused:
            resolve(fs, only(fs), "mine", day=DAY, chance=SystemChance())
        assert refused.value.trouble is Trouble.EXISTS
        assert (tmp_path / COPY).read_bytes() == b"mine"
        assert contents(tmp_path) == [b"", b"mine", b"theirs"]
    else:
        assert resolve(fs, only(fs), "mine", day=DAY, chance=SystemChance()) == ("a",)
        assert (tmp_path / "a").read_bytes() == b"mine"
        assert contents(tmp_path) == [b"mine", b"theirs"]


def test_what_is_put_away_twice_on_a_day_is_there_twice(fs: DiskFs, tmp_path: Path) -> None:
    resolve(fs, only(fs), "theirs", day=DAY, chance=SystemChance())
    (tmp_path / COPY).write_bytes(b"mine again")
    resolve(fs, only(fs), "theirs", day=DAY, chance=SystemChance())

    assert contents(tmp_path / ".cairn" / "trash" / DAY) == [b"mine", b"mine again"]
    assert (tmp_path / "a").read_bytes() == b"theirs"


def test_conflict_copies_are_counted_by_their_names() -> None:
    class Names:
        def file_names_with(self, text: str) -> list[str]:
            return [name for name in (COPY, "a (conflict from me)", "plain", f"{COPY[:-1]}x)") if text in name]

    assert count_conflicts(Names()) == 1
