"""What a state does when its file is damaged, foreign, newer, or its disk is full."""

import os
import sqlite3
from pathlib import Path

import pytest

from client.sync.device.salvaging import open_state
from client.sync.trees.state import State, StateError
from tests.sync.state.rows import put, remote


def _filled(path: Path, count: int) -> None:
    state = State.open(str(path))
    with state.transaction():
        for number in range(count):
            state.put_remote(remote(f"n{number:05}"))
    state.close()


def test_a_file_that_is_no_database_is_told_as_damage(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database, " * 1000)

    with pytest.raises(StateError, match=r"not a database.*again"):
        State.open(str(tmp_path / "state.db"))


def test_a_damaged_page_is_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    _filled(path, 2000)
    content = bytearray(path.read_bytes())
    content[-3 * 4096 : -2 * 4096] = b"\xff" * 4096
    path.write_bytes(content)

    with pytest.raises(StateError):
        State.open(str(path))


def test_a_page_that_is_damaged_later_is_told_by_the_read_that_meets_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    _filled(path, 20_000)
    state = State.open(str(path))
    state.db.run("PRAGMA cache_size = 1")
    with path.open("r+b") as file:
        file.seek(4096 * 8)
        file.write(b"\xff" * (path.stat().st_size - 4096 * 8))

    with pytest.raises(StateError):
        state.mark_differences()

    state.close()


def test_a_state_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    _filled(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StateError, match="newer cairn"):
        State.open(str(path))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"unable to open.*\$CAIRN_HOME.*again"):
        State.open(str(tmp_path / "nothing" / "state.db"))


def test_a_full_disk_leaves_the_state_as_it_was(state: State) -> None:
    with state.transaction():
        state.put_remote(remote("n1"))
    (pages,) = state.db.row("PRAGMA page_count") or (0,)
    state.db.run(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StateError, match=r"full.*\$CAIRN_HOME.*room"):
        put(state, [remote(f"m{number}") for number in range(5000)])

    assert state.remote_children("home") == [remote("n1")]
    state.db.run(f"PRAGMA max_page_count = {pages + 5000}")
    with state.transaction():
        state.put_remote(remote("n2"))


def test_a_state_that_another_program_writes_to_is_told_not_waited_for_without_end(
    tmp_path: Path, state: State
) -> None:
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    state.db.run("PRAGMA busy_timeout = 10")

    with pytest.raises(StateError, match="locked"), state.transaction():
        state.put_remote(remote("n1"))

    other.close()
    with state.transaction():
        state.put_remote(remote("n1"))


def test_nobody_else_reads_the_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch(0o644)
    before = os.umask(0)
    try:
        state = open_state(path)
        with state.transaction():
            state.set_meta("a", "b")
        modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
        state.close()
    finally:
        os.umask(before)

    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}
