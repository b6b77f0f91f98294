"""What a state keeps in memory of its rows is what its file holds, whatever was done, undone and refused."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from client.sync.trees.database import Database
from client.sync.trees.state import ClashError, State
from tests.sync.state.rows import local_folder, remote_folder, synced

_IDS = ["n1", "n2", "n3"]
_LIDS = [1, 2, 3]
_ONE = st.tuples(
    st.sampled_from(["remote", "local", "synced", "drop_remote", "drop_local", "drop_synced", "clear"]),
    st.sampled_from(_IDS),
    st.sampled_from(_LIDS),
    st.sampled_from("ab"),
)
_BLOCK = st.tuples(st.booleans(), st.lists(_ONE, max_size=4))  # whether it is undone, and what is in it


class UndoneError(Exception):
    """The block is to be undone."""


def _do(state: State, step: tuple[str, str, int, str]) -> None:
    what, node_id, lid, name = step
    match what:
        case "remote":
            state.put_remote(remote_folder(node_id, "home", name))
        case "local":
            state.put_local(local_folder(lid, 0, name))
        case "synced":
            state.put_synced(synced(remote_folder(node_id, "home", name), local_folder(lid, 0, name)))
        case "drop_remote":
            state.drop_remote(node_id)
        case "drop_local":
            state.drop_local(lid)
        case "drop_synced":
            state.drop_synced(node_id)
        case _:
            state.clear_synced()


def _run(state: State, blocks: list[tuple[bool, list[tuple[str, str, int, str]]]]) -> None:
    """Do each block, and the next one within it."""
    if not blocks:
        return
    (is_undone, steps), *rest = blocks
    with suppress(UndoneError, ClashError), state.transaction():
        for step in steps:
            _do(state, step)
            _seen(state)
        _run(state, rest)
        if is_undone:
            raise UndoneError


def _seen(state: State) -> list[object]:
    return [
        *([state.remote(each), state.synced(each)] for each in _IDS),
        *([state.local(each), state.synced_at(each)] for each in _LIDS),
    ]


@settings(deadline=None)
@given(st.lists(st.lists(_BLOCK, max_size=3), max_size=5))
def test_rows_in_memory_are_those_of_the_file(rounds: list[list[tuple[bool, list[tuple[str, str, int, str]]]]]) -> None:
    state = State(Database.open(":memory:"))
    for blocks in rounds:
        _run(state, blocks)
        kept = _seen(state)
        state.reread()
        assert kept == _seen(state)
    state.close()
