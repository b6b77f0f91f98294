"""Measures what two devices of one person feel: a change here, until it is there. Cairn beside Syncthing."""

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.inputs import FILES_PER_FOLDER, MIB, touch_memory, write_random, write_tree
from bench.pair import run_pair
from bench.programs import sync
from bench.results import Result
from bench.syncthing import DELAY_AS_INSTALLED_S, SHORTEST_DELAY_S, run_syncthing

SMALL = 4096
EDITS = 20
EDIT_SIZE = 1024
_LOOK_S = 0.01
_LIMIT_S = 600

Folders = tuple[Path, Path]


class NotArrivedError(Exception):
    """A change did not come to the other side within ten minutes."""


class Bench:
    """One side of the comparison: two folders, and a place beside them on the same disk to make things ready in."""

    def __init__(self, folder: Path, folders: Folders) -> None:
        """Measure between two folders, with `folder` for what is made ready."""
        self.one, self.other = folders
        self._ready = folder / "ready"
        self._ready.mkdir(exist_ok=True)

    def tree(self, name: str, files: int) -> float:
        """Give the seconds until a tree of small files that appears here is there."""
        source = self._ready / name
        write_tree(source, files=files, size=SMALL)
        sync(source)
        return _timed(lambda: source.rename(self.one / name), _Arrivals(self.other / name, files).are_all_there)

    def move(self, name: str, target: str, files: int) -> float:
        """Give the seconds until a folder that is renamed here is renamed there, with all its files."""
        act = (self.one / name).rename
        return _timed(lambda: act(self.one / target), _Arrivals(self.other / target, files).are_all_there)

    def file(self, name: str, size: int) -> float:
        """Give the seconds until a large file of random bytes that appears here is there."""
        source = self._ready / name
        write_random(source, size)
        sync(source)
        touch_memory(self._ready / "memory", 2 * size)  # as much as a server and the other device write of it
        return _timed(lambda: source.rename(self.one / name), lambda: _is_there(self.one / name, self.other / name))

    def insert(self, name: str) -> float:
        """Give the seconds until a large file into whose middle 1 MiB was inserted is there."""
        here, source = self.one / name, self._ready / name
        _copy_with_insertion(here, source)
        sync(source)
        return _timed(lambda: source.rename(here), lambda: _is_there(here, self.other / name))

    def edits(self) -> list[float]:
        """Give the milliseconds of single small edits of files that are there on both sides, one after the other.

        Each is of another file: both programs wait on purpose where one changes again and again.
        """
        for number in range(EDITS):
            self._edit(number)
        return [self._edit(number) * 1000 for number in range(EDITS)]

    def _edit(self, number: int) -> float:
        here, there = self.one / f"note-{number}.txt", self.other / f"note-{number}.txt"
        content = os.urandom(EDIT_SIZE)

        def is_there() -> bool:
            try:
                return there.read_bytes() == content
            except FileNotFoundError:
                return False

        return _timed(lambda: here.write_bytes(content), is_there)


def measure_keeping(folder: Path, *, files: int, size: int, rounds: int) -> list[Result]:
    """Measure both pairs in turns, and the large file with a third pair, of Syncthing as it is installed."""
    ours, theirs, installed = _Samples(), _Samples(), _Samples()
    for number in range(rounds):
        sides = [(ours, _cairn), (theirs, _syncthing)]
        for samples, start in sides if number % 2 == 0 else reversed(sides):
            place = folder / f"{start.__name__}-{number}"
            place.mkdir()
            with start(place) as folders:
                samples.take(Bench(place, folders), files=files, size=size)
            shutil.rmtree(place)
        place = folder / f"installed-{number}"
        place.mkdir()
        with run_syncthing(place, DELAY_AS_INSTALLED_S) as folders:
            installed.take_file(Bench(place, folders), size=size)
        shutil.rmtree(place)
    return _rows(ours, theirs, installed, files=files, size=size)


class _Samples:
    """What was measured on one side, a sample a round."""

    def __init__(self) -> None:
        self.trees: list[float] = []
        self.files: list[float] = []
        self.inserts: list[float] = []
        self.edits: list[float] = []
        self.moves: list[float] = []
        self.insert_mib: list[float] = []
        self.move_kib: list[float] = []

    def take(self, bench: Bench, *, files: int, size: int) -> None:
        self.edits.append(statistics.median(bench.edits()))
        self.trees.append(files / bench.tree("tree", files))
        before = loopback_bytes()
        self.moves.append(bench.move("tree", "moved", files))
        self.move_kib.append((loopback_bytes() - before) / 1024)
        self.take_file(bench, size=size)
        before = loopback_bytes()
        self.inserts.append(bench.insert("large"))
        self.insert_mib.append((loopback_bytes() - before) / MIB)

    def take_file(self, bench: Bench, *, size: int) -> None:
        self.files.append(size / MIB / bench.file("large", size))


def _rows(ours: _Samples, theirs: _Samples, installed: _Samples, *, files: int, size: int) -> list[Result]:
    large = f"{size // MIB:,} MiB"
    faster = "a ratio below 1 is faster"
    return [
        Result(
            f"device to device: {files:,} files of 4 KiB",
            "files/s",
            ours.trees,
            theirs.trees,
            goal="ratio at least 2, aim 3",
        ),
        Result(
            f"device to device: {large}",
            "MiB/s",
            ours.files,
            installed.files,
            goal="ratio at least 1",
            note=f"Syncthing as it is installed: it waits {DELAY_AS_INSTALLED_S} s",
        ),
        Result(
            f"device to device: {large}, Syncthing set to {SHORTEST_DELAY_S} s",
            "MiB/s",
            ours.files,
            theirs.files,
            goal="ratio at least 1",
            note="as in all other rows",
        ),
        Result(
            f"device to device: 1 MiB inserted into {large}",
            "s",
            ours.inserts,
            theirs.inserts,
            goal="ratio at most 0.33",
            note=faster,
        ),
        Result("on the wire for it", "MiB", ours.insert_mib, theirs.insert_mib, goal="under 16 (8 each way)"),
        Result("device to device: an edit of 1 KiB", "ms", ours.edits, theirs.edits, goal="under 500 ms", note=faster),
        Result(
            f"device to device: a folder of {files:,} files renamed",
            "s",
            ours.moves,
            theirs.moves,
            goal="under 2 s",
            note=faster,
        ),
        Result("on the wire for it, both ways", "KiB", ours.move_kib, theirs.move_kib, goal="under 64"),
    ]


@contextmanager
def _cairn(folder: Path) -> Iterator[Folders]:
    with run_pair(folder) as pair:
        yield pair.one, pair.other


@contextmanager
def _syncthing(folder: Path) -> Iterator[Folders]:
    with run_syncthing(folder, SHORTEST_DELAY_S) as folders:
        yield folders


def loopback_bytes() -> int:
    """Give the bytes that have gone over the loopback device, headers included (proc(5), net/dev)."""
    for line in Path("/proc/net/dev").read_text("ascii").splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[0])
    raise LookupError("there is no loopback device")


def _timed(act: Callable[[], object], has_arrived: Callable[[], bool]) -> float:
    begun = time.perf_counter()
    act()
    while not has_arrived():
        if time.perf_counter() - begun > _LIMIT_S:
            raise NotArrivedError
        time.sleep(_LOOK_S)
    return time.perf_counter() - begun


class _Arrivals:
    """The whole files two levels below a folder; unfinished ones have other names or sizes.

    A full place is counted once: who looks on shares the cores with those who are timed.
    """

    def __init__(self, folder: Path, files: int) -> None:
        """Wait for so many files."""
        self._folder = folder
        self._files = files
        self._full: set[str] = set()

    def are_all_there(self) -> bool:
        """Look."""
        try:
            return sum(map(self._count, os.scandir(self._folder))) == self._files
        except FileNotFoundError:
            return False

    def _count(self, place: os.DirEntry[str]) -> int:
        if place.name in self._full:
            return FILES_PER_FOLDER
        count = sum(file.name.endswith(".bin") and file.stat().st_size == SMALL for file in os.scandir(place))
        if count == FILES_PER_FOLDER:
            self._full.add(place.name)
        return count


def _is_there(here: Path, there: Path) -> bool:
    """Tell whether a file has come; both sides give it its time with its name."""
    try:
        one, other = here.stat(), there.stat()
    except FileNotFoundError:
        return False
    return (one.st_size, one.st_mtime_ns // 1_000_000) == (other.st_size, other.st_mtime_ns // 1_000_000)


def _copy_with_insertion(source: Path, target: Path) -> None:
    size = source.stat().st_size
    with source.open("rb") as old, target.open("wb") as new:
        for number in range(size // MIB):
            if number == size // MIB // 2:
                new.write(os.urandom(MIB))
            new.write(old.read(MIB))
