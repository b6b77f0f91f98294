"""The simulated disk itself: legal rests of a power cut, faults, hints, and what it refuses to be used for."""

import random
from collections.abc import Callable

import pytest

from client.sync.model import TMP, Kind, Path
from client.sync.seams.files import FsError, Hint, Trouble
from tests.sim.fs import OutsideError, SimFs, SimMode, SimWatch, WatchFaults
from tests.sync.disk.pair import make, outcome, read, temporary

SEEDS = range(200)


def new(mode: SimMode | None = None, **rates: float) -> SimFs:
    now = [10**18]

    def tick() -> int:
        now[0] += 1_000_000
        return now[0]

    fs = SimFs(tick, mode=mode, rates={Trouble[name]: rate for name, rate in rates.items()})
    fs.probe()
    fs.sync_all()
    return fs


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a failure must come back with its seed


def rests(story: Callable[[SimFs], None], mode: SimMode) -> list[dict[Path, bytes | None]]:
    """Return the different rests that a power cut after a story leaves, live and private."""
    found: list[dict[Path, bytes | None]] = []
    for seed in SEEDS:
        fs = new(mode)
        story(fs)
        fs.crash(chance(seed))
        rest = {path: data for path, data in {**fs.tree(), **fs.private()}.items() if path not in {TMP[:1], TMP}}
        if rest not in found:
            found.append(rest)
    return found


JOURNAL = SimMode()
STRICT = SimMode(journal=False)


@pytest.mark.parametrize("mode", [JOURNAL, STRICT])
def test_what_was_synced_survives(mode: SimMode) -> None:
    def story(fs: SimFs) -> None:
        make(fs, temporary("t"), b"x" * 2000, 5, executable=True)
        fs.move(temporary("t"), ("a",))
        fs.sync_folders([TMP, ()])

    assert rests(story, mode) == [{("a",): b"x" * 2000}]


@pytest.mark.parametrize("mode", [JOURNAL, STRICT])
def test_a_rename_that_was_not_synced_leaves_the_file_under_either_name(mode: SimMode) -> None:
    def story(fs: SimFs) -> None:
        fs.user_write(("a",), b"x")
        fs.move(("a",), ("b",))

    found = rests(story, mode)

    both = [{("a",): b"x", ("b",): b"x"}] if mode is STRICT else []
    assert all(rest in found for rest in [{("a",): b"x"}, {("b",): b"x"}, *both])
    assert len(found) == 2 + len(both)


@pytest.mark.parametrize("mode", [JOURNAL, STRICT])
def test_an_exchange_is_whole_or_not_at_all(mode: SimMode) -> None:
    def story(fs: SimFs) -> None:
        fs.user_write(("a",), b"1")
        fs.user_write(("b",), b"2")
        fs.exchange(("a",), ("b",))

    found = rests(story, mode)

    assert len(found) == 2
    assert {("a",): b"2", ("b",): b"1"} in found


@pytest.mark.parametrize("mode", [JOURNAL, STRICT])
def test_content_that_was_not_synced_is_torn_in_pieces(mode: SimMode) -> None:
    def story(fs: SimFs) -> None:
        writing = fs.create(("a",))
        writing.write(b"x" * 1500, 0)
        writing.close()
        fs.sync_folders([()])

    found = {rest[("a",)] for rest in rests(story, mode)}

    assert {b"", bytes(1500), b"x" * 1500, bytes(512) + b"x" * 988} <= found


@pytest.mark.parametrize("mode", [JOURNAL, STRICT])
def test_a_folder_never_stands_at_two_places_and_takes_nothing_with_it(mode: SimMode) -> None:
    def story(fs: SimFs) -> None:
        fs.user_make_folder(("d", "e"))
        fs.user_write(("d", "e", "x"), b"x")
        fs.move(("d", "e"), ("f",))
        fs.move(("f", "x"), ("x",))
        fs.remove_folder(("d",))
        fs.make_folder(("d",))
        fs.move(("f",), ("d", "g"))

    for rest in rests(story, mode):
        assert b"x" in rest.values()
        assert sum(path[-1] in {"e", "f", "g"} for path in rest) == 1


@pytest.mark.parametrize("mode", [JOURNAL, STRICT])
def test_what_people_wrote_survives_among_changes_that_do_not(mode: SimMode) -> None:
    def story(fs: SimFs) -> None:
        fs.make_folder(("d",))
        make(fs, ("d", "ours"), b"ours", None, executable=False)
        fs.user_write(("d", "theirs"), b"theirs")
        fs.move(("d",), ("e",))
        fs.user_append(("e", "theirs"), b"+")

    for rest in rests(story, mode):
        assert b"theirs+" in rest.values()


def test_a_crash_is_the_same_for_the_same_seed() -> None:
    def after(seed: int) -> object:
        fs = new(STRICT)
        for number in range(20):
            make(fs, temporary(f"t{number}"), bytes([number]) * 900, 5, executable=False)
            fs.move(temporary(f"t{number}"), (f"f{number % 7}",)) if number < 7 else None
        fs.crash(chance(seed))
        return fs.tree(), fs.private(), fs.used

    assert [after(seed) for seed in range(20)] == [after(seed) for seed in range(20)]


def test_a_disk_goes_on_after_a_crash() -> None:
    for seed in SEEDS:
        fs = new(STRICT)
        handle = fs.create(temporary("open"))
        make(fs, ("a",), b"1", None, executable=False)
        fs.crash(chance(seed))

        assert outcome(lambda: handle.write(b"x", 0)) is Trouble.OTHER  # noqa: B023 - called at once
        fs.user_write(("a",), b"2")
        fs.move(("a",), ("b",))
        fs.sync_all()
        fs.crash(chance(seed))
        assert fs.tree() == {("b",): b"2"}
        assert fs.used == sum(len(data or b"") for data in [*fs.tree().values(), *fs.private().values()])


def test_a_failed_sync_is_final() -> None:
    fs = new()
    writing = fs.create(temporary("a"))
    writing.write(b"x" * 600, 0)
    fs.rates[Trouble.DAMAGED] = 1.0
    assert outcome(writing.sync) is Trouble.DAMAGED
    fs.rates.clear()

    assert outcome(writing.sync) is Trouble.DAMAGED
    assert outcome(lambda: fs.move(temporary("a"), ("a",))) is Trouble.DAMAGED


def test_a_disk_of_a_size_is_full_and_gives_room_back() -> None:
    fs = new(SimMode(size=1000))
    make(fs, temporary("a"), bytes(900), None, executable=False)

    assert outcome(lambda: make(fs, temporary("b"), bytes(200), None, executable=False)) is Trouble.FULL

    fs.remove(temporary("a"))
    assert fs.room() == (1000, 1000)


def test_a_subtree_that_may_not_be_read_is_unreadable_and_its_name_is_not() -> None:
    fs = new()
    fs.user_make_folder(("d",))
    fs.user_write(("d", "x"), b"x")
    fs.denied[("d",)] = Trouble.UNREADABLE

    assert fs.look(("d",)) is not None
    for call in (lambda: fs.list(("d",)), lambda: fs.look(("d", "x")), lambda: fs.open(("d", "x"))):
        assert outcome(call) is Trouble.UNREADABLE


def test_a_read_only_place_can_be_read() -> None:
    fs = new()
    fs.user_make_folder(("d",))
    fs.user_write(("d", "x"), b"x")
    fs.denied[("d",)] = Trouble.READ_ONLY

    assert read(fs, ("d", "x")) == b"x"
    assert outcome(lambda: fs.create(("d", "y"))) is Trouble.READ_ONLY
    assert outcome(lambda: fs.move(("d", "x"), ("x",))) is Trouble.READ_ONLY


@pytest.mark.parametrize("path", [("..",), ("a", "..", "b"), ("",), ("a/b",), ("/etc",)])
def test_a_path_that_leads_out_ends_the_run(path: Path) -> None:
    with pytest.raises(OutsideError):
        new().look(path)


def test_every_change_of_bytes_by_the_engine_is_told_and_none_by_people() -> None:
    told: list[tuple[Path, bytes | None, bytes | None]] = []
    fs = new()
    fs.on_change = lambda *change: told.append(change)
    fs.user_make_folder(("d",))
    fs.user_write(("d", "x"), b"old")
    make(fs, temporary("t"), b"new", None, executable=False)

    fs.exchange(temporary("t"), ("d", "x"))
    fs.move(("d",), ("e",))
    fs.move(("e", "x"), temporary("away"))

    assert told == [
        (("d", "x"), b"old", b"new"),
        (("d", "x"), b"new", None),
        (("e", "x"), None, b"new"),
        (("e", "x"), b"new", None),
    ]


def test_a_disk_that_folds_names_finds_and_keeps_them() -> None:
    fs = new(SimMode(case_sensitive=False, keeps_form=False))
    fs.user_write(("Caf\u00e9",), b"x")

    assert fs.look(("CAFE\u0301",)) is not None
    assert fs.list(())[1].name == "Caf\u00e9"
    assert outcome(lambda: fs.create(("caf\u00e9",))) is Trouble.EXISTS
    assert outcome(lambda: fs.move(("Caf\u00e9",), ("CAF\u00c9",))) is Trouble.EXISTS


def test_coarse_times_and_used_inodes_come_again() -> None:
    fs = new(SimMode(step_ns=2_000_000_000))
    fs.user_write(("a",), b"x")
    first = fs.look(("a",))
    fs.user_remove(("a",))
    fs.user_write(("b",), b"y")
    second = fs.look(("b",))

    assert first == second


def test_a_disk_without_bits_shows_all_files_alike() -> None:
    fs = new(SimMode(keeps_bits=False))
    fs.user_write(("a",), b"x")
    before = fs.look(("a",))
    assert before is not None

    after = fs.set_state(("a",), before, None, executable=not before.executable)

    assert after.executable == before.executable
    assert make(fs, ("b",), b"x", None, executable=not before.executable).executable == before.executable
    assert not fs.probe().keeps_bits


def test_a_handle_writes_on_whatever_happens_to_the_name() -> None:
    fs = new()
    fs.user_write(("a",), b"1")
    handle = fs.open_handle(("a",))
    make(fs, temporary("t"), b"new", None, executable=False)
    fs.exchange(temporary("t"), ("a",))

    handle.append(b"2")

    assert fs.private()[temporary("t")] == b"12"
    fs.remove(temporary("t"))
    handle.append(b"3")
    handle.close()
    assert fs.tree() == {("a",): b"new"}
    assert fs.used == 3


@pytest.mark.parametrize("style", ["rename", "backup", "delete"])
def test_the_styles_of_saving_end_with_the_new_bytes(style: str) -> None:
    fs = new()
    fs.user_write(("a",), b"old")
    seen: list[object] = []

    fs.user_save(("a",), b"new", style, lambda: seen.append(fs.tree()))  # type: ignore[arg-type] # a parameter is a str

    assert fs.tree()[("a",)] == b"new"
    assert (("a~",) in fs.tree()) == (style == "backup")
    assert len(seen) == (2 if style == "delete" else 1)


def test_trees_move_out_and_in_with_their_inodes() -> None:
    fs = new()
    fs.user_make_folder(("d",))
    fs.user_write(("d", "x"), b"x")
    before = fs.look(("d", "x"))
    away = fs.user_move_out(("d",))

    assert fs.tree() == {}
    fs.user_move_in(away, ("e",))
    assert fs.look(("e", "x")) == before


def test_hints_come_late_twice_or_never_and_overflow_is_told() -> None:
    def hints(faults: WatchFaults) -> list[Hint]:
        fs = new()
        got: list[Hint] = []
        watch = SimWatch(fs, got.append, chance(1), faults)
        assert watch.add(())
        fs.user_write(("a",), b"x")
        assert not got
        while watch.next_ns is not None:
            watch.deliver()
        return got

    plain = hints(WatchFaults())
    assert plain == [Hint(("a",)), Hint(("a",), closed=True)]
    assert hints(WatchFaults(doubled=1.0)) == [plain[0], plain[0], plain[1], plain[1]]
    assert hints(WatchFaults(lost=1.0)) == []
    assert hints(WatchFaults(overflow=1.0)) == [Hint(None)]
    assert sorted(hints(WatchFaults(late_ns=10**9))) == sorted(plain)


def test_a_watch_says_when_the_system_allows_no_more() -> None:
    fs = new()
    fs.user_make_folder(("d",))
    watch = SimWatch(fs, lambda _: None, chance(1), WatchFaults(limit=1))

    assert watch.add(())
    assert not watch.add(("d",))
    watch.forget(())
    assert watch.add(("d",))


def test_every_call_may_give_way() -> None:
    fs = new()
    count = [0]

    def switch() -> None:
        count[0] += 1
        raise FsError(Trouble.OTHER, ())

    fs.switch = switch
    calls: list[Callable[[], object]] = [
        fs.probe,
        fs.now_ns,
        fs.room,
        fs.sync_all,
        lambda: fs.look(()),
        lambda: fs.list(()),
        lambda: fs.create(("a",)),
        lambda: fs.move(("a",), ("b",)),
        lambda: fs.sync_folders([()]),
    ]

    assert [outcome(call) for call in calls] == [Trouble.OTHER] * len(calls)
    assert count[0] == len(calls)


@pytest.mark.parametrize("mode", [JOURNAL, STRICT])
def test_no_power_cut_takes_what_the_engine_only_moved(mode: SimMode) -> None:
    for seed in range(150):
        fs = new(mode)
        draw = chance(seed)
        tokens = {b"token%d" % number for number in range(6)}
        fs.user_make_folder(("a", "b"))
        for token in sorted(tokens):
            fs.user_write((token.decode(),), token)
        for _ in range(draw.randint(5, 40)):
            outcome(lambda: move_something(fs, draw))  # noqa: B023 - called at once
        fs.crash(draw)

        assert tokens <= fs.all_contents(), f"seed {seed}"
        check_tree(fs)


def move_something(fs: SimFs, draw: random.Random) -> None:
    def anywhere() -> Path:
        return tuple(draw.choices(["a", "b", "c", "token0", "token1", "token2"], k=draw.randint(1, 3)))

    paths = sorted(fs.tree())
    one, other = draw.choice(paths), draw.choice(paths)
    what = draw.randrange(9)
    if what < 4:
        fs.move(one, anywhere())
    elif what == 4:
        fs.exchange(one, other)
    elif what == 5:
        fs.make_folder(anywhere())
    elif what == 6:
        fs.remove_folder(one)
    elif what == 7:
        fs.sync_folders([one[:-1]])
    else:
        fs.user_touch(one, 5)


def check_tree(fs: SimFs) -> None:
    folders = [inode for _, inode in fs.walk() if inode.kind is Kind.FOLDER]
    assert len(folders) == len(set(folders))
    for path, inode in fs.walk():
        assert fs.find(path) is inode
        assert fs.path_of(inode) is not None
    numbers = {inode.number for _, inode in fs.walk()}
    assert len(numbers) == len({inode for _, inode in fs.walk()})


def test_a_mount_inside_is_another_device_and_stays() -> None:
    fs = new()
    fs.user_make_folder(("inner",))
    fs.mount(("inner",))
    fs.user_write(("a",), b"x")

    assert outcome(lambda: fs.move(("a",), ("inner", "a"))) is Trouble.CROSS_DEVICE
    assert outcome(lambda: fs.move(("inner",), ("b",))) is Trouble.BUSY
    assert outcome(lambda: fs.remove_folder(("inner",))) is Trouble.BUSY


def test_what_was_mounted_is_not_there_while_it_is_not_mounted() -> None:
    fs = new()
    fs.user_make_folder(("inner",))
    below = fs.look(("inner",))
    fs.mount(("inner",))
    within = fs.look(("inner",))
    fs.user_write(("inner", "a"), b"x")

    top = fs.unmount(("inner",))
    assert fs.look(("inner", "a")) is None
    found = fs.look(("inner",))
    fs.mount_again(("inner",), top)

    assert below is not None
    assert within is not None
    assert found is not None
    assert (found.inode, found.device) == (below.inode, below.device) != (within.inode, within.device)
    assert fs.user_read(("inner", "a")) == b"x"
