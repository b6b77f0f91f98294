"""What can be done to bring the trees together.

Each operation holds the rows that the planner saw. It is begun only while the trees still hold the very same rows, and
checks at the last moment that the world does: at the server by preconditions, here by comparing with the entry's Stat.
All operations of one plan are independent of each other: any order and any overlap is right.
"""

from dataclasses import dataclass, field
from typing import Literal

from client.sync.model import LocalEntry, RemoteNode, SyncedNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Base of all: the rows it was decided on. None means that there was no such row."""

    node: RemoteNode | None = None
    entry: LocalEntry | None = None
    base: SyncedNode | None = None


# Knowledge: no side changes, only what is known of them. The engine does these at once, in one transaction.


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt(Operation):
    """Both sides agree on this node: `node` and `entry` become its synced row (place, content, all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Operation):
    """The node is gone on both sides, or left the view: its synced row goes. An entry that is left is then new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver(Operation):
    """`entry` was made anew where that of `base` was, which is gone: from now on it stands for the node, as an edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHash(Operation):
    """The content of `entry` must be known before anything can be decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Operation):
    """`entry` must be compared with `node`, whose bytes may be others, the same, older or newer: gives a Verdict."""


# Here: this device changes.


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeFolderHere(Operation):
    """Make the folder `node` here, as `name` in the folder `parent`, where nothing stands."""

    parent: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch(Operation):
    """Bring the file `node` here, as `name` in the folder `parent`, where nothing stands."""

    parent: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace(Operation):
    """Bring the content of `node` here in place of `entry`'s, whose bytes the server holds.

    With `keep_as` they are an edit that the server does not hold: what was here becomes a new file of that name.
    """

    keep_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHere(Operation):
    """Give `entry` the executable bit and mtime of `node`; its content is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveHere(Operation):
    """Rename `entry` to `name` in the folder `parent`, where nothing stands; PARKED_LID is the place to wait in.

    It stays what it was: its synced row takes the new place.
    """

    parent: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside(Operation):
    """Rename `entry` to `name` where it is, since the server has something else under its name.

    What it was synced with, if with anything, is cut off: under the new name it is new. What is below it keeps
    its ties.
    """

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHere(Operation):
    """Move the file `entry` to the local trash, or remove the empty folder `entry`. The synced row goes with it.

    `files` is how many files go by it.
    """

    files: int = field(default=0, compare=False)


# There: the server changes.


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeFolderThere(Operation):
    """Make the folder `entry` at the server, as `name` in the folder `parent_id`; one that is there is adopted."""

    parent_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Operation):
    """Send the content of `entry`.

    `how` is `new`: a new file `name` in `parent_id`; `version`: a new version of the node of `base` grown from
    `base_version`; `restore`: the same for a node that was deleted at the server, which comes back.
    The content need not have been read yet; if it then proves to be that of `base`, nothing is sent.
    """

    how: Literal["new", "version", "restore"]
    parent_id: str
    name: str
    base_version: str | None = None
    ancestors: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveThere(Operation):
    """Rename or move `node` at the server to `name` in `parent_id`, if its seq is still `node.seq`.

    With `is_parking` it only waits there while another takes its name: it still is to go where `entry` is.
    """

    parent_id: str
    name: str
    is_parking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetThere(Operation):
    """Give `node` the executable bit and mtime of `entry`, if its seq is still `node.seq`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteThere(Operation):
    """Delete `node` at the server: a file at `base`'s version; a folder if nothing below is newer than `below_seq`.

    `files` is how many files go by it.
    """

    below_seq: int | None = None
    files: int = field(default=0, compare=False)


KNOWLEDGE = (Adopt, Forget, TakeOver)
HERE = (MakeFolderHere, Fetch, Replace, SetHere, MoveHere, SetAside, DeleteHere)
THERE = (MakeFolderThere, Upload, MoveThere, SetThere, DeleteThere)


def empties(operation: Operation) -> bool:
    """Tell whether a file that holds something at the server would be empty there."""
    if not isinstance(operation, Upload) or operation.node is None or operation.entry is None:
        return False
    return operation.node.size > 0 and operation.entry.stat.size == 0
