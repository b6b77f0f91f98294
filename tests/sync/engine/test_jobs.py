"""Where the things are that operations are about, also those that are gone here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from client.sync.loop.jobs import path_then
from client.sync.model import PARKED_LID
from client.sync.trees.state import State
from tests.sync.state.rows import local, local_folder, put, remote, remote_folder, synced


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.open(str(tmp_path / "state"))
    with made.transaction():
        made.set_meta("remote_root", "home")
    yield made
    made.close()


def test_what_was_deleted_here_while_it_waited_at_the_server_is_looked_for_where_it_waits(state: State) -> None:
    file = remote("f1", name="a 2")
    base = replace(synced(file, local(9)), local_parent=PARKED_LID, local_name="")
    put(state, [file, base])
    assert path_then(state, base) == ("a 2",)


def test_what_is_in_a_folder_that_waited_there_is_looked_for_in_it(state: State) -> None:
    folder, file = remote_folder("d1", name="d 2"), remote("f1", "d1", name="a")
    above = replace(synced(folder, local_folder(8)), local_parent=PARKED_LID, local_name="")
    base = synced(file, local(9, 8, name="a"))
    put(state, [folder, file, above, base])
    assert path_then(state, base) == ("d 2", "a")
