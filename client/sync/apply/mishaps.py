"""What an error of the disk or the server means for a job that changes this device: Stale or Blocked, never Done."""

from client.errors import (
    ApiError,
    ClientError,
    NotLoggedInError,
    RefusedError,
    StoppedError,
    UnreachableError,
)
from client.sync.model import Problem
from client.sync.outcome import Blocked, Stale
from client.sync.seams.files import FsError, Trouble

RETRIES_S = (5.0, 15.0, 60.0, 300.0)
"""When something that is in use is tried again; the last for all times after."""

_MOVED_ON = frozenset(
    {
        Trouble.ABSENT,
        Trouble.EXISTS,
        Trouble.NOT_EMPTY,
        Trouble.NOT_FOLDER,
        Trouble.LINK,
        Trouble.CHANGED,
    }
)
"""The disk is not as the planner saw it."""

_BLOCKED = {
    Trouble.READ_ONLY: ("read_only", "There is no right to write here.", 60.0),
    Trouble.UNREADABLE: ("unreadable", "There is no right to read this.", 60.0),
    Trouble.DAMAGED: ("damaged", "The disk failed while this was written: check it.", 60.0),
    Trouble.BUSY: ("busy", "Another program has this file in use: close it there.", RETRIES_S[0]),
    Trouble.FULL: ("full", "This disk is full: make room.", 60.0),
    Trouble.CROSS_DEVICE: (
        "other",
        "Another disk is mounted inside the folder here: what is on it is not synced.",
        300.0,
    ),
    Trouble.NAME: ("name", "This disk cannot hold a file of that name.", 300.0),
}

CHANGED = Stale("it is no longer as it was when this was planned")


class DamagedAtServerError(Exception):
    """The server has no bytes, or no list of chunks, that fit what it announced; its text is a sentence."""


def of_disk(error: FsError, shown: str) -> Stale | Blocked:
    """Return what an error of the disk means for what is shown as `shown`."""
    if error.trouble in _MOVED_ON:
        return Stale(str(error))
    code, message, retry_s = _BLOCKED.get(error.trouble, ("other", f"The disk refused: {error}.", 60.0))
    all_of = "fetches" if error.trouble is Trouble.FULL else None
    return Blocked(Problem(shown, code, message), retry_s, all_of)


def of_server(error: ClientError, shown: str) -> Stale | Blocked:
    """Return what an error of the server means for a fetch, which changes nothing there."""
    if isinstance(error, ApiError) and error.code == "not_found":
        return Stale(str(error))
    if isinstance(error, NotLoggedInError):
        return Blocked(Problem(shown, "not_logged_in", str(error)), 60.0, "calls")
    if isinstance(error, RefusedError):
        return Blocked(Problem(shown, "forbidden", str(error)), 60.0)
    if isinstance(error, UnreachableError) or (isinstance(error, ApiError) and error.code == "rate_limited"):
        return Blocked(Problem(shown, "unreachable", str(error)), max(5.0, error.retry_after_s), "calls")
    if isinstance(error, StoppedError):
        return Blocked(Problem(shown, "unreachable", str(error)), 5.0, "calls")
    return Blocked(Problem(shown, "other", str(error)), 60.0)


def of_damage(error: DamagedAtServerError, shown: str) -> Blocked:
    """Return what a version that the server cannot give back means: the target stays as it is."""
    return Blocked(Problem(shown, "damaged_at_server", str(error)), 300.0)
