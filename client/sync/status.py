"""What the engine tells of itself: the state of one root, as commands print it and programs read it."""

from typing import Any, Literal

import msgspec

from client.sync.known import Held

MOST_PATHS = 100
"""So many paths that are not safe yet are listed; all are counted."""

MOST_PROBLEMS = 1_000
"""So many problems, and unknown paths, are told; there may be more."""


class Pending(msgspec.Struct, frozen=True):
    """What is still to be done: files, and the bytes of those that are sent or fetched."""

    send: int = 0
    send_bytes: int = 0
    fetch: int = 0
    fetch_bytes: int = 0
    move: int = 0
    delete: int = 0


class Transfer(msgspec.Struct, frozen=True):
    """A file on its way; `size` and `done` are bytes."""

    path: str
    up: bool
    size: int
    done: int


class Trouble(msgspec.Struct, frozen=True):
    """A Problem (client.sync.model), and since when it stands. A note keeps nothing from being in step."""

    path: str
    code: str
    message: str
    since_ms: int
    is_note: bool = False


class Unknown(msgspec.Struct, frozen=True):
    """A path that could not be looked at, so that nothing is concluded from what is (not) seen there, and why."""

    path: str
    reason: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one root. Times are Unix milliseconds, rates bytes a second.

    Args:
        root: the folder here.
        remote: the folder at the server.
        server: its URL.
        state: `in_step`: both sides agree; `blocked`: nothing goes on before a person or the world changes something;
            `stopped`: no process keeps this root in step, and all else is as the last run left it.
        since_ms: when this state began.
        transfers: files under way.
        seconds_left: for all that is pending; None where it cannot be told.
        not_safe: paths here whose content the server does not hold yet, the first MOST_PATHS of `not_safe_files`.
        problems: what is in the way, each with what to do; the first MOST_PROBLEMS, of `unknown` alike.
        held: what waits for a person.
        unknown: what could not be looked at.
        conflicts: conflict copies here.
        last_sync_ms: when both sides last agreed; None where that is not known.
        came_back: files deleted elsewhere that came back, since this device had lost its memory of them.
        watching: whether the system tells of changes; else folders are looked through now and then.
        polled_folders: folders that the system's limit of watches left out.
    """

    root: str
    remote: str
    server: str
    state: Literal["in_step", "syncing", "scanning", "paused", "offline", "stopped", "blocked"]
    since_ms: int
    pending: Pending = Pending()
    transfers: list[Transfer] = []
    rate_up: int = 0
    rate_down: int = 0
    seconds_left: int | None = None
    not_safe: list[str] = []
    not_safe_files: int = 0
    problems: list[Trouble] = []
    held: list[Held] = []
    unknown: list[Unknown] = []
    conflicts: int = 0
    last_sync_ms: int | None = None
    came_back: int = 0
    watching: bool = True
    polled_folders: int = 0


class HeldPath(msgspec.Struct, frozen=True):
    """One of the paths that are held; `files` is how many are held with it, of `tracked` in all."""

    path: str
    reason: str
    side: str
    files: int
    tracked: int


class BlockedPath(msgspec.Struct, frozen=True):
    """A path that something is in the way of."""

    path: str
    reason: str
    message: str
    since_ms: int


def report(status: Status) -> dict[str, object]:
    """Return what `status --json` prints: the fields of Status, but `held`, `blocked`, `unknown` by path and reason."""
    fields: dict[str, object] = msgspec.structs.asdict(status)
    fields.pop("problems")
    fields["held"] = [
        HeldPath(path, hold.reason, hold.side, hold.files, hold.tracked)
        for hold in status.held
        for path in hold.examples or [""]
    ]
    fields["blocked"] = [
        BlockedPath(problem.path, problem.code, problem.message, problem.since_ms) for problem in status.problems
    ]
    return fields


def encode(value: object) -> bytes:
    """Return a value as JSON, with what is not UTF-8 in its texts (names on disk) written as escapes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_cleaned(msgspec.to_builtins(value)))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list) else value
