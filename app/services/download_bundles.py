"""Many small files in one answer: what is given of what was asked for, as frames that a reader can check.

What cannot be given is known before the first byte goes out. So an answer has a length, and one file never ends it for
the others. Rights are looked up in short units of work, one user's one after the other, so that a thousand wishes hold
one reader for a moment and leave the rest to others (security.md, H4).
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import ForbiddenError, NotFoundError
from app.manifest import Manifest, pack
from app.repositories.nodes import Node, WaysKept
from app.services.budget import Lease
from app.services.downloads import find_file, version_of
from app.services.turns import Turns
from storage.base import ChunkId
from storage.store import ChunkStore

FILE_SIZE = 1024 * 1024
"""A larger file is asked for by itself."""

CONTENT_SIZE = 8 * 1024 * 1024
"""So much content goes into an answer, which is in memory as a whole."""

FRAMES = 4096
UNIT_LOOKUPS = 100
UNIT_S = 0.005
"""So many files are looked up in one unit of work, and none more after so long."""

GROUP_SIZE = 1024 * 1024
GROUP_FRAMES = 500
_NO_HASH = bytes(32)
END = _NO_HASH + (0).to_bytes(4, "big")
"""Stands behind the frames of each file that is given."""

NOT_GIVEN = _NO_HASH + (2**32 - 1).to_bytes(4, "big")
"""Stands in place of the frames of a file, and of their end."""


class Wanted(NamedTuple):
    """A file, and its current version if none is named."""

    file_id: str
    version_id: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A version, the same object however often it is asked for; `size` in bytes."""

    manifest: Manifest
    size: int


class DownloadBundleService:
    """Puts small files together."""

    def __init__(self, database: Database, store: ChunkStore) -> None:
        """Take the parts it works with."""
        self._database = database
        self._store = store
        self._turns = Turns()

    async def read(self, actor: Actor, wanted: Sequence[Wanted], lease: Lease) -> list[bytes]:
        """Return the answer in pieces of about a mebibyte, in the order of `wanted`.

        Not given, and not to be told apart: what is not there, or not the actor's to read; what is too large or does
        not fit any more; what retention took, and what is damaged. Whoever asks for one of them by itself is told.

        Args:
            actor: who reads.
            wanted: may name a file twice, which is looked up once and comes twice.
            lease: holds the answer.

        Raises:
            UnavailableError: answers to others have taken the memory for it.
        """
        chosen = await self._choose(actor, wanted)
        await lease.take(sum(found.size for found in chosen if found is not None))
        pieces = []
        for group in _groups(chosen):
            ids = {chunk_id for found in set(group) if found is not None for chunk_id in found.manifest.ids()}
            pieces.append(b"".join(_frames(group, await self._store.read_many(ids))))
        return pieces

    async def _choose(self, actor: Actor, wanted: Sequence[Wanted]) -> list[_Found | None]:
        """Return each file that is to be given, and None for one that is not."""
        choice = _Choice(actor, wanted)
        async with self._turns.take(actor.user_id):
            while not choice.is_made:
                await self._database.read(choice.go_on)
        return choice.chosen


class _Choice:
    """What is to be given of what one request asks for, found out in units of work."""

    def __init__(self, actor: Actor, wanted: Sequence[Wanted]) -> None:
        """Begin with nothing chosen."""
        self._actor = actor
        self._wanted = wanted
        self._room, self._frames = CONTENT_SIZE, FRAMES
        self._found: dict[Wanted, _Found | None] = {}
        self.chosen: list[_Found | None] = []

    @property
    def is_made(self) -> bool:
        """Whether all are decided."""
        return len(self.chosen) == len(self._wanted)

    def go_on(self, tx: Snapshot) -> None:
        """Decide about as many more as one unit of work may look up, at least about one.

        What is too large to be given is read for that too: its chunks count, so that few long lists of them are.
        """
        files, stop_s = _Files(WaysKept(tx), self._actor), time.monotonic() + UNIT_S
        limit = len(self._found) + UNIT_LOOKUPS
        for each in self._wanted[len(self.chosen) :]:
            if self._frames > 0 and each not in self._found:
                if len(self._found) == limit or (files.is_begun and time.monotonic() > stop_s):
                    return
                self._found[each] = files.find(each)
            self.chosen.append(self._take(self._found[each]) if self._frames > 0 else None)

    def _take(self, found: _Found | None) -> _Found | None:
        """Count a file's chunks; return it if it fits."""
        if found is None:
            return None
        self._frames -= len(found.manifest)
        if self._frames < 0 or found.size > min(self._room, FILE_SIZE):
            return None
        self._room -= found.size
        return found


class _Files:
    """The files that one unit of work looks up for an actor, each once whatever versions of it are asked for."""

    def __init__(self, tx: Snapshot, actor: Actor) -> None:
        """Begin with none."""
        self._tx = tx
        self._actor = actor
        self._files: dict[tuple[str, bool], Node | None] = {}

    @property
    def is_begun(self) -> bool:
        """Whether any was looked up."""
        return bool(self._files)

    def find(self, wanted: Wanted) -> _Found | None:
        """Return what is wanted; None if it is not there, not the actor's to read, or was taken by retention."""
        key = (wanted.file_id, wanted.version_id is not None)
        if key not in self._files:
            self._files[key] = self._file(wanted.file_id, ever=wanted.version_id is not None)
        file = self._files[key]
        try:
            manifest = None if file is None else version_of(self._tx, file, wanted.version_id).manifest
        except NotFoundError:
            return None
        return None if manifest is None else _Found(manifest, manifest.size)

    def _file(self, file_id: str, *, ever: bool) -> Node | None:
        try:
            return find_file(self._tx, self._actor, file_id, ever=ever).node
        except (NotFoundError, ForbiddenError):
            return None


def _groups(chosen: Iterable[_Found | None]) -> Iterator[list[_Found | None]]:
    """Yield them in groups that are read together."""
    group, size, frames = list[_Found | None](), 0, 0
    for found in chosen:
        if size > GROUP_SIZE or frames > GROUP_FRAMES:
            yield group
            group, size, frames = [], 0, 0
        group.append(found)
        if found is not None:
            size += found.size
            frames += len(found.manifest)
    yield group


def _frames(group: Iterable[_Found | None], contents: dict[ChunkId, bytes]) -> Iterator[bytes]:
    """Yield what the answer says of each of a group; what comes more than once is put together once."""
    answers: dict[_Found | None, list[bytes]] = {None: [NOT_GIVEN]}
    for found in group:
        if found is not None and found not in answers:
            answers[found] = _answer(found.manifest.ids(), contents)
        yield from answers[found]


def _answer(ids: Sequence[ChunkId], contents: dict[ChunkId, bytes]) -> list[bytes]:
    if any(chunk_id not in contents for chunk_id in ids):
        return [NOT_GIVEN]
    frames = [(pack(chunk_id, len(contents[chunk_id])), contents[chunk_id]) for chunk_id in ids]
    return [*(part for frame in frames for part in frame), END]
