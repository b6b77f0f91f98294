"""Brings a metadata database to the newest schema, forward only, and makes a new one where there is none."""

import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path

from app.db.database import connect_writer
from app.db.transaction import MARK_SIZE
from storage.disk import Disk

_STEP = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_FIRST_META = """
    INSERT INTO meta (one, instance, epoch, seq, mark, next_id, last_ms, oldest_seq, oldest_mark, uptime_s)
    VALUES (1, :instance, :epoch, 0, :mark, 1, 0, 1, :mark, 0)
"""


class NewerSchemaError(Exception):
    """The file was written by a newer Cairn; going back is a restore."""


def migrate(path: Path, snapshots: Path, disk: Disk) -> None:
    """Apply every step that the file at `path` lacks, each in one transaction with its number; make a new file in one.

    Args:
        path: the database; made if absent.
        snapshots: folder for a copy of the file as it was before the first step.
        disk: the seam through which COMMIT goes.

    Raises:
        NewerSchemaError: the file knows more steps than this program.
    """
    steps = dict(_steps())
    with closing(connect_writer(path)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        newest = max(steps)
        if version > newest:
            raise NewerSchemaError(
                f"{path} has schema {version}, this Cairn knows up to {newest}: "
                "run the newer Cairn, or restore a backup."
            )
        if version == 0:  # a new file is made whole or not at all
            _apply(connection, [steps[number] for number in sorted(steps)], newest, path, disk)
            return
        if version < newest:
            _snapshot(connection, snapshots / f"{path.stem}-schema-{version:04}.db", disk)
        for number in range(version + 1, newest + 1):
            _apply(connection, [steps[number]], number, path, disk)


def _apply(connection: sqlite3.Connection, scripts: list[str], number: int, path: Path, disk: Disk) -> None:
    """Run scripts in one transaction, together with the number that they lead to."""
    is_new = connection.execute("PRAGMA user_version").fetchone()[0] == 0
    connection.execute("BEGIN IMMEDIATE")
    for script in scripts:
        for statement in _statements(script):
            connection.execute(statement)
    if is_new:
        _fill_meta(connection)
    connection.execute(f"PRAGMA user_version = {number}")
    disk.commit(connection, path)


def _steps() -> Iterator[tuple[int, str]]:
    for entry in resources.files("app.db").joinpath("schema").iterdir():
        if match := _STEP.fullmatch(entry.name):
            yield int(match[1]), entry.read_text("utf-8")


def _statements(script: str) -> Iterator[str]:
    """Split a script at the semicolons that end statements (`executescript` would commit first)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _fill_meta(connection: sqlite3.Connection) -> None:
    values = {"instance": secrets.token_hex(8), "epoch": secrets.token_hex(8), "mark": bytes(MARK_SIZE)}
    connection.execute(_FIRST_META, values)


def _snapshot(connection: sqlite3.Connection, target: Path, disk: Disk) -> None:
    target.unlink(missing_ok=True)  # what is left of a try that was cut short
    connection.execute("VACUUM INTO ?", (str(target),))
    descriptor = disk.open_(target)
    try:
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)
    disk.sync_folder(target.parent)
