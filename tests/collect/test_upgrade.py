"""Folders of before collections were known get what those need, and lose nothing by it."""

import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

from app.db.database import connect_reader, connect_writer
from app.db.migrate import migrate
from app.db.transaction import Snapshot
from app.repositories.references import Place, references_after
from storage import rows
from storage.disk import LocalDisk
from storage.store import INDEX_NAME
from tests.storage.makers import LATER_S, id_of, noise, opened, put

BEFORE = ("0001_foundation.sql", "0002_trash_and_jobs.sql")

ROWS = (
    "INSERT INTO meta VALUES (1, 'i', 'e', 0, x'00', 9, 0, 1, x'00', 0)",
    "INSERT INTO users VALUES (3, x'00', 'ada', 'ada', '', 1, NULL, 0, 0)",
    "INSERT INTO actors VALUES (4, x'00', 3, 0, 'device', NULL, NULL, 0, 0, 0, NULL)",
    "INSERT INTO spaces VALUES (5, x'00', 3, NULL, NULL, 0, 0, 0, 0)",
    "INSERT INTO uploads VALUES (1, x'00', 3, 4, 5, NULL, 0, x'00', 0, 2, 0, 0, 0, 0, 0, NULL, NULL)",
    "INSERT INTO uploads VALUES (2, x'00', 3, 4, 5, NULL, 0, x'00', 0, 2, 0, 0, 0, 0, 0, NULL, NULL)",
)
"""Two open uploads, and what they hang by."""


async def test_index_of_the_first_form_is_brought_up(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), flush_after_s=LATER_S) as store:
        await put(store, "upload", noise(1))
    with closing(sqlite3.connect(folder / INDEX_NAME)) as connection:
        for table in ("unused", "strays", "collection", "packs", "moves"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DROP INDEX chunks_in_packs")
        connection.execute("DROP INDEX chunks_by_name")
        connection.execute("ALTER TABLE chunks DROP COLUMN name")
        connection.execute("PRAGMA user_version = 1")

    async with opened(folder, LocalDisk()) as store:
        await store.disposal.note(found=[id_of(noise(1))], used=[], run_s=1)

        assert await store.read(id_of(noise(1))) == noise(1)
    with closing(sqlite3.connect(folder / INDEX_NAME)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == rows.SCHEMA_VERSION
        assert connection.execute("SELECT count(*) FROM unused").fetchone()[0] == 1


def test_chunk_lists_of_open_uploads_outlive_the_step_that_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    (tmp_path / "snapshots").mkdir()
    lists = [(upload, first, bytes([upload, first]) * 18) for upload in (1, 2) for first in (0, 7)]
    with closing(connect_writer(path)) as connection:
        for name in BEFORE:
            script = resources.files("app.db").joinpath("schema", name).read_text("utf-8")
            connection.executescript(script)
        for row in ROWS:
            connection.execute(row)
        connection.executemany("INSERT INTO upload_chunks VALUES (?, ?, ?)", lists)
        connection.execute("PRAGMA user_version = 2")

    migrate(path, tmp_path / "snapshots", LocalDisk())

    with closing(connect_reader(path)) as connection:
        found = references_after(Snapshot(connection), Place(), size=1 << 20)
        assert sorted(chunks.packed for chunks in found.lists) == sorted(packed for _, _, packed in lists)
        assert references_after(Snapshot(connection), found.end, size=1 << 20).lists == []
