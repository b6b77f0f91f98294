"""What of a node that the server shows cannot be: the server is not trusted with names, ids or numbers."""

import re
from collections.abc import Callable

from client.protocol import File
from client.sync.names import server_name

DEEPEST = 128  # folders in one another, as many as a server can hold
TOO_DEEP = f"it lies deeper than {DEEPEST} folders"
BOUND = 2**63  # of what the state can hold
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def refusal(file: File) -> str | None:
    """Return why a node that the server shows can have no place in the tree; None if it can.

    It is to be asked of every node that comes with an answer, from the feed or from a call, before the node is
    recorded. Whether its parent is known is not judged here. A home has no name that counts.
    """
    return next((reason for is_fine, reason in _RULES if not is_fine(file)), None)


def _has_kind(file: File) -> bool:
    return file.kind in {"file", "folder"}


def _has_ids(file: File) -> bool:
    given = [each for each in (file.file_id, file.parent_id, file.version_id) if each is not None]
    return all(_ID.fullmatch(each) for each in given) and (file.kind == "folder" or file.version_id is not None)


def _has_place(file: File) -> bool:
    return file.parent_id not in {None, file.file_id} or (file.parent_id is None and file.kind == "folder")


def _has_name(file: File) -> bool:
    return file.parent_id is None or server_name(file.name) == file.name


def _has_numbers(file: File) -> bool:
    return 0 <= file.size < BOUND and 0 <= file.seq < BOUND and -BOUND <= (file.mtime_ms or 0) < BOUND


def _has_hash(file: File) -> bool:
    return file.sha256 is None or _SHA256.fullmatch(file.sha256) is not None


_RULES: tuple[tuple[Callable[[File], bool], str], ...] = (
    (_has_kind, "it is neither file nor folder"),
    (_has_ids, "its ids are none"),
    (_has_place, "it is in no folder"),
    (_has_name, "its name is none that a file can have"),
    (_has_numbers, "its size or times are out of bounds"),
    (_has_hash, "its hash is none"),
)
