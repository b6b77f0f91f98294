"""What goes into a zip: files, and the trees below folders, walked in slices and written down outside of memory."""

import hashlib
import struct
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.errors import LimitReachedError
from app.listing import Place
from app.repositories import listings, nodes
from app.repositories.nodes import Node
from app.services import access
from app.services.access import Right, Sight
from app.services.archive_format import Entry, end_of, safe_name
from app.services.names import free_name
from app.services.views import View
from storage.errors import StoreFullError

MOST_ENTRIES = 1_000_000
PAGE = 500
SLICE = 1_000
IN_MEMORY = 1024 * 1024
HOME = "Files"
"""What the home is called in a zip."""
_LABEL = b"cairn-zip-v1"
_RECORD = struct.Struct("<QQQqBH")
_FOLDER, _PROGRAM = 1, 2


@dataclass(frozen=True, slots=True)
class Planned:
    """One entry: how it stands in the zip, and the node and version that it is made of (0 for a folder's version)."""

    entry: Entry
    node_id: int
    version_id: int

    def packed(self) -> bytes:
        """Return it as it is written down."""
        entry = self.entry
        marks = (_FOLDER if entry.is_folder else 0) | (_PROGRAM if entry.executable else 0)
        head = _RECORD.pack(self.node_id, self.version_id, entry.size, entry.mtime_ms, marks, len(entry.name))
        return head + entry.name


class Plan:
    """The entries of one zip in order, in a file without a name, which ends with the plan; memory holds a MiB of it.

    Attributes:
        etag: letters and digits that change with every byte of the zip.
    """

    def __init__(self, folder: Path) -> None:
        """Begin with no entry; `folder` is where a long plan is written down."""
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(folder))  # noqa: SIM115 - closed by `close`
        self._digest = hashlib.blake2b(_LABEL, digest_size=16)
        self.entries = 0
        self.content_size = 0
        self.central_size = 0

    def add_all(self, found: Iterable[Planned]) -> None:
        """Append entries. May block on the disk.

        Raises:
            LimitReachedError: there are too many.
            StoreFullError: the disk has no room for a plan as long as this.
        """
        try:
            for planned in found:
                self._add(planned)
        except OSError as error:
            raise StoreFullError(f"The plan of this zip cannot be written down: {error.strerror}.") from error

    def _add(self, planned: Planned) -> None:
        if self.entries >= MOST_ENTRIES:
            raise LimitReachedError(f"A zip may have {MOST_ENTRIES:,} entries: take the folders below one by one.")
        packed = planned.packed()
        self._spool.write(packed)
        self._digest.update(packed)
        self.entries += 1
        self.central_size += planned.entry.central_size(self.content_size)
        self.content_size += planned.entry.whole_size

    @property
    def etag(self) -> str:
        """Strong validator of the zip, without quotes."""
        return self._digest.hexdigest()

    @property
    def size(self) -> int:
        """How many bytes the zip has."""
        return self.content_size + self.central_size + len(self.end())

    def end(self) -> bytes:
        """Return the last record of the zip."""
        return end_of(self.entries, self.content_size, self.central_size)

    def read(self) -> Iterator[Planned]:
        """Yield the entries from the first one on. May block on the disk."""
        self._spool.seek(0)
        while head := self._spool.read(_RECORD.size):
            node_id, version_id, size, mtime_ms, marks, length = _RECORD.unpack(head)
            entry = Entry(self._spool.read(length), size, mtime_ms, bool(marks & _FOLDER), bool(marks & _PROGRAM))
            yield Planned(entry, node_id, version_id)

    def close(self) -> None:
        """Forget all of it."""
        self._spool.close()


@dataclass(slots=True)
class _Frame:
    """A folder on the way down: where its listing goes on, and which folders of its last page are still to come."""

    folder_id: str
    prefix: str
    after: Place | None = None
    is_listed: bool = False
    pending: list["_Frame"] = field(default_factory=list)
    made_up: set[str] = field(default_factory=set)


class Walk:
    """Goes through entries and all below them that the actor may read, depth first; each step is one unit of work.

    What is held is a page of folders for each level, whatever the size of the tree.
    """

    def __init__(self, actor: Actor, file_ids: Sequence[str]) -> None:
        """Begin above the entries with these wire ids."""
        self._actor = actor
        self._file_ids = file_ids
        self._frames: list[_Frame] = []
        self._begun = 0
        self._names: set[str] = set()

    @property
    def is_done(self) -> bool:
        """Whether all was found."""
        return self._begun == len(self._file_ids) and not self._frames

    def step(self, tx: Snapshot) -> list[Planned]:
        """Return the next entries, about a thousand.

        Raises:
            NotFoundError: an entry or a folder is gone, or not the actor's to see any more.
        """
        found: list[Planned] = []
        while not self.is_done and len(found) < SLICE:
            if not self._frames:
                found += self._begin(tx)
                continue
            frame = self._frames[-1]
            if frame.pending:
                self._frames.append(frame.pending.pop())
            elif frame.is_listed:
                self._frames.pop()
            else:
                found += self._list(tx, frame)
        return found

    def _begin(self, tx: Snapshot) -> list[Planned]:
        """Return the next of the entries that were asked for; those of different folders may be of one name."""
        file_id = self._file_ids[self._begun]
        sight = access.look(tx, self._actor, file_id)
        self._begun += 1
        name = free_name(safe_name(name_of(tx, sight)), self._names.__contains__)
        self._names.add(name)
        if not sight.node.is_folder:
            return _file(sight.node, name)
        self._frames = [_Frame(file_id, f"{name}/")]
        return [_folder(sight.node.id, f"{name}/", sight.node.modified_ms)]

    def _list(self, tx: Snapshot, frame: _Frame) -> list[Planned]:
        """Return a page of a folder, and note the folders in it."""
        sight = access.look(tx, self._actor, frame.folder_id)
        sight.require(Right.READ)
        page, frame.after = listings.children(
            tx, sight.node.id, sort="name", order="asc", after=frame.after, limit=PAGE
        )
        frame.is_listed = frame.after is None
        found = []
        for view in View.of_children(tx, sight, page):
            path = frame.prefix + _unique_name(tx, frame, sight, view.path.rpartition("/")[2])
            node = view.listed.node
            if node.is_folder:
                frame.pending.append(_Frame(view.file_id, f"{path}/"))
                found.append(_folder(node.id, f"{path}/", node.modified_ms))
            else:
                found += _file(node, path)
        frame.pending.reverse()
        return found


def name_of(tx: Snapshot, sight: Sight) -> str:
    """Return the name of what a zip is made of; the home has none of its own."""
    return View.of(tx, sight).listed.node.name or HOME


def _file(node: Node, path: str) -> list[Planned]:
    if node.version_id is None:
        return []
    mtime_ms = node.modified_ms if node.mtime_ms is None else node.mtime_ms
    return [
        Planned(Entry(path.encode(), node.size or 0, mtime_ms, executable=node.executable), node.id, node.version_id)
    ]


def _folder(node_id: int, path: str, mtime_ms: int) -> Planned:
    return Planned(Entry(path.encode(), 0, mtime_ms, is_folder=True), node_id, 0)


def _unique_name(tx: Snapshot, frame: _Frame, sight: Sight, name: str) -> str:
    """Return a child's name as it may stand in a zip; one that had to be changed is like none of its siblings'."""
    safe = safe_name(name)
    if safe == name:
        return name
    unique = free_name(
        safe, lambda name: name in frame.made_up or nodes.name_in_use(tx, sight.node.id, name) is not None
    )
    frame.made_up.add(unique)
    return unique
