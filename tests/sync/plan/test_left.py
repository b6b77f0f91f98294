"""What has left the view while something was under way for it, or before this program ran: nobody deleted it."""

import pytest
from msgspec.structs import replace

from client.sync.loop import echoes
from client.sync.loop.attempts import Attempt
from client.sync.model import ROOT_LID, Kind, LocalEntry, RemoteNode
from client.sync.operations import DeleteThere, Forget, MakeFolderThere, Upload
from client.sync.outcome import Done, Task
from client.sync.send.asked import Passed
from client.sync.trees.record import record
from tests.sync.plan.world import ROOT, World, file_of


@pytest.fixture
def world() -> World:
    return World()


def node(kind: Kind) -> RemoteNode:
    is_file = kind is Kind.FILE
    version, sha256, mtime_ms = ("v9", "x", 1_000_000) if is_file else (None, None, None)
    return RemoteNode("n99999", ROOT, "a", kind, version, sha256, 10, mtime_ms, executable=False, seq=1000)


def end(world: World, entry: LocalEntry, *, asked: bool) -> None:
    """Let what was sent for a new entry end: with an answer, or by asking since that was lost."""
    file = file_of(node(entry.stat.kind))
    if asked:
        attempt = Attempt(
            what="make" if entry.is_folder else "upload",
            lid=entry.lid,
            id=None,
            upload_id=None,
            parent_id=ROOT,
            name="a",
            sha256=entry.sha256,
            stat=entry.stat,
            local_parent=ROOT_LID,
            local_name="a",
        )
        echoes.settle(world.state, str(entry.lid), attempt, Passed(file, file.version_id))
    elif entry.is_folder:
        record(world.state, Task(MakeFolderThere(entry=entry, parent_id=ROOT, name="a")), Done(file=file))
    else:
        upload = Upload(entry=entry, how="new", parent_id=ROOT, name="a")
        record(world.state, Task(upload), Done(file=file, stat=entry.stat, sha256="x", sure=True))


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("content", ["x", None])
def test_what_left_the_view_while_it_was_sent_is_tied_to_nothing(
    world: World, content: str | None, *, asked: bool
) -> None:
    entry = world.here("a", content)
    world.state.out_of_view.add(entry.lid)
    world.delete_here(entry.lid)

    end(world, entry, asked=asked)

    assert world.state.remote("n99999") is not None
    assert world.state.synced("n99999") is None


@pytest.mark.parametrize("asked", [False, True])
def test_what_was_deleted_here_while_it_was_sent_is_deleted_there(world: World, *, asked: bool) -> None:
    entry = world.here("a", "x")
    world.delete_here(entry.lid)

    end(world, entry, asked=asked)

    assert [type(each) for each in world.plan_all().operations] == [DeleteThere]


@pytest.mark.parametrize("forgotten", [0, 1, 2])
def test_a_base_of_what_the_rules_leave_out_with_its_folder_is_forgotten(world: World, forgotten: int) -> None:
    """States of before hold such: the folder's own row and base are gone, so that nobody can tell the path."""
    folder, entry = world.both("build")
    deep, _ = world.both("d", None, folder.id)
    world.both("f", "x", deep.id)
    world.is_ignored = lambda path, _folder: path[0] == "build"
    world.delete_here(entry.lid)
    for node in [folder, deep][:forgotten]:
        world.state.drop_synced(node.id)

    assert {type(each) for each in world.plan_all().operations} == {Forget}
    world.run()

    assert world.tree_there() == {"build": {"d": {"f": "x"}}}
    assert world.state.tracked_files() == 0


def test_what_was_in_a_folder_that_was_deleted_and_made_anew_is_deleted_all_the_same(world: World) -> None:
    folder, entry = world.both("d")
    deep, _ = world.both("e", None, folder.id)
    world.both("f", "x", deep.id)
    world.delete_here(entry.lid)
    world.here("d")
    world.settle()
    world.state.mark_differences()

    world.run()

    assert world.tree_there() == {"d": {}}


def test_what_was_in_step_where_nobody_can_tell_is_not_deleted(world: World) -> None:
    top = world.there("d")
    folder, entry = world.both("e", None, top.id)
    world.both("f", "x", folder.id)
    base = world.state.synced_at(entry.lid)
    assert base is not None
    world.delete_here(entry.lid)
    world.state.put_synced(replace(base, local_parent=777))
    world.split.add(folder.id)  # its children are deleted singly, if at all

    assert not any(isinstance(each, DeleteThere) for each in world.plan_all().operations)
