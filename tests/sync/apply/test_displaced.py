"""Section 7, step 4, and what follows it: displaced files, leftovers of a stop, torn writes."""

import os

import pytest

from client.sync.apply.checks import torn_state
from client.sync.apply.displaced import Label
from client.sync.model import DISPLACED, Kind, LocalEntry, Stat
from client.sync.seams.files import Traits, Trouble
from tests.sync.apply.world import World, done, replace, sha256_of


def replaced(world: World, name: str = "a.txt", *, old: bytes = b"old", sure: bool = True) -> None:
    """Replace a file, so that its old content waits."""
    node = world.there(name, b"new of " + name.encode())
    world.put(name, old)
    done(world.fetcher.fetch_small([replace(node, world.entry(name, sure=sure), name)])[0])
    assert world.waiting() == [old]


@pytest.mark.parametrize("mtime_ns", [0, 1, -1, -(2**40), 2**62, 1_700_000_000_123_456_789])
@pytest.mark.parametrize("sha256", [None, "ab" * 32])
def test_the_name_tells_all(mtime_ns: int, sha256: str | None) -> None:
    stat = Stat(Kind.FILE, 2**45, mtime_ns, 3, 2**64 - 1, 1, executable=False)
    label = Label.of(LocalEntry(2**33, 0, "a-b", stat, sha256, sure=True), "0123456789abcdef", 2**64 - 2, keep=False)
    assert Label.read(label.path[-1]) == label
    assert label.path[:-1] == DISPLACED
    assert len(label.path[-1]) <= 143  # what eCryptfs holds
    assert label.fits(stat, Traits())


@pytest.mark.parametrize("name", ["", "x", "a-b-c", "t-q-1-1-1-1-1-x", "t-s-1-1-1-1-g-x", "t-s-1-1-1-1-1-x-y"])
def test_other_names_tell_nothing(name: str) -> None:
    assert Label.read(name) is None


def test_what_was_quiet_for_a_minute_is_dropped_and_not_before(world: World) -> None:
    replaced(world)
    world.sweep_for(57)
    assert world.waiting() == [b"old"]
    assert world.displaced.has_any
    world.sweep_for(9)
    assert world.waiting() == []
    world.sweep()
    assert not world.displaced.has_any


@pytest.mark.parametrize("size", [3, 300])
def test_a_program_that_writes_on_makes_a_conflict_copy(world: World, size: int) -> None:
    node = world.there("a.txt", b"new")
    path = world.put("a.txt", b"old")
    task = replace(node, world.entry("a.txt"), "a.txt")
    with path.open("r+b") as handle:
        done(world.fetcher.fetch_small([task])[0])
        world.sweep_for(30)
        handle.write(b"M" * size)
    assert world.sweep_for(30) == 1
    assert (world.content("a.txt"), world.copies(), world.waiting()) == (b"new", [b"M" * size], [])


def test_a_write_that_gives_the_old_mtime_back_is_seen_by_its_hash(world: World) -> None:
    node = world.there("a.txt", b"new")
    path = world.put("a.txt", b"old")
    entry = world.entry("a.txt")
    with path.open("r+b") as handle:
        done(world.fetcher.fetch_small([replace(node, entry, "a.txt")])[0])
        world.sweep_for(30)
        handle.write(b"OLD")
        handle.flush()
        os.utime(handle.fileno(), ns=(entry.stat.mtime_ns,) * 2)
    assert world.sweep_for(90) == 1
    assert world.copies() == [b"OLD"]


def test_what_a_program_has_open_is_not_dropped_and_what_it_writes_hours_later_is_kept(world: World) -> None:
    node = world.there("a.txt", b"new")
    path = world.put("a.txt", b"old")
    with path.open("r+b") as handle:
        done(world.fetcher.fetch_small([replace(node, world.entry("a.txt"), "a.txt")])[0])
        for _ in range(20):
            world.clock.now_s += 600
            assert world.sweep() == 0
        assert world.waiting() == [b"old"]
        handle.write(b"late")
    assert world.sweep_for(9) == 1
    assert (world.copies(), world.waiting()) == ([b"late"], [])


def test_what_was_open_is_dropped_once_it_is_closed(world: World) -> None:
    node = world.there("a.txt", b"new")
    path = world.put("a.txt", b"old")
    with path.open("r+b"):
        done(world.fetcher.fetch_small([replace(node, world.entry("a.txt"), "a.txt")])[0])
        world.sweep_for(90)
        assert world.waiting() == [b"old"]
    world.sweep()
    assert (world.copies(), world.waiting()) == ([], [])


def test_where_nobody_tells_what_is_open_an_hour_of_quiet_stands_for_it(world: World) -> None:
    replaced(world)
    world.disk.answer("is_open", None)
    world.sweep()
    world.clock.now_s += 3590
    world.sweep()
    assert world.waiting() == [b"old"]
    world.clock.now_s += 10
    world.sweep()
    assert world.waiting() == []


def test_a_store_that_shows_in_no_time_is_seen_by_its_hash(world: World) -> None:
    """One through a mapping, into a page that waits to be written; here the times are put back."""
    node = world.there("a.txt", b"new")
    path = world.put("a.txt", b"old")
    entry = world.entry("a.txt")
    path.write_bytes(b"OLD")
    os.utime(path, ns=(entry.stat.mtime_ns,) * 2)
    sure = entry_with(entry, world.entry("a.txt").stat)
    done(world.fetcher.fetch_small([replace(node, sure, "a.txt")])[0])
    assert world.waiting() == [b"OLD"]
    assert world.sweep_for(90) == 1
    assert world.copies() == [b"OLD"]


def entry_with(entry: LocalEntry, stat: Stat) -> LocalEntry:
    return LocalEntry(entry.lid, entry.parent, entry.name, stat, entry.sha256, entry.sure)


def test_a_racy_row_is_hashed_before_it_is_dropped(world: World) -> None:
    node = world.there("a.txt", b"new")
    path = world.put("a.txt", b"old")
    entry = world.entry("a.txt", sure=False)

    def write_in_the_same_tick() -> None:
        world.put("a.txt", b"OLD")

    world.disk.once("before", "exchange", write_in_the_same_tick)
    done(world.fetcher.fetch_small([replace(node, entry, path.name)])[0])
    assert world.sweep_for(90) == 1
    assert (world.copies(), world.waiting()) == ([b"OLD"], [])


def test_a_touch_makes_no_conflict_copy_and_a_new_minute(world: World) -> None:
    replaced(world)
    (item,) = (world.top / ".cairn/displaced").iterdir()
    world.sweep_for(57)
    os.utime(item)
    world.disk.log.clear()
    assert world.sweep_for(57) == 0
    assert world.disk.log.count("open") == 1  # it is not read anew each time
    assert world.waiting() == [b"old"]
    assert world.sweep_for(12) == 0
    assert (world.waiting(), world.copies()) == ([], [])


def test_a_conflict_copy_goes_where_the_file_went(world: World) -> None:
    replaced(world)
    (item,) = (world.top / ".cairn/displaced").iterdir()
    item.write_bytes(b"edited")
    (world.top / "folder").mkdir()
    (world.top / "a.txt").rename(world.top / "folder/b.txt")
    world.lids[7] = ("folder", "b.txt")
    world.sweep_for(9)
    assert (world.top / "folder/b (conflict from laptop 2026-11-23 14-05-09).txt").read_bytes() == b"edited"


@pytest.mark.parametrize("gone", ["entry", "folder"])
def test_a_conflict_copy_without_a_place_goes_to_the_root(world: World, gone: str) -> None:
    replaced(world)
    (item,) = (world.top / ".cairn/displaced").iterdir()
    item.write_bytes(b"edited")
    world.lids = {} if gone == "entry" else {7: ("gone", "a.txt")}
    assert world.sweep_for(9) == 1
    assert world.copies() == [b"edited"]
    assert [path.parent for path in world.top.rglob("*conflict from*")] == [world.top]


def test_what_cannot_be_rescued_stays_and_is_told(world: World) -> None:
    replaced(world)
    (item,) = (world.top / ".cairn/displaced").iterdir()
    item.write_bytes(b"edited")
    world.disk.refuse("move", Trouble.READ_ONLY)
    world.sweep_for(6)
    world.sweep()
    assert [problem.code for problem in world.displaced.problems] == ["read_only"]
    assert world.waiting() == [b"edited"]
    world.sweep()
    assert (world.displaced.problems, world.copies()) == ([], [b"edited"])


def test_a_file_that_nobody_knows_is_not_dropped(world: World) -> None:
    world.put(".cairn/displaced/strange", b"mine")
    assert world.sweep_for(90) == 1
    assert world.copies() == [b"mine"]


def test_what_an_earlier_run_left_is_decided_by_the_same_rule(world: World) -> None:
    replaced(world)
    (item,) = (world.top / ".cairn/displaced").iterdir()
    item.write_bytes(b"edited")
    world.start()
    assert world.sweep() == 1
    assert world.copies() == [b"edited"]


def test_a_download_that_never_got_its_place_goes_at_the_next_start(world: World) -> None:
    world.put("a.txt", b"old")
    world.put(".cairn/displaced/own", b"new")
    own = world.fs.look((*DISPLACED, "own"))
    assert own is not None
    label = Label.of(world.entry("a.txt"), "0123456789abcdef", own.inode, keep=True)
    world.fs.move((*DISPLACED, "own"), label.path)
    assert world.sweep_for(120) == 0
    assert world.waiting() == [b"new"]  # a job may be about to exchange it
    world.start()
    assert world.sweep() == 0
    assert (world.waiting(), world.content("a.txt")) == ([], b"old")


def test_a_second_link_of_the_live_file_is_no_conflict(world: World) -> None:
    path = world.put("a.txt", b"old")
    label = Label.of(world.entry("a.txt"), "0123456789abcdef", 0, keep=True)
    (world.top / ".cairn/displaced").mkdir()
    os.link(path, world.top.joinpath(*label.path))  # what is left of a move where a disk links and unlinks
    path.write_bytes(b"edited")
    assert world.sweep_for(120) == 0
    assert world.waiting() == [b"edited"]  # a job may be about to replace the first
    world.start()
    assert world.sweep() == 0
    assert (world.content("a.txt"), world.waiting()) == (b"edited", [])


def test_a_file_that_was_moved_aside_when_a_run_ended_gets_its_place_back(world: World) -> None:
    world.put("a.txt", b"old")
    label = Label.of(world.entry("a.txt"), "0123456789abcdef", 0, keep=False)
    (world.top / ".cairn/displaced").mkdir()
    world.fs.move(("a.txt",), label.path)
    assert world.sweep_for(10) == 0
    assert world.content("a.txt") is None  # a job may be about to put the newer one there
    world.start()
    assert world.sweep() == 0
    assert (world.content("a.txt"), world.waiting()) == (b"old", [])


def test_unfinished_downloads_are_kept_for_a_day(world: World) -> None:
    world.put(".cairn/tmp/unfinished", b"part")
    world.sweep()
    assert world.waiting("tmp") == [b"part"]
    now_ns = world.fs.now_ns()
    world.disk.answer("now_ns", now_ns + 25 * 3600 * 1_000_000_000)
    world.clock.now_s += 3600
    world.sweep()
    assert world.waiting("tmp") == []


@pytest.mark.parametrize(
    ("content", "torn"), [(b"", True), (bytes(5), True), (bytes(9000), True), (b"other", False), (b"right", False)]
)
def test_empty_or_zero_with_its_own_mtime_is_torn(world: World, content: bytes, *, torn: bool) -> None:
    world.put("a.txt", b"right")
    entry = world.entry("a.txt")
    path = world.put("a.txt", content)
    found = torn_state(world.fs, ("a.txt",), entry.stat, sha256_of(b"right"))
    assert found == ((world.entry("a.txt").stat, sha256_of(content)) if torn else None)
    os.utime(path)
    assert torn_state(world.fs, ("a.txt",), entry.stat, sha256_of(b"right")) is None


def test_a_file_that_should_be_zero_or_empty_is_not_torn(world: World) -> None:
    for content in (b"", bytes(7)):
        world.put("a.txt", content)
        assert torn_state(world.fs, ("a.txt",), world.entry("a.txt").stat, sha256_of(content)) is None
    assert torn_state(world.fs, ("gone",), world.entry("a.txt").stat, sha256_of(b"")) is None
