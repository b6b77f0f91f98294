"""Stories about operations that were planned and wait to be begun."""

from pathlib import Path

from client.sync.loop.work import LOTS, Work, lot_of
from client.sync.model import ROOT_LID
from client.sync.operations import Fetch
from client.sync.outcome import Done, Task
from client.sync.trees.record import record
from client.sync.trees.state import State
from tests.sync.state.rows import local, local_folder, put, remote


def test_a_fetch_into_a_folder_that_went_meanwhile_is_not_begun(tmp_path: Path) -> None:
    state = State.open(str(tmp_path / "state.db"))
    node, folder = remote("n1"), local_folder(7, name="f")
    state.put_remote(node)
    state.put_local(folder)
    work = Work(state)
    into_folder, into_root = (Fetch(node=node, parent=lid, name="n1.txt") for lid in (folder.lid, ROOT_LID))

    work.add(into_folder)
    state.drop_local(folder.lid)

    assert not any(work.take(lot) for lot in LOTS)
    assert work.has_dropped
    work.add(into_root)
    assert work.take(lot_of(into_root)) == [into_root]
    state.close()


def test_many_small_files_go_in_lots_of_which_the_first_soon_ends(tmp_path: Path) -> None:
    """Four lots of a thousand side by side all ended late, and until then the other device had nothing to do."""
    state = State.open(str(tmp_path / "state.db"))
    nodes = [remote(f"n{number}") for number in range(600)]
    put(state, nodes)
    work = Work(state)
    fetches = [Fetch(node=node, parent=ROOT_LID, name=node.name) for node in nodes]

    for fetch in fetches:
        work.add(fetch)
    lots = [work.take(lot_of(fetches[0])) for _ in range(3)]

    assert [len(lot) for lot in lots] == [256, 256, 88]
    state.close()


def test_a_fetch_to_a_place_where_something_was_met_meanwhile_is_not_begun(tmp_path: Path) -> None:
    """The file got the row of a folder that had just left the place again, with all that was below it."""
    state = State.open(str(tmp_path / "state.db"))
    node = remote("n1")
    state.put_remote(node)
    work = Work(state)
    fetch = Fetch(node=node, parent=ROOT_LID, name="a")

    work.add(fetch)
    state.put_local(local_folder(7, name="a"))

    assert work.take(lot_of(fetch)) == []
    assert work.has_dropped
    state.close()


def test_a_file_that_was_put_where_a_folder_was_known_does_not_get_what_is_below_that(tmp_path: Path) -> None:
    state = State.open(str(tmp_path / "state.db"))
    node, file = remote("n1"), local(9, name="a")
    state.put_remote(node)
    put(state, [local_folder(7, name="a"), local(8, 7)])

    record(state, Task(Fetch(node=node, parent=ROOT_LID, name="a")), Done(stat=file.stat, sha256=node.sha256))

    met = state.local_child(ROOT_LID, "a")
    assert met is not None
    assert (met.is_folder, met.lid in {7, 8}) == (False, False)
    assert (state.local(7), state.local(8)) == (None, None)
    state.close()
