"""`cairn serve` that is killed once chunks are in their places in the bucket and no row of the index names them yet.

Run as a module, as `tests.server` does.
"""

import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from app import cli
from storage import rows
from storage.group_writer import PlainSession

FLAG = "DIES_ONCE"
"""Names the variable that names a file: while that is there, the server removes it, and dies."""

record = rows.record


def die(session: PlainSession, *, chunks: Collection[rows.NewChunk], **more: Any) -> None:
    """Die if that is asked for, else write the rows."""
    flag = Path(os.environ[FLAG])
    if chunks and flag.exists():
        flag.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    record(session, chunks=list(chunks), **more)


if __name__ == "__main__":
    setattr(rows, "record", die)  # noqa: B010 - a death is no setting
    sys.exit(cli.main(sys.argv[1:]))
