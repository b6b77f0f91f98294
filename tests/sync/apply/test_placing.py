"""Section 7, steps 2 to 5: nothing is replaced that is not what the planner saw, and no save is ever lost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from client.sync.outcome import Blocked, Stale
from client.sync.seams.files import Trouble
from tests.sync.apply.world import LONG_AGO_MS, CrashError, World, done, fetch, replace, stat_of

MakeWorld = Callable[..., World]
WAYS = [
    pytest.param({}, id="exchange"),
    pytest.param({"exchanges": False}, id="aside"),
]


def test_a_new_file_gets_the_servers_mtime_and_bit_and_is_sure(world: World) -> None:
    node = world.there("new.txt", b"hello")
    (outcome,) = world.fetcher.fetch_small([fetch(node)])
    assert world.content("new.txt") == b"hello"
    assert stat_of(outcome).mtime_ms == LONG_AGO_MS
    assert (done(outcome).sure, done(outcome).overtaken) == (True, False)
    assert done(outcome).stat == world.fs.look(("new.txt",))
    assert world.waiting("tmp") == []


def test_a_file_with_a_recent_mtime_is_not_sure(world: World) -> None:
    node = world.there("recent.txt", b"hello", mtime_ms=world.fs.now_ns() // 1_000_000 + 500)
    (outcome,) = world.fetcher.fetch_small([fetch(node)])
    assert not done(outcome).sure


def test_the_executable_bit_and_other_mode_bits_of_the_replaced_file(world: World) -> None:
    path = world.put("mode.sh", b"one")
    path.chmod(0o750)
    node = world.there("mode.sh", b"two two")
    (outcome,) = world.fetcher.fetch_small([replace(node, world.entry("mode.sh"), "mode.sh")])
    assert not stat_of(outcome).executable
    assert path.stat().st_mode & 0o777 == 0o640


def test_something_that_appeared_at_the_last_moment_is_not_replaced(world: World) -> None:
    node = world.there("appeared.txt", b"server")
    world.disk.once("before", "move", lambda: world.save("appeared.txt", b"mine"))
    (outcome,) = world.fetcher.fetch_small([fetch(node)])
    assert isinstance(outcome, Stale)
    assert world.content("appeared.txt") == b"mine"


@pytest.mark.parametrize("traits", WAYS)
def test_a_file_is_replaced(make_world: MakeWorld, traits: dict[str, bool]) -> None:
    world = make_world(**traits)
    node = world.there("plain.txt", b"new")
    world.put("plain.txt", b"old")
    (outcome,) = world.fetcher.fetch_small([replace(node, world.entry("plain.txt"), "plain.txt")])
    assert (world.content("plain.txt"), done(outcome).overtaken) == (b"new", False)
    assert world.waiting("tmp") == []
    assert world.sweep_for(75) == 0
    assert world.waiting() == []
    assert world.copies() == []


@pytest.mark.parametrize("traits", WAYS)
def test_a_file_that_changed_before_is_left_alone(make_world: MakeWorld, traits: dict[str, bool]) -> None:
    world = make_world(**traits)
    node = world.there("changed.txt", b"new")
    world.put("changed.txt", b"old")
    entry = world.entry("changed.txt")
    world.save("changed.txt", b"mine")
    (outcome,) = world.fetcher.fetch_small([replace(node, entry, "changed.txt")])
    assert isinstance(outcome, Stale)
    assert world.content("changed.txt") == b"mine"


@pytest.mark.parametrize("traits", WAYS)
def test_a_row_that_is_not_sure_counts_only_if_the_hash_fits(make_world: MakeWorld, traits: dict[str, bool]) -> None:
    world = make_world(**traits)
    node = world.there("racy.txt", b"new")
    path = world.put("racy.txt", b"old")
    entry = world.entry("racy.txt", sure=False)
    path.write_bytes(b"OLD")
    os.utime(path, ns=(entry.stat.mtime_ns,) * 2)
    now = world.fs.look(("racy.txt",))
    assert now is not None
    entry = type(entry)(entry.lid, 0, entry.name, now, entry.sha256, sure=False)
    (outcome,) = world.fetcher.fetch_small([replace(node, entry, "racy.txt")])
    assert isinstance(outcome, Stale)
    assert world.content("racy.txt") == b"OLD"


@pytest.mark.parametrize("edit", ["save", "write"])
def test_a_save_that_wins_the_race_becomes_a_conflict_copy_at_once(world: World, edit: str) -> None:
    node = world.there(f"race-{edit}.txt", b"server's")
    path = world.put(f"race-{edit}.txt", b"old")
    task = replace(node, world.entry(path.name), path.name)
    world.disk.once(
        "before", "exchange", lambda: world.save(path.name, b"mine") if edit == "save" else _write(path, b"mine")
    )
    (outcome,) = world.fetcher.fetch_small([task])
    assert world.content(path.name) == b"server's"
    assert world.copies() == [b"mine"]
    assert done(outcome).kept is not None
    kept_as = done(outcome).kept_as
    assert kept_as is not None
    assert kept_as[-1] == f"race-{edit} (conflict from laptop 2026-11-23 14-05-09).txt"
    assert world.waiting() == []


def test_a_touch_that_wins_the_race_makes_no_conflict_copy(world: World) -> None:
    node = world.there("touch.txt", b"server's")
    path = world.put("touch.txt", b"old")
    task = replace(node, world.entry("touch.txt"), "touch.txt")
    world.disk.once("before", "exchange", lambda: os.utime(path))
    world.fetcher.fetch_small([task])
    assert world.content("touch.txt") == b"server's"
    assert world.sweep_for(90) == 0
    assert (world.copies(), world.waiting()) == ([], [])


@pytest.mark.parametrize("edit", ["save", "write"])
def test_without_exchange_a_save_after_the_last_look_becomes_a_conflict_copy(make_world: MakeWorld, edit: str) -> None:
    world = make_world(exchanges=False)
    node = world.there("late.txt", b"server's")
    path = world.put("late.txt", b"old")
    task = replace(node, world.entry("late.txt"), "late.txt")
    world.disk.once(
        "before", "move", lambda: world.save(path.name, b"mine") if edit == "save" else _write(path, b"mine")
    )
    world.fetcher.fetch_small([task])
    assert (world.content("late.txt"), world.copies()) == (b"server's", [b"mine"])


def test_without_exchange_a_save_into_the_gap_is_left_alone(make_world: MakeWorld) -> None:
    world = make_world(exchanges=False)
    node = world.there("gap.txt", b"server's")
    world.put("gap.txt", b"old")
    task = replace(node, world.entry("gap.txt"), "gap.txt")
    world.disk.once("after", "move", lambda: world.save("gap.txt", b"mine"))
    (outcome,) = world.fetcher.fetch_small([task])
    assert isinstance(outcome, Stale)
    assert world.content("gap.txt") == b"mine"
    assert world.sweep_for(90) == 0
    assert (world.copies(), world.waiting()) == ([], [])


def test_without_exchange_what_a_full_disk_kept_from_its_place_gives_the_old_file_back(make_world: MakeWorld) -> None:
    world = make_world(exchanges=False)
    node = world.there("full.txt", b"server's")
    world.put("full.txt", b"old")
    task = replace(node, world.entry("full.txt"), "full.txt")
    world.disk.once("after", "move", lambda: world.disk.refuse("move", Trouble.FULL))
    (outcome,) = world.fetcher.fetch_small([task])
    assert isinstance(outcome, Blocked)
    assert (world.content("full.txt"), world.waiting()) == (b"old", [])


@pytest.mark.parametrize("traits", WAYS)
def test_what_the_server_does_not_hold_is_kept_under_the_name_asked_for(
    make_world: MakeWorld, traits: dict[str, bool]
) -> None:
    world = make_world(**traits)
    node = world.there("keep.txt", b"server's")
    world.put("keep.txt", b"my edit")
    (outcome,) = world.fetcher.fetch_small([replace(node, world.entry("keep.txt"), "keep.txt", keep_as="keep 2.txt")])
    assert (world.content("keep.txt"), world.content("keep 2.txt")) == (b"server's", b"my edit")
    assert done(outcome).kept == world.fs.look(("keep 2.txt",))
    assert done(outcome).kept_as == ("keep 2.txt",)


def test_a_name_that_was_taken_meanwhile_gives_another(world: World) -> None:
    node = world.there("keep.txt", b"server's")
    world.put("keep.txt", b"my edit")
    task = replace(node, world.entry("keep.txt"), "keep.txt", keep_as="keep 2.txt")
    world.disk.once("after", "exchange", lambda: world.save("keep 2.txt", b"other"))
    (outcome,) = world.fetcher.fetch_small([task])
    assert (world.content("keep 2.txt"), world.copies()) == (b"other", [b"my edit"])
    assert done(outcome).kept_as not in {None, ("keep 2.txt",)}


def test_an_edit_right_after_the_rename_is_told_as_overtaken(world: World) -> None:
    node = world.there("after.txt", b"server's")
    world.disk.once("after", "move", lambda: world.save("after.txt", b"mine"))
    (outcome,) = world.fetcher.fetch_small([fetch(node)])
    assert done(outcome).overtaken
    assert done(outcome).stat != world.fs.look(("after.txt",))
    assert world.content("after.txt") == b"mine"


def test_in_use_is_tried_after_5_15_and_60_s_without_a_second_download(world: World) -> None:
    node = world.there("busy.txt", b"new")
    world.put("busy.txt", b"old")
    task = replace(node, world.entry("busy.txt"), "busy.txt")
    pauses = []
    for _ in range(4):
        world.disk.refuse("exchange", Trouble.BUSY)
        (outcome,) = world.fetcher.fetch_small([task])
        assert isinstance(outcome, Blocked)
        assert outcome.problem.code == "busy"
        pauses.append(outcome.retry_s)
    assert pauses == [5, 15, 60, 300]
    done(world.fetcher.fetch_small([task])[0])
    assert world.remote.received == 3


def test_a_file_in_a_folder_that_is_gone_is_stale(world: World) -> None:
    node = world.there("lost.txt", b"hello")
    (outcome,) = world.fetcher.fetch_small([fetch(node, "gone/lost.txt")])
    assert isinstance(outcome, Stale)


def test_no_folder_is_entered_through_a_link(world: World) -> None:
    node = world.there("through.txt", b"hello")
    outside = world.top.parent / "outside"
    outside.mkdir()
    (world.top / "link").symlink_to(outside)
    (outcome,) = world.fetcher.fetch_small([fetch(node, "link/through.txt")])
    assert isinstance(outcome, Stale)
    assert list(outside.iterdir()) == []


def test_a_failed_sync_is_a_failed_download(world: World) -> None:
    nodes = [world.there(f"sync{number}.txt", b"hello") for number in range(5)]
    world.disk.refuse("sync_all", Trouble.DAMAGED)
    outcomes = world.fetcher.fetch_small([fetch(node) for node in nodes])
    assert all(isinstance(each, Blocked) and each.problem.code == "damaged" for each in outcomes)
    assert not list(world.top.glob("*.txt"))
    assert world.waiting("tmp") == []


@pytest.mark.parametrize("traits", WAYS)
@pytest.mark.parametrize("keep_as", [None, "kept.txt"])
def test_a_stop_at_any_call_leaves_old_or_new(
    make_world: MakeWorld, traits: dict[str, bool], keep_as: str | None
) -> None:
    world = make_world(**traits)
    at_every_moment = {b"old", b"new", *([] if traits.get("exchanges", True) else [None])}
    node = world.there("crash.txt", b"new")
    stop = 0
    ended = False
    while not ended:
        world.start()
        world.put("crash.txt", b"old")
        task = replace(node, world.entry("crash.txt"), "crash.txt", keep_as=keep_as)
        world.disk.log.clear()
        world.disk.crash_at = stop
        world.disk.after_each = lambda: _is_one_of(world.content("crash.txt"), at_every_moment)
        try:
            world.fetcher.fetch_small([task])
            ended = True
        except CrashError:
            pass
        world.start()
        rescued = world.sweep()  # as the engine does before it looks at anything
        content = world.content("crash.txt")
        assert content in {b"old", b"new"}, stop
        rescued += world.sweep_for(90)
        assert world.content("crash.txt") == content
        kept = world.copies() + [path.read_bytes() for path in world.top.glob("kept.txt")]
        if keep_as is None:
            assert (rescued, kept) == (0, []), stop
        else:
            assert content == b"old" or kept == [b"old"], stop
        assert world.waiting() == [], stop
        for path in world.top.glob("*.txt"):
            path.unlink()
        stop += 1
    assert stop > 10


def test_a_stop_after_a_lost_race_never_loses_the_save(world: World) -> None:
    node = world.there("crash2.txt", b"new")
    stop = 0
    ended = False
    while not ended:
        world.start()
        world.put("crash2.txt", b"old")
        task = replace(node, world.entry("crash2.txt"), "crash2.txt")
        world.disk.log.clear()
        world.disk.hooks.clear()
        world.disk.once("before", "exchange", lambda: world.save("crash2.txt", b"mine"))
        world.disk.crash_at = stop
        try:
            world.fetcher.fetch_small([task])
            ended = True
        except CrashError:
            pass
        saved = not world.disk.hooks
        world.start()
        world.sweep_for(90)
        if saved:
            assert b"mine" in [world.content("crash2.txt"), *world.copies()], stop
        for path in world.top.glob("*.txt"):
            path.unlink()
        stop += 1


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _is_one_of(content: bytes | None, allowed: set[bytes | None]) -> None:
    assert content in allowed
