"""The rules that are in force, where their file is missing, a link, unreadable, or newer at the server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.sync.device.disk import DiskFs
from client.sync.device.disk_files import DiskReading
from client.sync.loop.ruling import Ruling
from client.sync.observe.rules import Rules
from client.sync.operations import DeleteThere, Fetch, Operation, Upload
from client.sync.seams.files import FsError, Trouble
from client.sync.settings import Settings
from client.sync.trees.state import State
from tests.sync.state.rows import local, put, remote, synced

SETTINGS = Settings("", "/", "", "ada", "d", "laptop")
RULES = ".cairnignore"


class FaultyFs(DiskFs):
    """A disk on which a file cannot be opened as long as `trouble` says so."""

    trouble: Trouble | None = None

    def open(self, path: tuple[str, ...]) -> DiskReading:
        """Open a file, or fail."""
        if self.trouble is not None:
            raise FsError(self.trouble, path)
        return super().open(path)


def leaves_out(rules: Rules) -> bool:
    """Tell whether keys are left out."""
    return rules.is_ignored(("a.key",), is_folder=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def fs(folder: Path) -> Iterator[FaultyFs]:
    made = FaultyFs(str(folder))
    yield made
    made.close()


@pytest.fixture
def begun(tmp_path: Path, fs: FaultyFs) -> Iterator[Callable[[], tuple[Ruling, State]]]:
    """Start as an engine does, on the state that the last start left."""
    opened: list[State] = []

    def begin() -> tuple[Ruling, State]:
        if opened:
            opened[-1].close()
        state = State.open(str(tmp_path / "state.db"))
        opened.append(state)
        state.set_meta("remote_root", "home")
        return Ruling(state, fs, lambda: SETTINGS), state

    yield begin
    opened[-1].close()


Begin = Callable[[], tuple[Ruling, State]]
NEW = Upload(entry=local(1, name="secret.key"), how="new", parent_id="home", name="secret.key")
OTHER: list[Operation] = [NEW, DeleteThere(node=remote("n9")), Fetch(node=remote("n8"), parent=0, name="8")]


def test_what_is_not_there_leaves_nothing_out(begun: Begin) -> None:
    ruling, _ = begun()

    assert not leaves_out(ruling.read())
    assert ruling.problems() == []
    assert not ruling.is_awaited


@pytest.mark.parametrize("trouble", [Trouble.LINK, Trouble.UNREADABLE, Trouble.DAMAGED])
def test_what_cannot_be_read_leaves_the_last_rules_in_force_over_restarts(
    begun: Begin, fs: FaultyFs, folder: Path, trouble: Trouble
) -> None:
    (folder / RULES).write_text("*.key\n")
    ruling, _ = begun()
    assert leaves_out(ruling.read())
    fs.trouble = trouble

    again = ruling.read()
    ruling, _ = begun()
    after_restart = ruling.read()

    assert leaves_out(again)
    assert leaves_out(after_restart)
    assert [(each.path, each.code) for each in ruling.problems()] == [(RULES, "unreadable")]
    assert not ruling.is_awaited
    fs.trouble = None
    (folder / RULES).write_text("")
    assert not leaves_out(ruling.read())
    assert ruling.problems() == []


def test_where_no_rules_are_known_and_the_file_cannot_be_read_nothing_is_changed_at_the_server(
    begun: Begin, fs: FaultyFs
) -> None:
    fs.trouble = Trouble.UNREADABLE
    ruling, _ = begun()
    ruling.read()

    assert ruling.is_awaited
    assert ruling.filter(OTHER, set()) == ([OTHER[2]], [])
    assert ruling.problems()[0].message.endswith("Nothing is sent before it is known what is to be left out.")


def test_a_file_that_an_editor_is_replacing_is_not_taken_for_gone(begun: Begin, folder: Path) -> None:
    (folder / RULES).write_text("*.key\n")
    ruling, state = begun()
    ruling.read()
    put(state, [local(1, name=RULES)])
    (folder / RULES).unlink()

    assert leaves_out(ruling.read())
    state.drop_local(1)  # the observer has looked twice
    assert not leaves_out(ruling.read())


def test_while_the_server_has_other_rules_only_those_are_fetched_and_nothing_is_sent(begun: Begin) -> None:
    ruling, state = begun()
    ruling.read()
    node = remote("n1", name=RULES)
    put(state, [node])
    fetch = Fetch(node=node, parent=0, name=RULES)

    assert ruling.is_awaited
    assert ruling.filter([*OTHER, fetch], set()) == ([OTHER[2], fetch], [])
    assert ruling.filter(OTHER, {"n1"}) == ([OTHER[2]], [])
    kept, problems = ruling.filter(OTHER, set())
    assert (kept, [each.path for each in problems]) == ([OTHER[2]], [RULES])

    entry = local(1, name=RULES, content="h-n1")
    put(state, [entry, synced(node, entry)])
    assert not ruling.is_awaited


def test_what_was_renamed_at_the_server_to_be_the_rules_is_waited_for_too(begun: Begin) -> None:
    ruling, state = begun()
    ruling.read()
    before, entry = remote("n1", name="old rules"), local(1, name="old rules", content="h-n1")
    put(state, [before, entry, synced(before, entry), remote("n1", name=RULES, seq=2)])

    assert ruling.is_awaited


def test_rules_made_or_changed_here_may_be_sent_themselves(begun: Begin, fs: FaultyFs) -> None:
    fs.trouble = Trouble.UNREADABLE
    ruling, _ = begun()
    ruling.read()
    mine = Upload(entry=local(1, name=RULES), how="new", parent_id="home", name=RULES)

    assert ruling.filter([mine, NEW], set())[0] == [mine]


def test_a_file_of_that_name_further_down_is_as_any_other(begun: Begin) -> None:
    ruling, state = begun()
    ruling.read()
    put(state, [remote("n1", parent_id="n0", name=RULES)])

    assert not ruling.is_awaited


def test_a_file_with_more_rules_than_anybody_writes_is_not_taken_and_told(
    begun: Callable[[], tuple[Ruling, State]], folder: Path
) -> None:
    ruling, _ = begun()
    (folder / RULES).write_text("*.key\n")
    assert leaves_out(ruling.read())
    (folder / RULES).write_text("x\n!y\n" * 600)

    assert leaves_out(ruling.read())
    (problem,) = ruling.problems()
    assert "too many rules" in problem.message
