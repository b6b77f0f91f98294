"""Opens the state of a root, and begins anew with what hints there are where the old one is lost."""

from contextlib import suppress
from pathlib import Path

from client.sync.trees.database import BlockedStateError, NewerStateError, StateError
from client.sync.trees.salvage import salvage
from client.sync.trees.state import State

KEPT = 3  # damaged states, for whoever wants to look into one


def open_state(path: Path) -> State:
    """Return the state in a file, or a new one; what cannot be read is moved aside, never deleted at once.

    A new state has no marks of the root, so that the engine starts without a base: nothing is deleted on either side.

    Raises:
        StateError: the state is of a newer program, or its disk is full or cannot be used.
    """
    _make_private(path)
    try:
        return State.open(str(path))
    except (NewerStateError, BlockedStateError):
        raise
    except StateError:
        if not path.exists():
            raise
        hints = salvage(str(path))
        _move_aside(path)
        state = State.open(str(path))
        hints.give(state)
        return state


def _make_private(path: Path) -> None:
    """Let nobody else read the file, new or old; SQLite gives the files beside it the same mode."""
    with suppress(OSError):  # SQLite will say what is wrong
        path.touch(mode=0o600)
        for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            with suppress(FileNotFoundError):
                each.chmod(0o600)


def _move_aside(path: Path) -> None:
    """Rename the file and its log to the first free number; the oldest gives way."""
    for number in range(KEPT, 1, -1):
        older, newer = _damaged(path, number), _damaged(path, number - 1)
        if newer.exists():
            newer.replace(older)
    path.replace(_damaged(path, 1))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _damaged(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
