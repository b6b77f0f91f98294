"""The root marker, on a real folder, with the power going at every step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.sync.device.disk import DiskFs
from client.sync.model import MARKER
from client.sync.seams.files import FsError, Trouble
from client.sync.trees import marker
from client.sync.trees.marker import Start
from client.sync.trees.state import State
from tests.sync.state.rows import local, put, remote, synced


class Tokens:
    """Names by number."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._count = 0

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2

    def token(self) -> str:
        self._count += 1
        return f"{self._word}{self._count:04}"

    def unlikely(self, name: str) -> bool:
        return name == ""


class PowerCutError(Exception):
    """The test ends the program here."""


class Failing:
    """A disk, or a state, whose n-th call of those that matter is not reached."""

    def __init__(self, inner: object, left: list[int], names: tuple[str, ...]) -> None:
        self._inner = inner
        self._left = left
        self._names = names

    def __getattr__(self, name: str) -> object:
        if name in self._names:
            self._left[0] -= 1
            if self._left[0] < 0:
                raise PowerCutError
        return getattr(self._inner, name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a person."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def disk(folder: Path) -> Iterator[DiskFs]:
    """The folder through its seam."""
    opened = DiskFs(str(folder))
    yield opened
    opened.close()


def _tied(state: State) -> None:
    node, entry = remote("n1"), local(1)
    put(state, [node, entry, synced(node, entry)])
    state.put_attempts([("1", "{}")])


def test_a_new_folder_and_an_empty_state_begin_together(disk: DiskFs, state: State) -> None:
    assert marker.begin(disk, state, Tokens("a")) is Start.FIRST
    assert marker.check(disk, state)
    assert marker.begin(disk, state, Tokens("b")) is Start.KNOWN
    assert marker.check(disk, state)


def test_a_missing_marker_stops_and_changes_nothing(disk: DiskFs, state: State, folder: Path) -> None:
    marker.begin(disk, state, Tokens("a"))
    _tied(state)
    before = (folder / ".cairn" / "root").read_bytes()
    (folder / ".cairn" / "root").unlink()

    assert marker.begin(disk, state, Tokens("b")) is Start.UNMOUNTED

    assert not marker.check(disk, state)
    assert disk.look(MARKER) is None
    assert state.synced("n1") is not None
    (folder / ".cairn" / "root").write_bytes(before)  # the disk is mounted again
    assert marker.begin(disk, state, Tokens("c")) is Start.KNOWN


def test_a_lost_database_starts_without_a_base(disk: DiskFs, state: State, tmp_path: Path) -> None:
    marker.begin(disk, state, Tokens("a"))
    fresh = State.open(str(tmp_path / "fresh.db"))

    assert marker.begin(disk, fresh, Tokens("b")) is Start.NO_BASE

    assert marker.check(disk, fresh)
    assert not marker.check(disk, state)
    fresh.close()


def test_a_folder_that_was_put_back_starts_without_a_base(disk: DiskFs, state: State, folder: Path) -> None:
    marker.begin(disk, state, Tokens("a"))
    backup = (folder / ".cairn" / "root").read_bytes()
    marker.begin(disk, state, Tokens("b"))
    _tied(state)
    (folder / ".cairn" / "root").write_bytes(backup)

    assert not marker.check(disk, state)
    assert marker.begin(disk, state, Tokens("c")) is Start.NO_BASE

    assert state.synced("n1") is None
    assert state.lineage("n1") == []  # files that were put back need not have grown from those versions
    assert state.attempts() == []
    assert marker.begin(disk, state, Tokens("d")) is Start.KNOWN


def test_a_database_that_was_put_back_starts_without_a_base(disk: DiskFs, state: State, tmp_path: Path) -> None:
    marker.begin(disk, state, Tokens("a"))
    _tied(state)
    state.db.run("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    marker.begin(disk, state, Tokens("b"))
    old = State.open(str(tmp_path / "backup.db"))

    assert marker.begin(disk, old, Tokens("c")) is Start.NO_BASE

    assert old.synced("n1") is None
    old.close()


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 80, b"{", b"[]", b'{"root": 1}', b'{"root": "\xe9x"}', b"\xff" * 10, b"x" * 10_000]
)
def test_a_marker_that_cannot_be_read_is_never_a_refusal(
    disk: DiskFs, state: State, folder: Path, content: bytes
) -> None:
    marker.begin(disk, state, Tokens("a"))
    (folder / ".cairn" / "root").write_bytes(content)

    assert not marker.check(disk, state)
    assert marker.begin(disk, state, Tokens("b")) is Start.NO_BASE
    assert marker.check(disk, state)


def test_a_link_in_place_of_the_marker_is_not_followed(disk: DiskFs, state: State, folder: Path) -> None:
    marker.begin(disk, state, Tokens("a"))
    (folder / ".cairn" / "root").rename(folder.parent / "elsewhere")
    (folder / ".cairn" / "root").symlink_to(folder.parent / "elsewhere")

    assert not marker.check(disk, state)
    with pytest.raises(FsError) as caught:
        marker.begin(disk, state, Tokens("b"))
    assert caught.value.trouble is Trouble.LINK


def test_a_folder_that_is_gone_is_not_checked_as_the_same(disk: DiskFs, state: State, folder: Path) -> None:
    marker.begin(disk, state, Tokens("a"))
    folder.rename(folder.parent / "away")
    folder.mkdir()

    assert not marker.check(disk, state)


_CALLS = ("make_folder", "create", "replace", "sync_folders", "transaction")


def _begin_with_power_cut(disk: DiskFs, state: State, chance: Tokens, steps: int) -> Start | None:
    left = [steps]
    try:
        return marker.begin(Failing(disk, left, _CALLS), Failing(state, left, _CALLS), chance)  # type: ignore[arg-type] # both pass on all calls
    except PowerCutError:
        return None


@pytest.mark.parametrize("second", range(9))
@pytest.mark.parametrize("first", range(9))
def test_a_crash_at_any_step_of_two_starts_is_not_taken_for_a_rollback(
    disk: DiskFs, state: State, first: int, second: int
) -> None:
    marker.begin(disk, state, Tokens("a"))
    _tied(state)
    for word, steps in (("b", first), ("c", second)):
        assert _begin_with_power_cut(disk, state, Tokens(word), steps) in {None, Start.KNOWN}

    assert marker.begin(disk, state, Tokens("d")) is Start.KNOWN
    assert state.synced("n1") is not None


@pytest.mark.parametrize("steps", range(9))
def test_a_crash_at_any_step_of_the_first_start_leaves_a_root_that_can_be_begun(
    disk: DiskFs, state: State, steps: int
) -> None:
    begun = _begin_with_power_cut(disk, state, Tokens("a"), steps)

    again = marker.begin(disk, state, Tokens("b"))

    assert again is (Start.FIRST if begun is None else Start.KNOWN)
    assert marker.check(disk, state)


@pytest.mark.parametrize("steps", range(9))
def test_a_crash_at_any_step_after_a_rollback_never_brings_the_base_back(
    disk: DiskFs, state: State, folder: Path, steps: int
) -> None:
    marker.begin(disk, state, Tokens("a"))
    backup = (folder / ".cairn" / "root").read_bytes()
    marker.begin(disk, state, Tokens("b"))
    _tied(state)
    (folder / ".cairn" / "root").write_bytes(backup)
    _begin_with_power_cut(disk, state, Tokens("c"), steps)

    marker.begin(disk, state, Tokens("d"))

    assert state.synced("n1") is None
    assert marker.begin(disk, state, Tokens("e")) is Start.KNOWN


def test_a_copy_made_in_the_midst_of_a_run_is_known_as_one(folder: Path, state: State) -> None:
    fs, chance = DiskFs(str(folder)), Tokens("a")
    marker.begin(fs, state, chance)
    copy = (folder / ".cairn" / "root").read_bytes()

    marker.renew(fs, state, chance)
    (folder / ".cairn" / "root").write_bytes(copy)

    assert not marker.check(fs, state)
    assert marker.begin(fs, state, chance) is Start.NO_BASE
