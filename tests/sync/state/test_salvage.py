"""Hints from a state that is old, damaged, foreign or gone."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from client.sync.trees.salvage import Hints, salvage
from client.sync.trees.state import State
from tests.sync.state.rows import local, put, remote, synced

COUNT = 2000


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A state with lineage of many files, two versions each."""
    path = tmp_path / "old.db"
    state = State.open(str(path))
    for version in ("v1", "v2"):
        rows = [synced(replace(remote(f"n{n:05}"), version_id=version), local(n + 1)) for n in range(COUNT)]
        put(state, rows)
    state.set_excluded("x1", excluded=True)
    state.close()
    return path


def test_a_whole_state_gives_all_and_stays_as_it_was(old: Path, state: State) -> None:
    before = old.read_bytes()

    hints = salvage(str(old))

    assert len(hints.lineage) == COUNT
    assert hints.lineage["n00007"] == [("v1", "h-n00007"), ("v2", "h-n00007")]
    assert hints.excluded == ["x1"]
    assert hints.tracked == COUNT
    assert old.read_bytes() == before
    hints.give(state)
    assert state.lineage("n00007") == [("v2", "h-n00007"), ("v1", "h-n00007")]
    assert state.is_excluded("x1")


def test_a_damaged_page_costs_what_is_on_it_alone(old: Path) -> None:
    whole = set(salvage(str(old)).lineage)
    content = bytearray(old.read_bytes())
    leaf = content.index(b"n01000v1") // 4096
    content[leaf * 4096 : leaf * 4096 + 4096] = b"\xff" * 4096
    old.write_bytes(content)

    found = set(salvage(str(old)).lineage)

    assert len(whole - found) < COUNT / 10
    assert found < whole


@pytest.mark.parametrize("content", [None, b"", b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 9000])
def test_what_is_no_state_gives_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "what?#%.db"
    if content is not None:
        path.write_bytes(content)

    assert salvage(str(path)) == Hints()
    assert path.exists() == (content is not None)


def test_a_foreign_or_newer_state_gives_what_has_the_right_form(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("DROP TABLE excluded")
        connection.execute("DROP TABLE lineage")
        connection.execute("CREATE TABLE lineage (id, number, version_id, sha256, more)")
        connection.execute("INSERT INTO lineage VALUES ('n1', 1, 'v1', 'h1', 2), (3, 'x', NULL, x'ff', 0)")
    connection.close()

    hints = salvage(str(old))

    assert hints.lineage == {"n1": [("v1", "h1")]}
    assert hints.excluded == []


def test_a_state_that_was_not_closed_is_read_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "open.db"
    state = State.open(str(path))
    put(state, [synced(remote("n1"), local(1))])

    assert salvage(str(path)).lineage == {"n1": [("v-n1", "h-n1")]}

    state.close()
