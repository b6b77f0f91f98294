"""Staging: where received chunks wait for their barrier, one file each, on the disk of this machine."""

import contextlib
import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from storage.base import Blob, Buffer, Form
from storage.disk import Disk, DiskUsage
from storage.medium import Bypass, Medium, StagedFile, translated

STAGING_NAME = "staging"
_STAGED = re.compile(r"([A-Za-z0-9_-]+)\.([0-9a-f]{64})\.([0-9]{1,18})(|\.zst|\.sealed)", re.ASCII)


class Staging:
    """The part of a medium that receives; each kind of medium puts what was received into place in its own way."""

    def __init__(self, root: Path, disk: Disk, *, can_syncfs: bool) -> None:
        """Use an installed folder; `root` holds `staging`.

        Args:
            disk: the seam to the operating system.
            can_syncfs: files need not be synced one by one as they are received.
        """
        self.root = root
        self.staging = root / STAGING_NAME
        self.bypass: Bypass | None = None
        self._disk = disk
        self.numbers: Iterator[int] = itertools.count()
        self._count_lock = threading.Lock()
        self._can_syncfs = can_syncfs
        self.syncs = 0

    def stage(self, claim: str, blob: Blob, pieces: Sequence[Buffer], *, hold: bool) -> StagedFile:
        """Write a chunk's stored form into staging.

        Args:
            claim: whose it is; it stands in the name, so that a restart knows.
            blob: the object that it becomes.
            pieces: the stored form, already checked.
            hold: keep the descriptor for an fsync: one opened later may miss an error of the time between.

        Raises:
            StoreFullError, StoreUnavailableError: nothing of it is kept.
        """
        path = self._new_staging(claim, blob)
        descriptor = None
        try:
            descriptor = self._disk.create(path)
            self._disk.write(descriptor, pieces)
            if not self._can_syncfs:
                self._fsync(descriptor)
            if not self._can_syncfs or not hold:
                done, descriptor = descriptor, None
                self._disk.close(done)
        except OSError as error:
            self.discard([StagedFile(path, claim, blob, descriptor)])
            raise translated(error) from error
        return StagedFile(path, claim, blob, descriptor)

    def number_from(self, first: int) -> None:
        """Count what is staged from `first` on, where other processes stage beside this one."""
        self.numbers = itertools.count(first)

    def number_like(self, other: Medium) -> None:
        """Count with another, which stages in the same folder."""
        self.numbers = other.numbers

    def discard(self, files: Sequence[StagedFile]) -> None:
        """Close and remove staged files. One that cannot be removed is left to the next start."""
        self._close(files)
        for file in files:
            if file.arrived is None:
                with contextlib.suppress(OSError):
                    self._disk.unlink(file.path)

    def staged(self) -> list[StagedFile]:
        """Return what an earlier run left in staging; names that are not of ours are removed."""
        found = []
        highest = -1
        for name in self._disk.list_(self.staging):
            match = _STAGED.fullmatch(name)
            if match is None:
                self._disk.unlink(self.staging / name)
                continue
            blob = Blob(bytes.fromhex(match[2]), Form(match[4]))
            found.append(StagedFile(self.staging / name, match[1], blob))
            highest = max(highest, int(match[3]))
        self.numbers = itertools.count(highest + 1)
        return found

    def read_staged(self, file: StagedFile) -> bytes:
        """Return what a staged file holds; OSError if it cannot be had."""
        return self._disk.read(file.path)

    def reopen(self, file: StagedFile, *, hold: bool) -> StagedFile:
        """Open a staged file of an earlier run for its fsync, or sync it now where each is synced as it is received.

        Without `hold` it is left to a syncfs: there may be more such files than a process may have open.
        """
        if self._can_syncfs and not hold:
            return file
        descriptor = self._disk.open_(file.path)
        if self._can_syncfs:
            return replace(file, descriptor=descriptor)
        try:
            self._fsync(descriptor)
        finally:
            self._disk.close(descriptor)
        return file

    def usage(self) -> DiskUsage:
        """Return the room on the disk."""
        return self._disk.usage(self.root)

    def _close(self, files: Sequence[StagedFile]) -> None:
        """Close what is still open."""
        for file in files:
            if file.descriptor is not None:
                with contextlib.suppress(OSError):
                    self._disk.close(file.descriptor)

    def _new_staging(self, claim: str, blob: Blob) -> Path:
        """Return a name that was not used in this run; a chunk may be received twice at the same time."""
        return self.staging / f"{claim}.{blob.hash.hex()}.{next(self.numbers)}{blob.form}"

    def _fsync(self, descriptor: int) -> None:
        self._count()
        self._disk.fsync(descriptor)

    def _count(self) -> None:
        with self._count_lock:
            self.syncs += 1


def make_folders(disk: Disk, folders: Sequence[Path]) -> None:
    """Make folders durably, each after the one it is in."""
    for folder in folders:
        disk.make_folder(folder)
    for parent in dict.fromkeys(folder.parent for folder in folders):
        disk.sync_folder(parent)
