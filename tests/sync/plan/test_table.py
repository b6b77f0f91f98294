"""The table of section 4 row by row, and the rules below it."""

from typing import Any

import pytest

from client.sync.model import PARKED_LID, ROOT_LID
from client.sync.operations import (
    Adopt,
    Compare,
    DeleteHere,
    DeleteThere,
    Fetch,
    Forget,
    MakeFolderHere,
    MakeFolderThere,
    MoveHere,
    MoveThere,
    Operation,
    ReadHash,
    Replace,
    SetAside,
    SetHere,
    SetThere,
    Upload,
)
from client.sync.seams.files import Traits
from tests.sync.plan.world import ROOT, World

CONFLICT = "a (conflict from laptop 2026-11-23 14-05-09)"


@pytest.fixture
def world() -> World:
    return World()


def only(world: World) -> Operation:
    operations = world.plan().operations
    assert len(operations) == 1, operations
    return operations[0]


def fields(operation: Operation) -> dict[str, Any]:
    names = [name for name in type(operation).__dataclass_fields__ if name not in {"node", "entry", "base"}]
    return {name: getattr(operation, name) for name in names}


# The table


def test_same_and_same_is_nothing(world: World) -> None:
    node, _ = world.both("a", "old")

    made = world.plan()

    assert made.operations == []
    assert node.id in made.agreed_ids


def test_same_here_and_changed_there_takes_the_remote(world: World) -> None:
    node, entry = world.both("a", "old")
    node = world.edit_there(node.id, sha256="new")

    operation = only(world)

    assert isinstance(operation, Replace)
    assert (operation.node, operation.entry, operation.keep_as) == (node, entry, None)


def test_same_here_and_deleted_there_is_deleted_here(world: World) -> None:
    node, entry = world.both("a", "old")
    world.delete_there(node.id)

    operation = only(world)

    assert isinstance(operation, DeleteHere)
    assert operation.entry == entry


@pytest.mark.parametrize("is_read", [True, False])
def test_changed_here_and_same_there_is_sent_on_the_synced_version(world: World, is_read: bool) -> None:  # noqa: FBT001 - a parameter of the test
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "mine", is_read=is_read)

    operation = only(world)

    assert isinstance(operation, Upload)
    assert (operation.how, operation.base_version) == ("version", node.version_id)


def test_the_base_of_an_upload_is_never_the_version_that_arrived_meanwhile(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "mine", is_read=False)
    world.edit_there(node.id, sha256="theirs")

    world.run()

    assert not any(isinstance(operation, Upload) and operation.how == "version" for operation in world.done)
    assert world.tree_there() == {"a": "theirs", CONFLICT: "mine"}


def test_changed_on_both_sides_to_the_same_bytes_is_adopted(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "new")
    world.edit_there(node.id, sha256="new", mtime_ms=world.entry(entry.lid).stat.mtime_ms)

    assert isinstance(only(world), Adopt)


def test_changed_on_both_sides_keeps_both(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "mine")
    world.edit_there(node.id, sha256="theirs")

    operation = only(world)
    world.run()

    assert isinstance(operation, Replace)
    assert operation.keep_as == CONFLICT
    assert world.tree_here() == world.tree_there() == {"a": "theirs", CONFLICT: "mine"}


def test_changed_here_and_deleted_there_brings_the_node_back(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "mine")
    world.delete_there(node.id)

    operation = only(world)
    world.run()

    assert isinstance(operation, Upload)
    assert (operation.how, operation.base_version) == ("restore", node.version_id)
    assert world.tree_there() == {"a": "mine"}
    assert world.state.remote(node.id) is not None


def test_absent_here_and_same_there_is_deleted_there(world: World) -> None:
    node, entry = world.both("a", "old")
    world.delete_here(entry.lid)

    operation = only(world)

    assert isinstance(operation, DeleteThere)
    assert operation.node == node
    assert operation.base is not None
    assert operation.base.version_id == node.version_id


def test_absent_here_and_changed_there_is_fetched_again(world: World) -> None:
    node, entry = world.both("a", "old")
    world.delete_here(entry.lid)
    world.edit_there(node.id, sha256="new")

    assert isinstance(only(world), Fetch)


def test_absent_here_and_moved_there_is_fetched_again(world: World) -> None:
    node, entry = world.both("a", "old")
    world.delete_here(entry.lid)
    world.edit_there(node.id, name="b")

    assert fields(only(world)) == {"parent": ROOT_LID, "name": "b"}


def test_gone_on_both_sides_is_forgotten(world: World) -> None:
    node, entry = world.both("a", "old")
    world.delete_here(entry.lid)
    world.delete_there(node.id)

    assert isinstance(only(world), Forget)


def test_what_is_new_there_is_fetched_and_made(world: World) -> None:
    folder = world.there("d")
    world.there("a", "x")
    world.there("deep", "y", folder.id)

    first = world.plan().operations
    world.run()

    assert sorted(type(operation).__name__ for operation in first) == ["Fetch", "MakeFolderHere"]
    assert world.tree_here() == {"d": {"deep": "y"}, "a": "x"}


def test_what_is_new_here_is_sent_folders_first(world: World) -> None:
    folder = world.here("d")
    world.here("a", "x", is_read=False)
    world.here("deep", "y", folder.lid)
    world.here("empty")

    first = world.plan().operations
    world.run()

    assert sorted(type(operation).__name__ for operation in first) == ["MakeFolderThere", "MakeFolderThere", "Upload"]
    assert world.tree_there() == {"d": {"deep": "y"}, "a": "x", "empty": {}}


# Hashes that are not known


def test_a_file_that_nobody_has_read_is_read_only_where_its_content_decides(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "mine", is_read=False)
    world.edit_there(node.id, sha256="theirs")

    assert isinstance(only(world), ReadHash)


def test_a_deleted_file_is_read_before_it_goes(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "mine", is_read=False)
    world.delete_there(node.id)

    assert isinstance(only(world), ReadHash)


def test_a_version_whose_hash_the_server_does_not_know_is_compared(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_here(entry.lid, "mine")
    world.edit_there(node.id, sha256="mine")
    world.hide(node.id)

    operation = only(world)
    world.run()

    assert isinstance(operation, Compare)
    assert world.tree_there() == {"a": "mine"}


# Executable bit and time


def test_a_time_alone_is_never_a_conflict(world: World) -> None:
    node, entry = world.both("a", "old")
    world.touch_here(entry.lid, 5_000_000)
    world.edit_there(node.id, mtime_ms=7_000_000)

    operation = only(world)

    assert isinstance(operation, SetHere)


def test_a_time_set_here_is_sent(world: World) -> None:
    _, entry = world.both("a", "old")
    world.touch_here(entry.lid, 5_000_000)

    assert isinstance(only(world), SetThere)


def test_an_executable_bit_follows_the_side_that_changed_it(world: World) -> None:
    one, _ = world.both("a", "old")
    _, other = world.both("b", "old")
    world.edit_there(one.id, executable=True)
    world.touch_here(other.lid, executable=True)

    made = world.plan().operations

    assert [type(operation).__name__ for operation in made] == ["SetHere", "SetThere"]


def test_a_bit_changed_there_survives_an_edit_here(world: World) -> None:
    node, entry = world.both("a", "old")
    world.edit_there(node.id, executable=True)
    world.edit_here(entry.lid, "mine")

    world.run()

    now = world.state.remote(node.id)
    assert now is not None
    assert (now.sha256, now.executable) == ("mine", True)


def test_a_bit_changed_here_survives_an_edit_there(world: World) -> None:
    node, entry = world.both("a", "old")
    world.touch_here(entry.lid, executable=True)
    world.edit_there(node.id, sha256="theirs")

    world.run()

    now = world.state.remote(node.id)
    assert now is not None
    assert (now.sha256, now.executable) == ("theirs", True)
    assert world.entry(entry.lid).stat.executable


def test_a_disk_that_rounds_times_is_in_step(world: World) -> None:
    world = World(traits=Traits(step_ns=2_000_000_000))
    world.there("a", "x", mtime_ms=1_234_567)

    world.run()

    assert world.plan_all().operations == []
    assert world.names_done() == ["Fetch"]


def test_a_disk_without_executable_bits_is_in_step_and_never_sends_them() -> None:
    world = World(traits=Traits(keeps_bits=False))
    node, entry = world.both("a", "x")
    gone, _ = world.both("b", "y")
    world.edit_there(node.id, executable=True)
    world.edit_there(gone.id, executable=True)
    world.run()
    world.touch_here(entry.lid, executable=False)

    world.delete_there(gone.id)
    world.run()

    assert world.names_done() == ["Adopt", "Adopt", "DeleteHere"]


# Where


def test_a_move_there_is_followed_as_one_operation(world: World) -> None:
    folder, entry = world.both("d")
    world.both("a", "x", folder.id)
    world.edit_there(folder.id, name="e")

    operation = only(world)

    assert isinstance(operation, MoveHere)
    assert (operation.entry, operation.parent, operation.name) == (entry, ROOT_LID, "e")


def test_a_move_here_is_sent_as_one_operation(world: World) -> None:
    folder, entry = world.both("d")
    world.both("a", "x", folder.id)
    world.move_here(entry.lid, "e", ROOT_LID)

    operation = only(world)

    assert isinstance(operation, MoveThere)
    assert (operation.parent_id, operation.name, operation.is_parking) == (ROOT, "e", False)


def test_the_same_move_on_both_sides_is_adopted(world: World) -> None:
    node, entry = world.both("a", "x")
    world.move_here(entry.lid, "b", ROOT_LID)
    world.edit_there(node.id, name="b")

    assert isinstance(only(world), Adopt)


def test_of_two_moves_the_one_at_the_server_wins(world: World) -> None:
    node, entry = world.both("a", "x")
    world.move_here(entry.lid, "mine", ROOT_LID)
    world.edit_there(node.id, name="theirs")

    world.run()

    assert world.tree_here() == world.tree_there() == {"theirs": "x"}
    assert "Upload" not in world.names_done()


def test_a_move_here_counts_as_an_edit_against_a_delete_there(world: World) -> None:
    node, entry = world.both("a", "x")
    folder, local = world.both("d")
    world.move_here(entry.lid, "b", local.lid)
    world.delete_there(node.id)

    world.run()

    assert world.tree_there() == world.tree_here() == {"d": {"b": "x"}}
    now = world.state.remote(node.id)
    assert now is not None
    assert now.parent_id == folder.id


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_swap_goes_through_a_parked_name(world: World, side: str) -> None:
    one, mine = world.both("a", "1")
    two, other = world.both("b", "2")
    if side == "there":
        for node_id, name in ((one.id, "x"), (two.id, "a"), (one.id, "b")):
            world.edit_there(node_id, name=name)
    else:
        for lid, name in ((mine.lid, "x"), (other.lid, "a"), (mine.lid, "b")):
            world.move_here(lid, name, ROOT_LID)

    first = only(world)
    world.run()

    assert world.tree_here() == world.tree_there() == {"a": "2", "b": "1"}
    assert "Upload" not in world.names_done()
    if side == "there":
        assert isinstance(first, MoveHere)
        assert (first.parent, first.name) == (PARKED_LID, f"parked-{mine.lid}")
    else:
        assert isinstance(first, MoveThere)
        assert first.is_parking


def test_a_rename_of_case_alone_goes_through_a_parked_name_on_a_disk_that_takes_both_for_one(world: World) -> None:
    world.traits = Traits(case_sensitive=False)
    node, mine = world.both("a", "1")
    world.edit_there(node.id, name="A")

    first = only(world)
    world.run()

    assert isinstance(first, MoveHere)
    assert (first.parent, first.name) == (PARKED_LID, f"parked-{mine.lid}")
    assert world.tree_here() == {"A": "1"}


@pytest.mark.parametrize("content", [None, "new"])
def test_what_is_new_waits_until_an_older_row_of_another_spelling_is_known_to_be_gone(
    world: World, content: str | None
) -> None:
    """Both at the server would be one name here: this disk would have to give one of them another."""
    world.traits = Traits(case_sensitive=False)
    gone = world.here("A")
    world.here("a", content)
    world.uncertain.add(gone.lid)
    waiting = world.plan().operations
    world.delete_here(gone.lid)
    world.uncertain.clear()

    made = only(world)

    assert waiting == []
    assert isinstance(made, MakeFolderThere if content is None else Upload)


def test_a_chain_waits_for_the_name_to_be_free(world: World) -> None:
    one, _ = world.both("a", "1")
    two, _ = world.both("b", "2")
    world.edit_there(two.id, name="c")
    world.edit_there(one.id, name="b")

    first = only(world)
    world.run()

    assert isinstance(first, MoveHere)
    assert first.name == "c"
    assert world.tree_here() == {"b": "1", "c": "2"}


def test_what_was_parked_when_the_device_stopped_is_brought_out(world: World) -> None:
    node, entry = world.both("a", "x")
    lost = world.here("parked-9", "y", PARKED_LID)
    world.move_here(entry.lid, f"parked-{entry.lid}", PARKED_LID)

    world.run()

    assert world.tree_here() == world.tree_there() == {"a": "x", lost.name: "y"}
    assert node.id


def test_folders_moved_into_each_other_follow_the_server(world: World) -> None:
    one, mine = world.both("A")
    two, other = world.both("B")
    world.move_here(mine.lid, "A", other.lid)
    world.edit_there(two.id, parent_id=one.id)

    world.run()

    assert world.tree_here() == world.tree_there() == {"A": {"B": {}}}


def test_moves_that_could_make_a_ring_in_some_order_go_one_after_the_other(world: World) -> None:
    a, mine = world.both("a")
    c, other = world.both("c")
    b, inner = world.both("b", None, c.id)
    world.move_here(inner.lid, "b", ROOT_LID)
    world.move_here(mine.lid, "a", inner.lid)
    world.move_here(other.lid, "c", mine.lid)

    first = only(world)
    world.run()

    assert first.node == b
    assert a.id
    assert world.tree_here() == world.tree_there() == {"b": {"a": {"c": {}}}}


# Folders and deletes


def test_a_folder_gone_here_with_all_in_it_is_one_delete(world: World) -> None:
    folder, entry = world.both("d")
    world.both("a", "x", folder.id)
    inner, _ = world.both("e", None, folder.id)
    world.both("b", "y", inner.id)
    world.delete_here(entry.lid)

    operation = only(world)

    assert isinstance(operation, DeleteThere)
    assert operation.node == folder
    assert operation.below_seq == world.seq


def test_a_refused_folder_delete_goes_child_by_child_and_the_folder_last(world: World) -> None:
    folder, entry = world.both("d")
    a, _ = world.both("a", "x", folder.id)
    b, _ = world.both("b", "y", folder.id)
    world.delete_here(entry.lid)
    world.split.add(folder.id)

    first = world.plan().operations
    world.run()

    assert [operation.node for operation in first] == [a, b]
    assert [operation.node for operation in world.done if isinstance(operation, DeleteThere)][-1] == folder
    assert world.tree_there() == {}


def test_a_folder_deleted_here_keeps_what_is_new_there(world: World) -> None:
    folder, entry = world.both("d")
    old, _ = world.both("a", "x", folder.id)
    world.delete_here(entry.lid)
    world.there("new", "y", folder.id)

    first = world.plan().operations
    world.run()

    assert {type(operation) for operation in first} == {MakeFolderHere, DeleteThere}
    assert world.tree_here() == world.tree_there() == {"d": {"new": "y"}}
    assert world.state.remote(old.id) is None


def test_a_folder_deleted_there_goes_from_the_bottom_up(world: World) -> None:
    folder, _ = world.both("d")
    world.both("a", "x", folder.id)
    world.delete_there(folder.id)

    first = only(world)
    world.run()

    assert isinstance(first, DeleteHere)
    assert world.tree_here() == {}
    assert world.trash == {"x"}


def test_a_folder_deleted_there_keeps_what_is_changed_or_new_here(world: World) -> None:
    folder, entry = world.both("d")
    world.both("same", "x", folder.id)
    changed, mine = world.both("changed", "y", folder.id)
    world.edit_here(mine.lid, "edit")
    world.here("new", "z", entry.lid)
    world.delete_there(folder.id)

    world.run()

    assert world.tree_here() == world.tree_there() == {"d": {"changed": "edit", "new": "z"}}
    assert world.state.remote(changed.id) is not None
    assert world.trash == {"x"}


def test_a_folder_moved_here_and_deleted_there_lives_on_whole(world: World) -> None:
    folder, entry = world.both("d")
    world.both("a", "x", folder.id)
    world.move_here(entry.lid, "e", ROOT_LID)
    world.delete_there(folder.id)

    world.run()

    assert world.tree_here() == world.tree_there() == {"e": {"a": "x"}}
    assert world.trash == set()


def test_a_folder_with_ignored_things_only_stays_here_and_is_not_made_there(world: World) -> None:
    folder, entry = world.both("d")
    world.both("a", "x", folder.id)
    world.here("b.swp", "y", entry.lid)
    world.delete_there(folder.id)

    world.run()
    again = world.plan_all()

    assert world.tree_here() == {"d": {"b.swp": "y"}}
    assert world.tree_there() == {}
    assert again.operations == []


def test_a_new_folder_with_ignored_things_only_does_not_keep_the_folder_above_it_there(world: World) -> None:
    folder, entry = world.both("d")
    inner = world.here("e", None, entry.lid)
    world.here("b.swp", "y", inner.lid)
    world.delete_there(folder.id)

    world.run()

    assert world.tree_here() == {"d": {"e": {"b.swp": "y"}}}
    assert world.tree_there() == {}


def test_a_folder_with_things_that_have_no_row_stays_as_well(world: World) -> None:
    folder, entry = world.both("d")
    world.others.add(entry.lid)
    world.delete_there(folder.id)

    world.run()

    assert world.tree_here() == {"d": {}}
    assert world.plan_all().operations == []


def test_a_folder_that_was_left_is_made_there_when_something_comes_into_it(world: World) -> None:
    entry = world.here("d")
    world.here("b.swp", "y", entry.lid)
    world.run()
    world.here("new", "z", entry.lid)

    world.state.mark_differences()
    world.run()

    assert world.tree_there() == {"d": {"new": "z"}}


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_folder_is_not_deleted_before_what_moves_out_of_it(world: World, side: str) -> None:
    folder, entry = world.both("d")
    node, child = world.both("a", "x", folder.id)
    if side == "here":
        world.move_here(child.lid, "a", ROOT_LID)
        world.delete_here(entry.lid)
    else:
        world.edit_there(node.id, parent_id=ROOT)
        world.delete_there(folder.id)

    first = only(world)
    world.run()

    assert isinstance(first, MoveThere | MoveHere)
    assert world.tree_here() == world.tree_there() == {"a": "x"}
    assert world.state.remote(node.id) is not None


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_file_takes_the_name_of_the_folder_that_it_was_in(world: World, side: str) -> None:
    folder, entry = world.both("d")
    node, child = world.both("a", "x", folder.id)
    if side == "here":
        world.move_here(child.lid, "moving", ROOT_LID)
        world.delete_here(entry.lid)
        world.move_here(child.lid, "d", ROOT_LID)
    else:
        world.edit_there(node.id, parent_id=ROOT, name="moving")
        world.delete_there(folder.id)
        world.edit_there(node.id, name="d")

    world.run()

    assert world.tree_here() == world.tree_there() == {"d": "x"}
    assert world.state.remote(node.id) is not None
    assert "Upload" not in world.names_done()


def test_what_is_leaving_counts_as_deleted_and_is_not_deleted_twice(world: World) -> None:
    node, entry = world.both("a", "x")
    world.delete_here(entry.lid)
    world.leaving.add(node.id)

    assert world.plan().operations == []


def test_nothing_is_planned_for_what_is_not_certain_nor_a_delete_above_it(world: World) -> None:
    folder, entry = world.both("d")
    _, child = world.both("a", "x", folder.id)
    world.delete_here(entry.lid)
    world.uncertain.add(child.lid)

    assert world.plan().operations == []


def test_nothing_is_planned_for_what_is_busy(world: World) -> None:
    node, entry = world.both("a", "x")
    world.edit_here(entry.lid, "y")
    world.busy.add(node.id)

    assert world.plan().operations == []


def test_nothing_follows_from_a_node_whose_folder_is_not_known_yet(world: World) -> None:
    node, _ = world.both("a", "x")
    world.edit_there(node.id, parent_id="not told of yet")

    assert world.plan().operations == []


def test_nothing_is_planned_for_a_file_that_is_being_written_to(world: World) -> None:
    node, entry = world.both("a", "x")
    world.edit_there(node.id, sha256="y", name="b")
    world.uncertain.add(entry.lid)

    assert world.plan().operations == []


def test_what_is_leaving_and_is_here_again_waits_for_the_feed(world: World) -> None:
    node, _ = world.both("a", "x")
    world.state.touch(world.entry(1).lid)
    world.leaving.add(node.id)

    assert world.plan().operations == []


def test_what_the_server_moves_onto_a_newcomer_sets_that_aside(world: World) -> None:
    node, _ = world.both("b", "x")
    world.here("a", "mine")
    world.edit_there(node.id, name="a")

    world.run()

    assert world.tree_here() == world.tree_there() == {"a": "x", CONFLICT: "mine"}


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_new_folder_takes_the_name_of_the_file_that_goes_into_it(world: World, side: str) -> None:
    node, entry = world.both("a", "x")
    if side == "here":
        world.move_here(entry.lid, "moving", ROOT_LID)
        folder = world.here("a")
        world.move_here(entry.lid, "b", folder.lid)
    else:
        world.edit_there(node.id, name="moving")
        made = world.there("a")
        world.edit_there(node.id, parent_id=made.id, name="b")

    world.run()

    assert world.tree_here() == world.tree_there() == {"a": {"b": "x"}}
    assert world.state.remote(node.id) is not None
    assert "Upload" not in world.names_done()


# Clashes of names


def test_two_new_folders_of_one_name_merge(world: World) -> None:
    folder = world.there("d")
    world.there("a", "x", folder.id)
    entry = world.here("d")
    world.here("b", "y", entry.lid)

    world.run()

    assert world.tree_here() == world.tree_there() == {"d": {"a": "x", "b": "y"}}


def test_two_new_equal_files_of_one_name_are_adopted(world: World) -> None:
    world.there("a", "x")
    world.here("a", "x")

    assert isinstance(only(world), Adopt)


def test_of_two_new_files_the_one_at_the_server_keeps_the_name(world: World) -> None:
    world.there("a", "theirs")
    world.here("a", "mine")

    world.run()

    assert world.tree_here() == world.tree_there() == {"a": "theirs", CONFLICT: "mine"}


@pytest.mark.parametrize("is_folder_here", [True, False])
def test_a_file_against_a_folder_renames_the_local_one(world: World, is_folder_here: bool) -> None:  # noqa: FBT001 - a parameter of the test
    if is_folder_here:
        world.there("a", "theirs")
        entry = world.here("a")
        world.here("in", "x", entry.lid)
    else:
        world.there("a")
        world.here("a", "mine")

    first = only(world)
    world.run()

    assert isinstance(first, SetAside)
    ends = {"a": "theirs", CONFLICT: {"in": "x"}} if is_folder_here else {"a": {}, CONFLICT: "mine"}
    assert world.tree_here() == world.tree_there() == ends


def test_what_was_moved_onto_a_new_name_of_the_server_goes_beside_it(world: World) -> None:
    node, entry = world.both("b", "x")
    world.move_here(entry.lid, "a", ROOT_LID)
    world.there("a", "theirs")

    world.run()

    assert world.tree_here() == world.tree_there() == {"a": "theirs", CONFLICT: "x"}
    now = world.state.remote(node.id)
    assert now is not None
    assert now.name == CONFLICT


# Conflicts


def test_no_second_copy_of_the_same_bytes_is_made(world: World) -> None:
    node, entry = world.both("a", "old")
    world.both(CONFLICT, "mine")
    world.edit_here(entry.lid, "mine")
    world.edit_there(node.id, sha256="theirs")

    operation = only(world)

    assert isinstance(operation, Replace)
    assert operation.keep_as is None


def test_a_conflict_on_a_conflict_copy_takes_the_first_stem(world: World) -> None:
    node, entry = world.both(CONFLICT, "old")
    world.edit_here(entry.lid, "mine")
    world.edit_there(node.id, sha256="theirs")

    operation = only(world)

    assert isinstance(operation, Replace)
    assert operation.keep_as == f"{CONFLICT} 2"


def test_an_edit_where_one_may_only_read_is_kept_beside_and_not_sent(world: World) -> None:
    folder, _ = world.both("d", writable=False)
    _, entry = world.both("a", "old", folder.id, writable=False)
    world.edit_here(entry.lid, "mine")

    world.run()
    again = world.plan_all()

    assert world.tree_here() == {"d": {"a": "old", CONFLICT: "mine"}}
    assert world.tree_there() == {"d": {"a": "old"}}
    assert again.operations == []
    assert [problem.code for problem in again.problems] == ["read_only"]


def test_a_delete_or_move_where_one_may_only_read_is_undone(world: World) -> None:
    folder, _ = world.both("d", writable=False)
    _, gone = world.both("a", "x", folder.id, writable=False)
    _, moved = world.both("b", "y", folder.id, writable=False)
    world.delete_here(gone.lid)
    world.move_here(moved.lid, "c", ROOT_LID)

    world.run()

    assert world.tree_here() == world.tree_there() == {"d": {"a": "x", "b": "y"}}


def test_what_is_new_where_one_may_only_read_is_told_of(world: World) -> None:
    _, entry = world.both("d", writable=False)
    world.here("new", "x", entry.lid)

    made = world.plan()

    assert made.operations == []
    assert [(problem.path, problem.code) for problem in made.problems] == [("d/new", "read_only")]


def test_a_plan_makes_every_folder_there_before_what_is_in_it(world: World) -> None:
    outer = world.here("d")
    world.here("e", None, outer.lid)

    operation = only(world)

    assert isinstance(operation, MakeFolderThere)
    assert operation.entry == outer
