"""A database is made, kept, and brought forward; never back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.db import migrate as migration
from app.db.migrate import NewerSchemaError, migrate
from storage.disk import LocalDisk

SHIPPED = len(list(migration._steps()))  # noqa: SLF001 - how many steps this release has
SECOND = "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;\nINSERT INTO more (id) VALUES (7);\n"
LEFT_BEFORE = """
    INSERT INTO spaces (id, tag, owner_id, used, reserved, head_seq, history_seq)
      VALUES (1, x'00', 1, 0, 0, 0, 0), (2, x'00', 1, 0, 0, 0, 0);
    INSERT INTO nodes (id, tag, space_id, name, kind, seq, content_seq, feed_seq, created_seq, created_ms, actor_id,
      modified_ms) VALUES (3, x'00', 1, 'a', 0, 1, 1, 1, 1, 0, 1, 0), (4, x'00', 1, 'b', 0, 1, 1, 1, 1, 0, 1, 0);
    INSERT INTO properties (node_id, namespace, name, xml)
      VALUES (3, '', 'a', '<a/>'), (3, '', 'b', '<b/>'), (4, '', 'c', 'é?');
"""
PHOTOS_BEFORE = """
    INSERT INTO spaces (id, tag, owner_id, used, reserved, head_seq, history_seq) VALUES (1, x'00', 1, 0, 0, 0, 0);
    INSERT INTO nodes (id, tag, space_id, name, kind, version_id, seq, content_seq, feed_seq, created_seq, created_ms,
      actor_id, modified_ms)
      VALUES (3, x'00', 1, 'a', 0, 5, 1, 1, 1, 1, 0, 1, 0), (4, x'00', 1, 'b', 0, 6, 1, 1, 1, 1, 0, 1, 0);
    INSERT INTO versions (id, tag, node_id, size, mtime_ms, executable, content_type, actor_id, created_ms)
      VALUES (5, x'00', 3, 0, 0, 0, 'video/mp4', 1, 0), (6, x'00', 4, 0, 0, 0, 'image/svg+xml', 1, 0);
"""
BROKEN = f"{SECOND}DROP TABLE nowhere;\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the first schema."""
    (tmp_path / "snapshots").mkdir()
    run(tmp_path / "metadata.db")
    return tmp_path / "metadata.db"


def run(path: Path) -> None:
    migrate(path, path.parent / "snapshots", LocalDisk())


def ask(path: Path, statement: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchone()[0]


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


def with_second_step(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the program know one more step than it ships."""
    shipped = list(migration._steps())  # noqa: SLF001 - the one place where a later release differs

    def steps() -> Iterator[tuple[int, str]]:
        yield from shipped
        yield len(shipped) + 1, script

    monkeypatch.setattr(migration, "_steps", steps)


def test_a_new_database_has_names_of_its_own(path: Path, tmp_path: Path) -> None:
    run(tmp_path / "other.db")

    names = [(ask(found, "SELECT instance FROM meta"), ask(found, "SELECT epoch FROM meta"))
             for found in (path, tmp_path / "other.db")]  # fmt: skip
    assert len({name for pair in names for name in pair}) == 4
    assert ask(path, "SELECT count(*) FROM meta") == 1


def test_every_table_is_strict_and_every_column_is_explained_or_plain(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        lax = [
            row[1]
            for row in connection.execute("PRAGMA table_list")
            if not row[1].startswith(("sqlite_", "found_names")) and not row[5]  # FTS5 makes its own tables
        ]

    assert lax == []


def test_a_database_that_is_up_to_date_is_left_alone(path: Path) -> None:
    before = ask(path, "SELECT epoch FROM meta")

    run(path)

    assert ask(path, "SELECT epoch FROM meta") == before
    assert list((path.parent / "snapshots").iterdir()) == []


def test_a_database_of_a_newer_program_is_refused_and_untouched(path: Path) -> None:
    set_version(path, 99)
    before = path.read_bytes()

    with pytest.raises(NewerSchemaError, match="99"):
        run(path)

    assert path.read_bytes() == before


def test_a_step_keeps_a_copy_of_what_was_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = ask(path, "SELECT epoch FROM meta")
    with_second_step(monkeypatch, SECOND)

    run(path)

    assert ask(path, "SELECT id FROM more") == 7
    assert ask(path, "PRAGMA user_version") == SHIPPED + 1
    (copy,) = (path.parent / "snapshots").iterdir()
    assert (ask(copy, "PRAGMA user_version"), ask(copy, "SELECT epoch FROM meta")) == (SHIPPED, epoch)
    assert ask(copy, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'") == 0


class RecordingDisk(LocalDisk):
    """Keeps the order in which things were made durable."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._names: dict[int, str] = {}

    def open_(self, path: Path) -> int:
        descriptor = super().open_(path)
        self._names[descriptor] = path.name
        return descriptor

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        if descriptor in self._names:  # else of a folder
            self.calls.append(("fsync", self._names[descriptor]))

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        del self._names[descriptor]

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self.calls.append(("sync_folder", path.name))

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        super().commit(connection, path)
        self.calls.append(("commit", path.name))


def test_the_copy_is_durable_before_the_step_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = RecordingDisk()
    with_second_step(monkeypatch, SECOND)

    migrate(path, path.parent / "snapshots", disk)

    assert disk.calls == [
        ("fsync", f"metadata-schema-{SHIPPED:04}.db"),
        ("sync_folder", "snapshots"),
        ("commit", "metadata.db"),
    ]


def test_a_step_that_fails_leaves_the_database_as_it_was_and_may_be_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        with_second_step(patched, BROKEN)
        with pytest.raises(sqlite3.OperationalError):
            run(path)

    assert ask(path, "PRAGMA user_version") == SHIPPED
    assert ask(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'") == 0
    with_second_step(monkeypatch, SECOND)
    run(path)
    assert ask(path, "SELECT id FROM more") == 7


def before(path: Path, monkeypatch: pytest.MonkeyPatch, step: str, rows: str) -> None:
    """Make a database as releases before a step had it, with rows in it."""
    shipped = list(migration._steps())  # noqa: SLF001 - as far as a release before had them
    (path.parent / "snapshots").mkdir()
    added = next(number for number, script in shipped if step in script)
    with monkeypatch.context() as patched:
        patched.setattr(migration, "_steps", lambda: (known for known in shipped if known[0] < added))
        run(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(rows)


def test_what_programs_had_left_on_nodes_before_it_counted_counts_from_now_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metadata.db"
    before(path, monkeypatch, "property_size", LEFT_BEFORE)

    run(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id, property_size FROM spaces ORDER BY id").fetchall() == [(1, 11), (2, 0)]


def test_photos_that_were_there_before_the_gallery_are_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metadata.db"
    before(path, monkeypatch, "is_photo", PHOTOS_BEFORE)

    run(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id, is_photo FROM nodes ORDER BY id").fetchall() == [(3, 1), (4, 0)]
