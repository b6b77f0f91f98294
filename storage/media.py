"""The media of a store: one, or two while chunks move from one to the other (decision 0047).

What is put goes to the main one. All else goes where the object lies, which its row says.
"""

import errno
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from storage.base import Backend, Blob, Buffer
from storage.disk import DiskUsage
from storage.errors import StoreUnavailableError
from storage.medium import Bypass, Medium, PlacedFile, StagedFile


class Media:
    """A medium that is made of one or two, of which one is the main one."""

    def __init__(self, main: Medium, *others: Medium) -> None:
        """Take the main medium, and what else holds chunks."""
        self._main = main
        self._all: dict[Backend, Medium] = {medium.backend: medium for medium in (*others, main)}

    def join(self, medium: Medium) -> None:
        """Take a further medium."""
        self._all[medium.backend] = medium

    def has(self, backend: Backend) -> bool:
        """Tell whether a medium of this kind is there."""
        return backend in self._all

    def turn(self, backend: Backend) -> None:
        """Let another medium be the main one. Only for the barrier's thread: nothing is being put meanwhile."""
        main = self.of(backend)
        main.number_like(self._main)
        self._main = main

    def of(self, backend: Backend) -> Medium:
        """Return the medium of a kind.

        Raises:
            StoreUnavailableError: there is none, so what lies there cannot be had.
        """
        try:
            return self._all[backend]
        except KeyError:
            raise StoreUnavailableError("what holds this chunk is not open") from None

    @property
    def backend(self) -> Backend:
        """Which kind the main one is."""
        return self._main.backend

    @property
    def is_pair(self) -> bool:
        """Whether there is more than one."""
        return len(self._all) > 1

    @property
    def bypass(self) -> Bypass | None:
        """By which clients may reach objects themselves; not while chunks move."""
        return None if self.is_pair else self._main.bypass

    @property
    def gathers(self) -> bool:
        """Whether small chunks are to be gathered in packs."""
        return self._main.gathers

    @property
    def syncs(self) -> int:
        """Calls of fsync and the like so far."""
        return sum(medium.syncs for medium in self._all.values())

    def trusts(self, blob: Blob) -> bool:
        """Tell whether what this object gives is believed without a look at the hash."""
        return self.of(blob.backend).trusts(blob)

    def require(self) -> None:
        """Refuse at once if nothing can be put at present."""
        self._main.require()

    def stage(self, claim: str, blob: Blob, pieces: Sequence[Buffer], *, hold: bool) -> StagedFile:
        """Keep the stored form of a received chunk until its barrier."""
        return self._main.stage(claim, blob, pieces, hold=hold)

    def log(self, files: Sequence[StagedFile]) -> None:
        """Note which files a barrier is about to put into place."""
        self._main.log(files)

    def sync(self, files: Sequence[StagedFile]) -> None:
        """Make the content of staged files durable, where they are not put elsewhere from there."""
        self._main.sync(files)

    def place(self, files: Sequence[StagedFile]) -> None:
        """Put staged files where they belong, durably."""
        if self._main.backend is Backend.LOCAL and any(file.arrived for file in files):
            raise OSError(errno.EIO, "a chunk came into the bucket, and the store has turned away from it meanwhile")
        self._main.place(files)

    def release(self, files: Sequence[StagedFile]) -> None:
        """Let go of what staging still holds of files that are in place and in the index."""
        self._main.release(files)

    def discard(self, files: Sequence[StagedFile]) -> None:
        """Remove staged files."""
        self._main.discard(files)

    def take_back(self, files: Sequence[StagedFile]) -> None:
        """Remove files that no row names, as far as that goes."""
        self._main.take_back(files)

    def lost(self, sizes: Mapping[Blob, int]) -> set[Blob]:
        """Return those of some objects that are not in place with their lengths in bytes."""
        lost: set[Blob] = set()
        for backend in {blob.backend for blob in sizes}:
            part = {blob: size for blob, size in sizes.items() if blob.backend is backend}
            lost |= self.of(backend).lost(part)
        return lost

    def put(self, blob: Blob, content: bytes) -> None:
        """Put one object, durably."""
        self.of(blob.backend).put(blob, content)

    def read(self, blob: Blob, start: int = 0, size: int | None = None) -> bytes:
        """Return what an object holds, or a part of it."""
        return self.of(blob.backend).read(blob, start, size)

    def size(self, blob: Blob) -> int:
        """Return the length of an object in bytes."""
        return self.of(blob.backend).size(blob)

    def path_of(self, blob: Blob) -> Path | None:
        """Return the file that holds an object, None where it is none of this machine."""
        return self.of(blob.backend).path_of(blob)

    def remove(self, blobs: Collection[Blob], *, aside: Collection[Blob] = ()) -> None:
        """Remove objects durably, and what was set aside of some."""
        for backend in {blob.backend for blob in (*blobs, *aside)}:
            ours = [blob for blob in blobs if blob.backend is backend]
            self.of(backend).remove(ours, aside=[blob for blob in aside if blob.backend is backend])

    def objects(self, first: int) -> list[PlacedFile]:
        """Return what lies in the main medium among the objects whose hashes begin with the byte `first`.

        What another one holds besides is no stray: it is kept until the move is over.
        """
        return self._main.objects(first)

    def lengths(self, digit: int) -> dict[Blob, int]:
        """Return the objects of the main medium whose hashes begin with the `digit`, with their lengths."""
        return self._main.lengths(digit)

    def usage(self) -> DiskUsage:
        """Return the room on the disk that takes what is received."""
        return self._main.usage()

    def close(self) -> None:
        """Close what is open."""
        for medium in self._all.values():
            medium.close()

    def holds_any(self) -> bool:
        """Tell whether there are objects of an earlier run."""
        return any(medium.holds_any() for medium in self._all.values())

    def logged(self) -> list[StagedFile]:
        """Return what the last barrier noted, as files in place."""
        return self._main.logged()

    def staged(self) -> list[StagedFile]:
        """Return what an earlier run left in staging, which all share."""
        return self._main.staged()

    def read_staged(self, file: StagedFile) -> bytes:
        """Return what a staged file holds."""
        return self._main.read_staged(file)

    def reopen(self, file: StagedFile, *, hold: bool) -> StagedFile:
        """Open a staged file of an earlier run for its fsync, or sync it now."""
        return self._main.reopen(file, hold=hold)

    def unplace(self, file: StagedFile) -> StagedFile:
        """Move a file in place that no row names back into staging."""
        return self._main.unplace(file)

    def set_aside(self, blob: Blob) -> None:
        """Move an object with wrong bytes out of the way."""
        self.of(blob.backend).set_aside(blob)

    def number_like(self, other: Medium) -> None:
        """Count what is staged on from where another does."""
        self._main.number_like(other)

    @property
    def numbers(self) -> Iterator[int]:
        """What counts the files that are staged."""
        return self._main.numbers
