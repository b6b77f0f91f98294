"""The three trees in their file."""

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from client.sync.model import PARKED_LID, ROOT_LID
from client.sync.trees.state import ClashError, State
from tests.sync.state.rows import local, local_folder, put, remote, remote_folder, synced


def test_rows_come_back_as_they_were_put(state: State) -> None:
    node, entry = remote("n1"), local(1, content="h-n1")

    state.put_remote(node)
    state.put_local(entry)
    state.put_synced(synced(node, entry))

    assert state.remote("n1") == node
    assert state.remote_children("home") == [node]
    assert state.remote_child("home", "n1.txt") == node
    assert state.local(1) == entry
    assert state.local_children(ROOT_LID) == [entry]
    assert state.local_child(ROOT_LID, "1.txt") == entry
    assert state.locals_with_inode(101) == [entry]
    assert state.synced("n1") == state.synced_at(1) == synced(node, entry)
    assert state.synced_children("home") == [synced(node, entry)]
    assert state.lineage("n1") == [("v-n1", "h-n1")]


def test_rows_are_there_after_a_restart(tmp_path: Path, state: State) -> None:
    with state.transaction():
        state.put_remote(remote("n1"))
        state.set_meta("remote_root", "home")
    state.close()

    again = State.open(str(tmp_path / "state.db"))

    assert again.remote("n1") == remote("n1")
    assert again.root_id == "home"
    again.close()


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, 1 - 2**63])
def test_numbers_up_to_63_bits_are_kept(state: State, number: int) -> None:
    entry = local(1)
    odd = replace(entry, stat=replace(entry.stat, inode=number, device=number, mtime_ns=number, ctime_ns=number))

    state.put_local(odd)

    assert state.local(1) == odd
    assert state.locals_with_inode(number) == [odd]


def test_two_entries_that_swap_their_names_are_set_in_one_transaction(state: State) -> None:
    state.put_local(local(1, name="a"))
    state.put_local(local_folder(2, name="b"))
    state.put_local(local(3, parent=2))

    with state.transaction():
        state.put_local(local(1, name="b"))
        state.put_local(local_folder(2, name="a"))

    assert state.path_of(1) == ("b",)
    assert state.path_of(3) == ("a", "3.txt")
    assert state.lid_at(("a", "3.txt")) == 3


def test_a_new_entry_may_stand_where_another_was_that_goes_in_the_same_transaction(state: State) -> None:
    state.put_local(local(1, name="a"))

    with state.transaction():
        state.put_local(local(2, name="a"))
        state.drop_local(1)

    assert state.local(1) is None
    assert state.path_of(2) == ("a",)


def test_two_entries_at_one_place_are_refused_and_nothing_is_written(state: State) -> None:
    state.put_local(local(1, name="a"))

    with pytest.raises(ClashError):
        put(state, [local(3), local(2, name="a")])

    assert state.local(2) is None
    assert state.local(3) is None
    assert state.path_of(1) == ("a",)
    with pytest.raises(ClashError):
        state.put_local(local(2, name="a"))
    with state.transaction():  # what was refused leaves no trace
        state.put_local(local(4))


def _put_and_fail(state: State) -> None:
    with state.transaction():
        state.put_local(local(2))
        state.set_meta("remote_root", "lost")
        raise RuntimeError


def test_a_refused_block_undoes_itself_alone(state: State) -> None:
    with state.transaction():
        state.put_local(local(1))
        with pytest.raises(RuntimeError):
            _put_and_fail(state)
        state.put_local(local(3))

    assert sorted(state.all_lids()) == [1, 3]
    assert state.root_id == ""


def test_a_number_is_never_given_twice(tmp_path: Path, state: State) -> None:
    lid = state.new_lid()
    state.put_local(local(lid))
    state.drop_local(lid)
    state.close()

    again = State.open(str(tmp_path / "state.db"))

    assert again.new_lid() == lid + 1
    again.close()


def test_what_an_entry_was_tied_to_is_forgotten_and_told(state: State) -> None:
    for lid in (1, 2):
        state.put_local(local(lid))
    state.put_synced(synced(remote("n1"), local(1)))
    state.put_synced(synced(remote("n2"), local(2)))
    state.dirty.ids.clear()

    state.put_synced(synced(remote("n1"), local(2)))

    assert state.synced("n2") is None
    assert state.synced_at(1) is None
    assert state.dirty.ids == {"n1", "n2"}
    assert state.dirty.lids == {1}


def test_two_nodes_swap_their_entries(state: State) -> None:
    state.put_synced(synced(remote("n1"), local(1)))
    state.put_synced(synced(remote("n2"), local(2)))

    with state.transaction():
        state.put_synced(synced(remote("n1"), local(2)))
        state.put_synced(synced(remote("n2"), local(1)))

    assert [state.synced("n1"), state.synced("n2")] == [state.synced_at(2), state.synced_at(1)]


def test_dropping_takes_what_is_below(state: State) -> None:
    for entry in (local_folder(1), local_folder(2, 1), local(3, 2), local(4)):
        state.put_local(entry)
    for node in (remote_folder("f"), remote_folder("g", "f"), remote("n", "g"), remote("m")):
        state.put_remote(node)

    state.drop_local(1)
    gone = state.drop_remote("f")

    assert list(state.all_lids()) == [4]
    assert set(gone) == {"f", "g", "n"}
    assert state.remote("m") is not None


def test_a_remote_tree_that_is_a_ring_for_a_while_is_walked_once(state: State) -> None:
    state.put_remote(remote_folder("f", "g"))
    state.put_remote(remote_folder("g", "f"))

    assert {node.id for node in state.rows_below("f")} == {"f", "g"}
    assert set(state.drop_remote("f")) == {"f", "g"}


def test_paths_of_what_is_parked_and_of_what_is_not_there(state: State) -> None:
    state.put_local(local_folder(1, PARKED_LID, "p"))
    state.put_local(local(2, 1))

    assert state.path_of(2) == (".cairn", "parked", "p", "2.txt")
    assert state.path_of(ROOT_LID) == ()
    assert state.lid_at(("nothing",)) is None
    with pytest.raises(KeyError):
        state.path_of(9)


def test_lineage_keeps_the_last_sixteen(state: State) -> None:
    node = remote("n1")
    for number in range(20):
        state.put_synced(synced(replace(node, version_id=f"v{number}", sha256=f"h{number}"), local(1)))
        state.put_synced(synced(replace(node, version_id=f"v{number}", sha256=f"h{number}"), local(1)))
    state.clear_synced()

    assert state.synced("n1") is None
    assert state.lineage("n1") == [(f"v{number}", f"h{number}") for number in range(19, 3, -1)]


def test_differences_are_found_by_comparing(state: State) -> None:
    for number in range(1, 7):
        node = remote(f"n{number}")
        entry = local(number, name="made way" if number == 6 else node.name, content=node.sha256)
        state.put_remote(node)
        state.put_local(entry)
        state.put_synced(synced(node, entry))
    state.put_local(local(9))
    state.put_remote(remote("n9"))
    state.put_local(local(2, content="other"))
    state.put_remote(replace(remote("n3"), name="moved"))
    state.drop_local(4)
    state.drop_remote("n5")
    state.dirty.ids.clear()
    state.dirty.lids.clear()

    state.mark_differences()

    assert state.dirty.ids == {"n2", "n3", "n4", "n5", "n6", "n9"}
    assert state.dirty.lids == {9}
    assert state.tracked_files() == 6


def test_files_are_found_by_content_and_by_name(state: State) -> None:
    for lid, content in ((1, "x"), (2, "x"), (3, "y"), (4, None)):
        state.put_local(local(lid, content=content))

    assert state.files_with_hash("x", 9) == [1, 2]
    assert state.files_with_hash("x", 1) == [1]
    assert state.file_names_with("3.t") == ["3.txt"]


def test_notes_and_exclusions(state: State) -> None:
    state.put_attempts([("2", "b"), ("1", "a")])
    state.put_attempts([("2", "c")])
    state.drop_attempts(["1"])
    state.set_excluded("n1", excluded=True)
    state.set_excluded("n1", excluded=True)
    state.set_excluded("n2", excluded=True)
    state.set_excluded("n2", excluded=False)

    assert state.attempts() == [("2", "c")]
    assert state.excluded() == ["n1"]
    assert state.is_excluded("n1")
    assert not state.is_excluded("n2")


def test_a_node_that_left_the_view_is_so_until_its_synced_row_goes(state: State) -> None:
    state.put_synced(synced(remote("n1"), local(1)))
    state.set_left(["n1"], left=True)
    assert state.has_left("n1")

    state.drop_synced("n1")

    assert not state.has_left("n1")


def test_ten_thousand_rows_of_each_tree_are_set_in_well_under_a_second(state: State) -> None:
    begin = time.process_time()

    with state.transaction():
        for lid in range(1, 10_001):
            node = remote(f"n{lid:05}")
            entry = local(lid, name=node.name, content=node.sha256)
            state.put_remote(node)
            state.put_local(entry)
            state.put_synced(synced(node, entry))

    assert time.process_time() - begin < 1.5
    state.dirty.ids.clear()
    state.mark_differences()
    assert not state.dirty
