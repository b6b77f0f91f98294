"""What the commands about roots share: which one is meant, and how the process that syncs it is asked."""

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from client.cli.common import device_home
from client.errors import ClientError, UsageError
from client.sync.device.control import Reply, Request, ask
from client.sync.device.roots import Root, Roots
from client.sync.status import Status


def device_roots() -> Roots:
    """Return the registry of this device."""
    return Roots(device_home().folder)


def find_root(folder: str | None) -> Root:
    """Return the root that is meant: by a folder, else the one that the current folder is in, else the only one.

    Raises:
        UsageError: there is none, or it cannot be told which.
    """
    roots = device_roots()
    if folder is not None:
        root = roots.find_around(Path(folder))
        if root is None:
            raise UsageError(f"{folder} is not kept in step: `cairn sync {folder}` begins that.")
        return root
    found = roots.list()
    around = roots.find_around(Path.cwd())
    if around is not None:
        return around
    if not found:
        raise UsageError("No folder of this device is kept in step: `cairn sync DIR` begins that.")
    if len(found) > 1:
        raise UsageError(f"Say which folder: {', '.join(root.settings.root for root in found)}.")
    return found[0]


def split_words(words: Sequence[str], actions: Collection[str]) -> tuple[str | None, str, list[str]]:
    """Return folder, action and entries of `[DIR] [ACTION [ENTRY …]]`; an action left out is `list`, if that is one.

    A folder that is called like an action is written with a path, as ./add.
    """
    left = list(words)
    folder = left.pop(0) if left and left[0] not in actions else None
    action = left.pop(0) if left else "list"
    if action not in actions:
        raise UsageError(f"Say what to do: {', '.join(actions)}.")
    return folder, action, left


def tell(root: Root, do: str) -> Reply | None:
    """Ask the process that syncs a root; None if there is none. Raise ClientError if it did not do it."""
    reply = ask(root.state, Request(do), lambda: root.is_held)
    if reply is not None and not reply.done:
        raise ClientError(f"The process that keeps {root.settings.root} in step: {reply.message}")
    return reply


def reload(root: Root) -> bool:
    """Let the process that syncs a root read its settings again; return whether there is one."""
    return tell(root, "reload") is not None


def status_of(root: Root) -> Status:
    """Return the status as the process that syncs a root tells it, else as the last one left it."""
    reply = tell(root, "status")
    if reply is not None and reply.status is not None:
        return reply.status
    settings = root.settings
    last = last_status(root)
    if last is None:
        return Status(root=settings.root, remote=settings.remote, server=settings.server, state="stopped", since_ms=0)
    since_ms = root.last.stat().st_mtime_ns // 1_000_000
    return msgspec.structs.replace(
        last, state="stopped", since_ms=since_ms, transfers=[], rate_up=0, rate_down=0, seconds_left=None
    )


def last_status(root: Root) -> Status | None:
    """Return the status at the end of the last run; None if there is none, or it is of another version."""
    try:
        return msgspec.json.decode(root.last.read_bytes(), type=Status)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None
