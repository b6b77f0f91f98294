"""The simulated disk answers as real ones do, so that what the simulation proves holds (sync-engine.md, 16 D)."""

import random
from collections.abc import Callable

import pytest

from client.sync.model import TMP, Kind, Path, Stat
from client.sync.seams.files import Fs, Listed, Trouble
from tests.sync.disk.pair import Pair, make, plain, read, temporary

NAMES = ["a", "b", "B", "\u00e9", "e\u0301"]
ONE_MS = 1_000_000_001


def test_probe_tells_the_same(pair: Pair) -> None:
    real, sim = pair.real.probe(), pair.sim.probe()

    assert (
        real.case_sensitive,
        real.keeps_form,
        real.keeps_bits,
        real.windows_names,
        real.exchanges,
        real.max_name_bytes,
    ) == (
        sim.case_sensitive,
        sim.keeps_form,
        sim.keeps_bits,
        sim.windows_names,
        sim.exchanges,
        sim.max_name_bytes,
    )
    assert pair.real.list(TMP) == []


def test_a_file_is_made_placed_exchanged_and_removed(pair: Pair) -> None:
    pair.both(lambda fs: make(fs, temporary("one"), b"first", ONE_MS, executable=True))
    pair.both(lambda fs: fs.move(temporary("one"), ("a",)))
    pair.both(lambda fs: make(fs, temporary("two"), b"second", None, executable=False, like=("a",)))
    inodes = [(stat_of(fs, ("a",)).inode, stat_of(fs, temporary("two")).inode) for fs in (pair.real, pair.sim)]

    pair.both(lambda fs: fs.exchange(temporary("two"), ("a",)))

    pair.compare()
    assert inodes == [(stat_of(fs, temporary("two")).inode, stat_of(fs, ("a",)).inode) for fs in (pair.real, pair.sim)]
    assert pair.both(lambda fs: read(fs, ("a",))) == b"second"
    pair.both(lambda fs: fs.remove(temporary("two")))
    pair.both(lambda fs: fs.remove(temporary("two")))
    pair.compare()


def stat_of(fs: Fs, path: Path) -> Stat:
    found = fs.look(path)
    assert found is not None
    return found


REFUSALS: list[tuple[Callable[[Fs], object], Trouble]] = [
    (lambda fs: fs.create(("file",)), Trouble.EXISTS),
    (lambda fs: fs.create(("link",)), Trouble.EXISTS),
    (lambda fs: fs.create(("absent", "x")), Trouble.ABSENT),
    (lambda fs: fs.create(("file", "x")), Trouble.NOT_FOLDER),
    (lambda fs: fs.create(("link", "x")), Trouble.LINK),
    (lambda fs: fs.create(("folder", "n" * 256)), Trouble.NAME),
    (lambda fs: fs.create(()), Trouble.READ_ONLY),
    (lambda fs: fs.look(("file", "x")), Trouble.NOT_FOLDER),
    (lambda fs: fs.look(("link", "x")), Trouble.LINK),
    (lambda fs: fs.list(("file",)), Trouble.NOT_FOLDER),
    (lambda fs: fs.list(("link",)), Trouble.LINK),
    (lambda fs: fs.list(("absent",)), Trouble.ABSENT),
    (lambda fs: fs.open(("absent",)), Trouble.ABSENT),
    (lambda fs: fs.open(("link",)), Trouble.LINK),
    (lambda fs: fs.open(("folder",)), Trouble.CHANGED),
    (lambda fs: fs.reopen(("file",)), Trouble.READ_ONLY),
    (lambda fs: fs.reopen(temporary("twice")), Trouble.CHANGED),
    (lambda fs: fs.make_folder(("file",)), Trouble.EXISTS),
    (lambda fs: fs.make_folder(("folder",)), Trouble.EXISTS),
    (lambda fs: fs.remove_folder(("folder",)), Trouble.NOT_EMPTY),
    (lambda fs: fs.remove_folder(("file",)), Trouble.NOT_FOLDER),
    (lambda fs: fs.remove_folder(("link",)), Trouble.LINK),
    (lambda fs: fs.remove_folder(()), Trouble.READ_ONLY),
    (lambda fs: fs.move(("file",), ("folder",)), Trouble.EXISTS),
    (lambda fs: fs.move(("file",), ("link",)), Trouble.EXISTS),
    (lambda fs: fs.move(("file",), ("file",)), Trouble.EXISTS),
    (lambda fs: fs.move(("link",), ("x",)), Trouble.LINK),
    (lambda fs: fs.move(("absent",), ("x",)), Trouble.ABSENT),
    (lambda fs: fs.move(("file",), ("link", "x")), Trouble.LINK),
    (lambda fs: fs.move(("folder",), ("folder", "inner", "x")), Trouble.OTHER),
    (lambda fs: fs.exchange(("file",), ("folder",)), Trouble.CHANGED),
    (lambda fs: fs.exchange(("file",), ("link",)), Trouble.LINK),
    (lambda fs: fs.exchange(("file",), ("absent",)), Trouble.ABSENT),
    (lambda fs: fs.replace(("file",), ("folder",)), Trouble.CHANGED),
    (lambda fs: fs.replace(("file",), ("link",)), Trouble.LINK),
    (lambda fs: fs.replace(("file",), temporary("twice")), Trouble.CHANGED),
    (lambda fs: fs.remove(("file",)), Trouble.READ_ONLY),
    (lambda fs: fs.remove(TMP), Trouble.CHANGED),
    (lambda fs: fs.sync_folders([("absent",)]), Trouble.ABSENT),
]


def test_refusals_are_the_same_and_change_nothing(pair: Pair) -> None:
    pair.write(("file",), b"file")
    pair.write(("other",), b"other")
    pair.make_folder(("folder", "inner"))
    pair.link(("link",), "folder")
    pair.hard_link(("file",), temporary("twice"))
    before = pair.both(lambda fs: fs.list(()))

    for number, (call, trouble) in enumerate(REFUSALS):
        assert pair.both(call, f"refusal {number}") is trouble, number

    pair.compare()
    assert pair.both(lambda fs: fs.list(())) == before


def test_state_is_set_only_while_the_file_is_as_expected(pair: Pair) -> None:
    pair.write(("a",), b"one")
    stats = {id(fs): stat_of(fs, ("a",)) for fs in (pair.real, pair.sim)}

    changed = pair.both(lambda fs: fs.set_state(("a",), stats[id(fs)], ONE_MS, executable=True))

    assert changed == (Kind.FILE, 3, ONE_MS * 1_000_000, True)
    assert pair.both(lambda fs: fs.set_state(("a",), stats[id(fs)], 5, executable=False)) is Trouble.CHANGED
    pair.compare()


@pytest.mark.parametrize("mtime_ms", [0, -1, -(10**12), 4_300_000_000_000, 999])
def test_any_time_can_be_kept(pair: Pair, mtime_ms: int) -> None:
    for fs in (pair.real, pair.sim):
        stat = make(fs, ("a",), b"", mtime_ms, executable=False)

        assert stat.mtime_ms == mtime_ms


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_are_the_same(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a failure must come back with its seed
    history: list[str] = []
    for _ in range(250):
        story(pair, chance, history)
        pair.compare(f"seed {seed}: {history[-8:]}")


def story(pair: Pair, chance: random.Random, history: list[str]) -> None:
    """Do something anywhere, on both."""

    def path() -> Path:
        place = chance.choice([(), (), (), TMP, *[tuple(chance.choices(NAMES, k=n)) for n in (1, 1, 2)]])
        return (*place, chance.choice(NAMES))

    one, other = path(), path()
    data = bytes(chance.choices(b"xyz", k=chance.randint(0, 20)))
    mtime = chance.choice([None, 0, ONE_MS, ONE_MS + 1])
    flag = chance.random() < 0.5
    like = chance.choice([None, other])
    calls: dict[str, Callable[[Fs], object]] = {
        "create": lambda fs: make(fs, one, data, mtime, executable=flag, like=like),
        "create ": lambda fs: make(fs, temporary(one[-1]), data, mtime, executable=flag, like=like),
        "reopen": lambda fs: rewrite(fs, temporary(one[-1]), data),
        "make_folder": lambda fs: fs.make_folder(one),
        "remove_folder": lambda fs: fs.remove_folder(one),
        "move": lambda fs: fs.move(one, other),
        "move ": lambda fs: fs.move(temporary(one[-1]), other),
        "exchange": lambda fs: fs.exchange(one, other),
        "replace": lambda fs: fs.replace(one, other),
        "remove": lambda fs: fs.remove(temporary(one[-1])),
        "set_state": lambda fs: set_state(fs, one, mtime, executable=flag),
        "look": lambda fs: fs.look(one),
        "list": lambda fs: fs.list(one),
        "sync": lambda fs: fs.sync_folders([one, ()]),
        "sync_all": lambda fs: fs.sync_all(),
    }
    people: dict[str, Callable[[], None]] = {
        "person writes": lambda: pair.write(one, data) if is_no_link(pair, one) else None,
        "person renames": lambda: (
            pair.rename(one, other) if is_no_link(pair, one[:-1]) and is_no_link(pair, other[:-1]) else None
        ),
        "person removes": lambda: pair.remove_tree(one) if is_no_link(pair, one) and one[:2] != TMP else None,
        "person makes": lambda: pair.make_folder(one) if is_no_link(pair, one) else None,
        "person links": lambda: pair.link(one, "a") if is_no_link(pair, one[:-1]) else None,
        "person chmods": lambda: pair.chmod(one, executable=flag) if is_file(pair, one) else None,
        "person touches": lambda: pair.touch(one, ONE_MS * 10**6) if is_file(pair, one) else None,
    }
    name = chance.choice(sorted([*calls, *people]))
    history.append(f"{name} {one} {other}")
    if name in calls:
        pair.both(calls[name], str(history[-8:]))
    else:
        people[name]()


def rewrite(fs: Fs, path: Path, data: bytes) -> object:
    writing = fs.reopen(path)
    writing.write(data, 3)
    writing.truncate(5)
    writing.sync()
    answer = plain(writing.stat()), writing.read(100, 0)
    writing.close()
    return answer


def set_state(fs: Fs, path: Path, mtime: int | None, *, executable: bool) -> object:
    found = fs.look(path)
    return None if found is None else fs.set_state(path, found, mtime, executable=executable)


def is_no_link(pair: Pair, path: Path) -> bool:
    """Tell whether no part of a path is a link, which programs of people would follow."""
    return not any(pair.path(path[:depth]).is_symlink() for depth in range(1, len(path) + 1))


def is_file(pair: Pair, path: Path) -> bool:
    return is_no_link(pair, path) and pair.path(path).is_file()


def test_an_open_file_is_the_same_whatever_its_name_is(pair: Pair) -> None:
    pair.write(("a",), b"one")
    for fs in (pair.real, pair.sim):
        reading = fs.open(("a",))
        fs.move(("a",), ("b",))
        make(fs, ("a",), b"another", None, executable=False)

        assert reading.read(10, 0) == b"one"
        assert reading.stat().inode == stat_of(fs, ("b",)).inode
        reading.close()


def test_a_file_is_open_while_anybody_has_it_open(pair: Pair) -> None:
    pair.write(("a",), b"one")
    assert pair.both(lambda fs: fs.is_open(("a",))) is False
    readings = [fs.open(("a",)) for fs in (pair.real, pair.sim)]
    assert pair.both(lambda fs: fs.is_open(("a",))) is True
    for reading in readings:
        reading.close()
    assert pair.both(lambda fs: fs.is_open(("a",))) is False
    assert pair.both(lambda fs: fs.is_open(("b",))) is Trouble.ABSENT


def test_listing_holds_each_name_once_as_it_was_given(pair: Pair) -> None:
    names = ["x", "Y", "caf\u00e9", "\udcff", ".hidden"]
    for name in names:
        if pair.folder.name != "root" or name != "\udcff":
            pair.write((name,), b"")
    listed: list[Listed] = pair.real.list(())

    assert sorted(entry.name for entry in listed) == sorted(entry.name for entry in pair.sim.list(()))
