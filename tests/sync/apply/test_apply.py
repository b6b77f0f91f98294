"""Section 7: single changes of this device, each compared with what the planner saw at the last moment."""

import msgspec
import pytest

from client.sync.apply.private import TRIES
from client.sync.model import PARKED, Kind, LocalEntry, RemoteNode
from client.sync.operations import MakeFolderHere, MoveHere, Operation, SetAside, SetHere
from client.sync.outcome import Blocked, Done, Outcome, Stale, Task
from client.sync.seams.files import Trouble
from tests.sync.apply.world import LONG_AGO_MS, CrashError, World, delete, done, sha256_of, stat_of

FOLDER = RemoteNode("f", "root", "folder", Kind.FOLDER, None, None, 0, None, executable=False, seq=1)


def move(entry: LocalEntry, path: str, *target: str) -> Task[Operation]:
    return Task(MoveHere(entry=entry, parent=0, name=target[-1]), tuple(path.split("/")), target)


def make_folder(*path: str) -> Task[Operation]:
    return Task(MakeFolderHere(node=FOLDER, parent=0, name=path[-1]), None, path)


def fail_to_sync(world: World, times: int) -> None:
    """Let the next calls fail that make names durable."""
    for _ in range(times):
        world.disk.refuse("sync_folders", Trouble.DAMAGED)


def test_a_folder_is_made(world: World) -> None:
    outcomes = world.applier.run_many([make_folder("folder"), make_folder("folder", "below")])
    assert stat_of(outcomes[1]) == world.fs.look(("folder", "below"))


def test_a_folder_is_not_made_where_something_stands(world: World) -> None:
    world.put("folder", b"mine")
    assert isinstance(world.applier.run(make_folder("folder")), Stale)
    assert world.content("folder") == b"mine"


def test_a_file_is_moved_and_known_by_its_new_stat(world: World) -> None:
    world.put("a.txt", b"text")
    entry = world.entry("a.txt")
    outcome = world.applier.run(move(entry, "a.txt", "b.txt"))
    assert (world.content("a.txt"), world.content("b.txt")) == (None, b"text")
    assert stat_of(outcome) == world.fs.look(("b.txt",))
    assert (done(outcome).sha256, done(outcome).sure) == (entry.sha256, True)


def test_a_move_replaces_nothing(world: World) -> None:
    world.put("a.txt", b"one")
    world.put("b.txt", b"two")
    assert isinstance(world.applier.run(move(world.entry("a.txt"), "a.txt", "b.txt")), Stale)
    assert (world.content("a.txt"), world.content("b.txt")) == (b"one", b"two")


def test_a_file_is_parked_and_comes_back(world: World) -> None:
    world.put("a.txt", b"text")
    parked = world.applier.run(move(world.entry("a.txt"), "a.txt", *PARKED, "token"))
    assert world.waiting("parked") == [b"text"]
    entry = LocalEntry(7, -1, "token", stat_of(parked), sha256_of(b"text"), sure=True)
    task: Task[Operation] = Task(MoveHere(entry=entry, parent=0, name="b.txt"), (*PARKED, "token"), ("b.txt",))
    done(world.applier.run(task))
    assert world.content("b.txt") == b"text"


def test_a_folder_moves_with_all_that_came_into_it_since(world: World) -> None:
    world.put("folder/a.txt", b"text")
    entry = world.entry("folder")
    world.put("folder/new.txt", b"new")
    done(world.applier.run(move(entry, "folder", "other")))
    assert world.content("other/new.txt") == b"new"


@pytest.mark.parametrize("edit", ["save", "write", "write with the old mtime", "remove", "folder"])
@pytest.mark.parametrize("kind", ["move", "aside", "set", "delete"])
def test_what_changed_since_it_was_seen_is_stale(world: World, edit: str, kind: str) -> None:
    path = world.put("a.txt", b"seen")
    entry = world.entry("a.txt")
    if edit == "save":
        world.save("a.txt", b"mine")
    elif edit == "write":
        path.write_bytes(b"mine")
    elif edit == "write with the old mtime":
        world.put("a.txt", b"mine")
    else:
        path.unlink()
        if edit == "folder":
            path.mkdir()
    assert isinstance(world.applier.run(_task(kind, entry)), Stale)
    if edit not in {"remove", "folder"}:
        assert world.content("a.txt") == b"mine"


@pytest.mark.parametrize("kind", ["move", "aside", "delete"])
def test_a_row_that_is_not_sure_counts_only_if_the_hash_fits(world: World, kind: str) -> None:
    world.put("a.txt", b"mine")
    entry = msgspec.structs.replace(world.entry("a.txt", sure=False), sha256=sha256_of(b"seen"))
    assert isinstance(world.applier.run(_task(kind, entry)), Stale)
    assert world.content("a.txt") == b"mine"


def test_a_save_in_the_middle_of_a_move_is_moved_and_looked_at_again(world: World) -> None:
    world.put("a.txt", b"seen")
    entry = world.entry("a.txt")
    world.disk.once("before", "move", lambda: world.save("a.txt", b"mine"))
    outcome = done(world.applier.run(move(entry, "a.txt", "b.txt")))
    assert (outcome.overtaken, world.content("b.txt")) == (True, b"mine")


def test_aside_takes_no_name_that_is_in_use(world: World) -> None:
    world.put("a.txt", b"one")
    world.put("aside.txt", b"two")
    assert isinstance(world.applier.run(_task("aside", world.entry("a.txt"))), Stale)
    assert world.content("aside.txt") == b"two"


def test_mtime_and_bit_are_set_and_the_content_is_read_again(world: World) -> None:
    world.put("a.txt", b"text")
    outcome = done(world.applier.run(_task("set", world.entry("a.txt"))))
    assert outcome.stat is not None
    assert (outcome.stat.mtime_ms, outcome.stat.executable) == (LONG_AGO_MS + 5000, True)
    assert outcome.stat == world.fs.look(("a.txt",))
    assert not outcome.sure


def test_a_file_goes_to_the_trash_of_its_day(world: World) -> None:
    world.put("folder/a.txt", b"text")
    done(world.applier.run(delete(world.entry("folder/a.txt"), "folder/a.txt")))
    assert world.content("folder/a.txt") is None
    assert world.content(".cairn/trash/2026-11-23/folder/a.txt") == b"text"


def test_names_in_the_trash_are_never_taken_twice(world: World) -> None:
    for number in range(3):
        world.put("a.txt", b"text %d" % number)
        done(world.applier.run(delete(world.entry("a.txt"), "a.txt")))
    world.put("a.txt/b", b"below")
    done(world.applier.run(delete(world.entry("a.txt/b"), "a.txt/b")))
    assert world.waiting("trash") == [b"below", b"text 0", b"text 1", b"text 2"]


def test_a_save_that_went_to_the_trash_comes_back(world: World) -> None:
    world.put("a.txt", b"seen")
    task = delete(world.entry("a.txt"), "a.txt")
    world.disk.once("before", "move", lambda: world.save("a.txt", b"mine"))
    assert isinstance(world.applier.run(task), Stale)
    assert (world.content("a.txt"), world.waiting("trash")) == (b"mine", [])


def test_two_saves_in_the_middle_of_a_delete_both_live(world: World) -> None:
    world.put("a.txt", b"seen")
    task = delete(world.entry("a.txt"), "a.txt")
    world.disk.once("before", "move", lambda: world.save("a.txt", b"first"))
    world.disk.once("after", "move", lambda: world.save("a.txt", b"second"))
    assert isinstance(world.applier.run(task), Stale)
    assert (world.content("a.txt"), world.copies()) == (b"second", [b"first"])


def test_an_empty_folder_is_removed_and_one_with_something_in_it_is_not(world: World) -> None:
    (world.top / "folder").mkdir()
    task = delete(world.entry("folder"), "folder")
    world.put("folder/.hidden", b"mine")
    assert isinstance(world.applier.run(task), Stale)
    assert world.content("folder/.hidden") == b"mine"
    (world.top / "folder/.hidden").unlink()
    done(world.applier.run(task))
    assert not (world.top / "folder").exists()


def test_a_folder_that_is_another_now_stays(world: World) -> None:
    (world.top / "folder").mkdir()
    task = delete(world.entry("folder"), "folder")
    (world.top / "folder").rename(world.top / "elsewhere")
    (world.top / "folder").mkdir()
    assert isinstance(world.applier.run(task), Stale)
    assert (world.top / "folder").is_dir()


def test_a_link_in_place_of_a_file_is_left_alone(world: World) -> None:
    path = world.put("a.txt", b"seen")
    task = delete(world.entry("a.txt"), "a.txt")
    path.unlink()
    path.symlink_to("elsewhere")
    assert isinstance(world.applier.run(task), Stale)
    assert path.is_symlink()


def test_many_deletes_sync_each_folder_once(world: World) -> None:
    tasks = []
    for number in range(300):
        world.put(f"file {number}", b"text")
        tasks.append(delete(world.entry(f"file {number}"), f"file {number}"))
    world.disk.log.clear()
    assert all(done(each) for each in world.applier.run_many(tasks))
    assert world.disk.log.count("sync_folders") == 1
    assert len(world.waiting("trash")) == 300


def test_what_was_made_and_may_not_last_is_looked_at_again(world: World) -> None:
    fail_to_sync(world, TRIES)
    assert isinstance(world.applier.run(make_folder("folder")), Stale)


def test_a_disk_that_fails_to_sync_names_is_asked_again(world: World) -> None:
    fail_to_sync(world, TRIES - 1)
    assert isinstance(world.applier.run(make_folder("folder")), Done)


def test_what_was_taken_away_is_so_though_it_may_not_last(world: World) -> None:
    for name in ("a.txt", "b.txt"):
        world.put(name, b"text")
    fail_to_sync(world, 2 * TRIES)
    assert isinstance(world.applier.run(move(world.entry("a.txt"), "a.txt", "c.txt")), Done)
    assert isinstance(world.applier.run(delete(world.entry("b.txt"), "b.txt")), Done)


def test_what_went_to_the_trash_is_gone_though_it_cannot_be_looked_at_there(world: World) -> None:
    """Its absence would look like a delete by the user, which the server is told of."""
    world.put("a.txt", b"text")
    world.disk.once("after", "move", lambda: world.disk.refuse("look", Trouble.DAMAGED))
    assert isinstance(world.applier.run(delete(world.entry("a.txt"), "a.txt")), Done)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.READ_ONLY, "read_only"),
        (Trouble.BUSY, "busy"),
        (Trouble.NAME, "name"),
        (Trouble.DAMAGED, "damaged"),
        (Trouble.FULL, "full"),
        (Trouble.CROSS_DEVICE, "other"),
    ],
)
def test_what_the_disk_refuses_is_told_by_its_code(world: World, trouble: Trouble, code: str) -> None:
    world.put("a.txt", b"text")
    task = move(world.entry("a.txt"), "a.txt", "b.txt")
    world.disk.refuse("move", trouble)
    outcome = world.applier.run(task)
    assert isinstance(outcome, Blocked)
    assert (outcome.problem.code, outcome.problem.path) == (code, "a.txt")


def test_what_is_in_use_is_tried_after_5_15_and_60_s(world: World) -> None:
    world.put("a.txt", b"text")
    task = move(world.entry("a.txt"), "a.txt", "b.txt")
    pauses = []
    for _ in range(4):
        world.disk.refuse("move", Trouble.BUSY)
        pauses.append(_retry_s(world.applier.run(task)))
    assert pauses == [5, 15, 60, 300]


@pytest.mark.parametrize("kind", ["move", "aside", "set", "delete"])
def test_a_stop_at_any_call_loses_nothing(world: World, kind: str) -> None:
    stop, ended = 0, False
    while not ended:
        world.start()
        world.put("a.txt", b"text")
        task = _task(kind, world.entry("a.txt"))
        world.disk.log.clear()
        world.disk.crash_at = stop
        try:
            done(world.applier.run(task))
            ended = True
        except CrashError:
            pass
        found = [path for path in world.top.rglob("*") if path.is_file() and path.read_bytes() == b"text"]
        assert len(found) == 1, stop
        found[0].unlink()
        stop += 1


def _task(kind: str, entry: LocalEntry) -> Task[Operation]:
    if kind == "move":
        return move(entry, "a.txt", "b.txt")
    if kind == "aside":
        return Task(SetAside(entry=entry, name="aside.txt"), ("a.txt",), ("aside.txt",))
    if kind == "set":
        node = RemoteNode("n", "root", "a.txt", Kind.FILE, "v", None, 4, LONG_AGO_MS + 5000, executable=True, seq=2)
        return Task(SetHere(entry=entry, node=node), ("a.txt",))
    return delete(entry, "a.txt")


def _retry_s(outcome: Outcome) -> float:
    assert isinstance(outcome, Blocked)
    return outcome.retry_s
