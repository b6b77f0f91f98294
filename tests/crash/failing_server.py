"""`cairn` on a disk that fails when it is told to: run as a module, as `tests.server` does."""

import os
import sqlite3
import sys
from pathlib import Path

from app import application, cli, server
from storage.disk import LocalDisk

DATABASE = "FAILING_DATABASE"
"""Names the variable that holds the file name of the database whose syncs fail."""
WHEN = "FAILING_WHEN"
"""Names the variable that holds the path of a file; they fail once it is there."""


class FailingDisk(LocalDisk):
    """Answers a commit as SQLite does when fsync fails."""

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        """Commit, or fail without."""
        if path.name == os.environ[DATABASE] and Path(os.environ[WHEN]).exists():
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        super().commit(connection, path)


if __name__ == "__main__":
    for module in (application, server):
        setattr(module, LocalDisk.__name__, FailingDisk)  # the disk is no setting
    sys.exit(cli.main(sys.argv[1:]))
