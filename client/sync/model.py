"""The three trees of a root: what the server holds, what this device holds, and what both last agreed on.

Nodes at the server are known by their id, entries on this device by a number of our own (`lid`) that a rename keeps.
A synced row ties one to the other; it is the base of every merge. Paths below the root are tuples of names, the root
itself is the empty one. Names on disk are kept as found; what is not UTF-8 holds surrogates and is never synced.
"""

from enum import Enum

import msgspec

Path = tuple[str, ...]

ROOT_LID = 0
"""The root folder of this device."""

PARKED_LID = -1
"""`.cairn/parked`: where a file or folder waits while another takes its name. No scan goes there."""

PRIVATE = ".cairn"
LASTING = 1 << 62
"""A `Stat.device` from here on is the same at each start, and no other file system has it."""

TMP: Path = (PRIVATE, "tmp")
PARKED: Path = (PRIVATE, "parked")
DISPLACED: Path = (PRIVATE, "displaced")
TRASH: Path = (PRIVATE, "trash")
MARKER: Path = (PRIVATE, "root")


class Kind(Enum):
    """What a node or an entry is. Only files and folders are synced."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


class RemoteNode(msgspec.Struct, frozen=True, gc=False):
    """A node as the server last showed it. Of a folder `version_id`, `sha256` and `mtime_ms` are None and `size` is 0.

    `sha256` is None where the server does not know it (yet); this device fills it in when it has seen the bytes.
    `seq` is the number of the node's last change. `writable` is false where this account may only read.
    """

    id: str
    parent_id: str | None
    name: str
    kind: Kind
    version_id: str | None
    sha256: str | None
    size: int
    mtime_ms: int | None
    executable: bool
    seq: int
    writable: bool = True


class Stat(msgspec.Struct, frozen=True, gc=False):
    """What the file system says of an entry, a link itself and not where it leads. Of a folder `size` is 0.

    `device` tells the mount: what is mounted in a folder has another than the folder, on one file system too.
    """

    kind: Kind
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int
    executable: bool

    @property
    def mtime_ms(self) -> int:
        """The time of the last change in Unix milliseconds, rounded down."""
        return self.mtime_ns // 1_000_000


class LocalEntry(msgspec.Struct, frozen=True, gc=False):
    """A file or folder on this device as last observed.

    `sha256` is None while nobody has read the content in this state. `sure` is false while a change after it could
    have left size and times as they are (git's racy rule): then the file is read again at the next scan.
    """

    lid: int
    parent: int
    name: str
    stat: Stat
    sha256: str | None = None
    sure: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder; else it is a plain file."""
        return self.stat.kind is Kind.FOLDER


class SyncedNode(msgspec.Struct, frozen=True, gc=False):
    """What both sides last agreed on for a node: the base of a merge.

    `parent_id` and `name` are the place at the server, `local_parent` and `local_name` the place here at that time; the
    names differ where this disk cannot hold the server's. `sha256` and `version_id` are None for a folder.
    """

    id: str
    parent_id: str
    name: str
    kind: Kind
    version_id: str | None
    sha256: str | None
    executable: bool
    mtime_ms: int | None
    lid: int
    local_parent: int
    local_name: str


class Verdict(Enum):
    """How a file here compares with a version at the server, where hashes alone did not tell."""

    EQUAL = "equal"
    DESCENDANT = "descendant"
    """The server's version is one that this device's file grew from: the file here is an edit of it."""

    ANCESTOR = "ancestor"
    """The bytes here are those of an earlier version at the server."""

    UNRELATED = "unrelated"


class Problem(msgspec.Struct, frozen=True):
    """Something that keeps a path from being in step, and that a person should know of.

    `code` is stable: unreadable, damaged, busy, full, read_only, name, link, special, quota, server_full, forbidden,
    damaged_at_server, decayed, locked, watch_limit, unreachable, not_logged_in, held_deletes, held_shrinks, other.
    `message` is one sentence that says what to do, where something can be done. `path` is below the root.
    """

    path: str
    code: str
    message: str
