"""The SQLite file of a state: opened with care, written in transactions, with one error for all that can go wrong."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Self

SCHEMA_VERSION = 1

_OF_THE_DISK = frozenset(
    {
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM),
    }
)

_IN_USE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_LOOK_AT_THE_DISK = (
    "It is kept in $CAIRN_HOME: see that this disk is there, has room, can be written and has no faults, then run the"
    " command again. It goes on where it was; nothing is lost."
)
_BEGIN_ANEW = "Run the command again: it begins a new one, which compares everything anew and deletes nothing."

_ERRORS = (sqlite3.Error, OverflowError)  # the latter where a number has more than 64 bits

Row = tuple[Any, ...]


class StateError(Exception):
    """The state database cannot be used: it is damaged, of a newer program, or its disk is full or gone."""


class NewerStateError(StateError):
    """The state database is of a newer program."""


class BlockedStateError(StateError):
    """The state database is not known to be damaged, but cannot be used now: its disk is full, failing or gone."""


class ClashError(StateError):
    """What was to be written breaks a rule of the tables: two entries at one place. Nothing was written."""


class Database:
    """One connection, used by one thread at a time. Every method raises StateError, and nothing else of SQLite's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection made with `isolation_level=None`; make the tables if there are none."""
        self._connection = connection
        self._depth = 0
        self.on_rollback: Callable[[], None] = lambda: None
        self.before_commit: Callable[[], None] = lambda: None
        (version,) = self.row("PRAGMA user_version") or (0,)
        if version == 0:
            self._make_tables()
        elif version != SCHEMA_VERSION:
            raise NewerStateError(f"The state of this folder is of a newer cairn (version {version}): update this one.")

    @classmethod
    def open(cls, path: str) -> Self:
        """Open the file, or make it; raise StateError if it is damaged."""
        connection = None
        try:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -16384")
            _check(connection)
            return cls(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error):
                raise _translation(error) from error
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def run(self, statement: str, values: Sequence[object] = ()) -> int:
        """Run a statement; return how many rows it changed."""
        try:
            return self._connection.execute(statement, values).rowcount
        except _ERRORS as error:
            raise _translation(error) from error

    def run_many(self, statement: str, values: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each set of values."""
        with _translated():
            self._connection.executemany(statement, values)

    def row(self, query: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row of an answer."""
        try:
            row: Row | None = self._connection.execute(query, values).fetchone()
        except _ERRORS as error:
            raise _translation(error) from error
        return row

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return all rows of an answer."""
        try:
            return self._connection.execute(query, values).fetchall()
        except _ERRORS as error:
            raise _translation(error) from error

    @property
    def is_in_transaction(self) -> bool:
        """Whether what is written now belongs to a transaction."""
        return self._depth > 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of the block or nothing. A block within a block undoes itself alone if it raises."""
        first = self._depth == 0
        self.run("BEGIN IMMEDIATE" if first else f"SAVEPOINT s{self._depth}")
        self._depth += 1
        try:
            yield
            if first:
                self.before_commit()
                self.run("COMMIT")
        except BaseException:
            self._depth -= 1
            self._undo()
            raise
        self._depth -= 1
        if not first:
            self.run(f"RELEASE s{self._depth}")

    def _undo(self) -> None:
        """Roll back the block at this depth. SQLite has done so by itself after some errors, as on a full disk."""
        if self._connection.in_transaction:
            if self._depth == 0:
                self.run("ROLLBACK")
            else:
                self.run(f"ROLLBACK TO s{self._depth}")
                self.run(f"RELEASE s{self._depth}")
        self.on_rollback()

    def _make_tables(self) -> None:
        text = files("client.sync.trees").joinpath("schema.sql").read_text("utf-8")
        with _translated():
            self._connection.executescript(f"BEGIN; {text}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _ERRORS as error:
        raise _translation(error) from error


def _translation(error: sqlite3.Error | OverflowError) -> StateError:
    if isinstance(error, sqlite3.IntegrityError):
        return ClashError(f"The state of this folder holds something else there: {error}.")
    sentence = f"The state of this folder cannot be used: {error}."
    code = _code_of(error)
    if code in _OF_THE_DISK:
        return BlockedStateError(sentence if code in _IN_USE else f"{sentence} {_LOOK_AT_THE_DISK}")
    return StateError(f"{sentence} {_BEGIN_ANEW}" if code in _DAMAGED else sentence)


def _code_of(error: Exception) -> int:
    """Return SQLite's primary result code; 0 where the error is Python's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _check(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StateError(f"The state of this folder is damaged: {verdict}. {_BEGIN_ANEW}")
