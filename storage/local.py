"""The local medium: one file a chunk under 256 folders, received into a staging folder on the same file system."""

import contextlib
import itertools
import re
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.base import Buffer, ChunkId, Encoding
from storage.disk import Disk, DiskUsage, replace_file
from storage.errors import NO_ROOM, BadStoreError, StorageError, StoreFullError, StoreUnavailableError

SYNC_ALL_FROM = 8
"""From this many files or folders on, one syncfs is cheaper than an fsync for each (durability.md, 3)."""

_DIGITS = "0123456789abcdef"
_LAYOUT = b"cairn chunks 1\n"
_SUFFIX = {Encoding.RAW: "", Encoding.ZSTD: ".zst"}
_ENCODING = {suffix: encoding for encoding, suffix in _SUFFIX.items()}
_FILE = re.compile(r"([0-9a-f]{64})(|\.zst)", re.ASCII)
_STAGED = re.compile(r"([A-Za-z0-9_-]+)\.([0-9a-f]{64})\.([0-9]{1,18})(|\.zst)", re.ASCII)
_LOGGED = re.compile(r"([A-Za-z0-9_-]+) ([0-9a-f]{64})(|\.zst)", re.ASCII)


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A received chunk that waits for its barrier; `descriptor` is open if an fsync is to go through it."""

    path: Path
    claim: str
    chunk_id: ChunkId
    encoding: Encoding
    descriptor: int | None = None


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file under `chunks`; the id is None where the name is not a chunk's."""

    path: Path
    chunk_id: ChunkId | None
    encoding: Encoding


class LocalMedium:
    """Moves the bytes of chunks; what exists is for the index to say.

    A chunk's file carries its encoding in its name, so a file is never replaced by one of another form, and an index
    can be rebuilt from the files. Files in place are made and removed by the barrier's thread alone.
    """

    def __init__(self, root: Path, disk: Disk) -> None:
        """Use an installed folder; `root` holds `chunks`, `staging` and `quarantine`."""
        self.root = root
        self.chunks = root / "chunks"
        self.staging = root / "staging"
        self.quarantine = root / "quarantine"
        self._log = root / "barrier.log"
        self._disk = disk
        self._numbers = itertools.count()
        self._count_lock = threading.Lock()
        self._can_syncfs = disk.can_syncfs(root)
        self._folder = disk.open_folder(root)  # kept open: syncfs tells it of every error from now on
        self.syncs = 0

    @staticmethod
    def install(root: Path, disk: Disk) -> None:
        """Make the folders durably unless it was done before. The mark is written last, so half a job is redone.

        Raises:
            BadStoreError: the folder has a layout of a newer program.
        """
        mark = root / "layout"
        try:
            layout = disk.read(mark)
        except FileNotFoundError:
            layout = b""
        if layout not in {b"", _LAYOUT}:
            raise BadStoreError(f"{mark} is of a newer program")
        if not layout:
            firsts = [root / "chunks" / digit for digit in _DIGITS]
            for folder in (root, root / "staging", root / "quarantine", root / "chunks", *firsts):
                disk.make_folder(folder)
            for folder, digit in itertools.product(firsts, _DIGITS):
                disk.make_folder(folder / digit)
            for folder in (*firsts, root / "chunks", root, root.parent):
                disk.sync_folder(folder)
            replace_file(disk, mark, _LAYOUT)

    def path_of(self, chunk_id: ChunkId, encoding: Encoding) -> Path:
        """Return where the chunk of this form lies or would lie."""
        name = chunk_id.hex()
        return self.chunks / name[0] / name[1] / (name + _SUFFIX[encoding])

    def stage(
        self, claim: str, chunk_id: ChunkId, encoding: Encoding, pieces: Sequence[Buffer], *, hold: bool
    ) -> StagedFile:
        """Write a chunk's stored form into staging.

        Args:
            claim: whose it is; it stands in the name, so that a restart knows.
            chunk_id: its id, already checked.
            encoding: the form of `pieces`.
            pieces: the stored form.
            hold: keep the descriptor for an fsync: one opened later may miss an error of the time between.

        Raises:
            StoreFullError, StoreUnavailableError: nothing of it is kept.
        """
        path = self._new_staging(claim, chunk_id, encoding)
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
            self.discard([StagedFile(path, claim, chunk_id, encoding, descriptor)])
            raise translated(error) from error
        return StagedFile(path, claim, chunk_id, encoding, descriptor)

    def sync(self, files: Sequence[StagedFile]) -> None:
        """Make the content of staged files durable.

        Raises:
            OSError: it is not, and will not be by another call.
        """
        held = [file.descriptor for file in files if file.descriptor is not None]
        if self._can_syncfs and (len(files) >= SYNC_ALL_FROM or len(held) < len(files)):
            self._syncfs()
        else:  # without syncfs, each file was synced as it was received
            for descriptor in held:
                self._fsync(descriptor)

    def log(self, files: Sequence[StagedFile]) -> None:
        """Note which files a barrier is about to put into place, for a restart to find those that no row names.

        A hint, not a promise: it is not synced by itself, and what it misses stays as a file that nobody uses.
        """
        lines = [f"{file.claim} {file.chunk_id.hex()}{_SUFFIX[file.encoding]}\n" for file in files]
        self._disk.unlink(self._log)
        descriptor = self._disk.create(self._log)
        try:
            self._disk.write(descriptor, ["".join(lines).encode()])
        finally:
            self._disk.close(descriptor)

    def logged(self) -> list[StagedFile]:
        """Return what the last barrier noted, as files in place; damaged lines are left out."""
        try:
            text = self._disk.read(self._log).decode("ascii", "replace")
        except FileNotFoundError:
            return []
        found = []
        for match in filter(None, map(_LOGGED.fullmatch, text.splitlines())):
            chunk_id, encoding = ChunkId(bytes.fromhex(match[2])), _ENCODING[match[3]]
            found.append(StagedFile(self.path_of(chunk_id, encoding), match[1], chunk_id, encoding))
        return found

    def place(self, files: Sequence[StagedFile]) -> None:
        """Move staged files, whose content is durable, to where they belong, and make that durable.

        Raises:
            OSError: whether each is in place is unknown.
        """
        targets = [self.path_of(file.chunk_id, file.encoding) for file in files]
        for file, target in zip(files, targets, strict=True):
            self._disk.rename(file.path, target)
        self._sync_names({target.parent for target in targets})

    def release(self, files: Sequence[StagedFile]) -> None:
        """Close what is still open."""
        for file in files:
            if file.descriptor is not None:
                with contextlib.suppress(OSError):
                    self._disk.close(file.descriptor)

    def discard(self, files: Sequence[StagedFile]) -> None:
        """Close and remove staged files. One that cannot be removed is left to the next start."""
        self.release(files)
        for file in files:
            with contextlib.suppress(OSError):
                self._disk.unlink(file.path)

    def take_back(self, files: Sequence[StagedFile]) -> None:
        """Remove files that no row names, whether they are still staged or in place already."""
        for file in files:
            for path in (file.path, self.path_of(file.chunk_id, file.encoding)):
                with contextlib.suppress(OSError):
                    self._disk.unlink(path)

    def remove(self, paths: Collection[Path]) -> None:
        """Remove files and make that durable; one that is not there is fine.

        Raises:
            OSError: whether each is gone is unknown.
        """
        for path in paths:
            self._disk.unlink(path)
        self._sync_names({path.parent for path in paths})

    def staged(self) -> list[StagedFile]:
        """Return what an earlier run left in staging; names that are not of ours are removed."""
        found = []
        highest = -1
        for name in self._disk.list_(self.staging):
            match = _STAGED.fullmatch(name)
            if match is None:
                self._disk.unlink(self.staging / name)
                continue
            chunk_id = ChunkId(bytes.fromhex(match[2]))
            found.append(StagedFile(self.staging / name, match[1], chunk_id, _ENCODING[match[4]]))
            highest = max(highest, int(match[3]))
        self._numbers = itertools.count(highest + 1)
        return found

    def unplace(self, file: StagedFile) -> StagedFile:
        """Move a file in place that no row names back into staging."""
        path = self._new_staging(file.claim, file.chunk_id, file.encoding)
        self._disk.rename(file.path, path)
        return StagedFile(path, file.claim, file.chunk_id, file.encoding)

    def reopen(self, file: StagedFile, *, hold: bool) -> StagedFile:
        """Open a staged file of an earlier run for its fsync, or sync it now where each is synced as it is received.

        Without `hold` it is left to a syncfs: there may be more such files than a process may have open.
        """
        if self._can_syncfs and not hold:
            return file
        descriptor = self._disk.open_(file.path)
        if self._can_syncfs:
            return StagedFile(file.path, file.claim, file.chunk_id, file.encoding, descriptor)
        try:
            self._fsync(descriptor)
        finally:
            self._disk.close(descriptor)
        return file

    def set_aside(self, chunk_id: ChunkId, encoding: Encoding) -> None:
        """Move a file with wrong bytes to quarantine; one that is missing is fine."""
        path = self.path_of(chunk_id, encoding)
        with contextlib.suppress(FileNotFoundError):
            self._disk.rename(path, self.quarantine / path.name)

    def read(self, path: Path) -> bytes:
        """Return what a file holds; OSError if it cannot be had."""
        return self._disk.read(path)

    def size(self, path: Path) -> int:
        """Return the length of a file in bytes; OSError if it cannot be told."""
        return self._disk.stat(path).size

    def exists(self, path: Path) -> bool:
        """Tell whether a file is there, which says nothing about what it holds."""
        try:
            self._disk.stat(path)
        except FileNotFoundError:
            return False
        return True

    def has(self, chunk_id: ChunkId, encoding: Encoding, stored_size: int) -> bool:
        """Tell whether the file of a chunk is in place with its length."""
        try:
            return self.size(self.path_of(chunk_id, encoding)) == stored_size
        except FileNotFoundError:
            return False

    def folders(self) -> Iterator[Path]:
        """Yield the folders that hold chunks."""
        for first in range(256):
            yield self.folder(first)

    def folder(self, first: int) -> Path:
        """Return the folder of the chunks whose ids begin with the byte `first`."""
        digits = f"{first:02x}"
        return self.chunks / digits[0] / digits[1]

    def files(self, folder: Path) -> list[PlacedFile]:
        """Return what lies in one of `folders`."""
        found = []
        for name in self._disk.list_(folder):
            match = _FILE.fullmatch(name)
            chunk_id = ChunkId(bytes.fromhex(match[1])) if match else None
            encoding = _ENCODING[match[2]] if match else Encoding.RAW
            found.append(PlacedFile(folder / name, chunk_id, encoding))
        return found

    def usage(self) -> DiskUsage:
        """Return the room on the medium."""
        return self._disk.usage(self.root)

    def close(self) -> None:
        """Close the folder."""
        self._disk.close(self._folder)

    def _new_staging(self, claim: str, chunk_id: ChunkId, encoding: Encoding) -> Path:
        """Return a name that was not used in this run; a chunk may be received twice at the same time."""
        return self.staging / f"{claim}.{chunk_id.hex()}.{next(self._numbers)}{_SUFFIX[encoding]}"

    def _sync_names(self, folders: Collection[Path]) -> None:
        """Make the names in folders durable."""
        if self._can_syncfs and len(folders) >= SYNC_ALL_FROM:
            self._syncfs()
            return
        for folder in sorted(folders):
            self._count()
            self._disk.sync_folder(folder)

    def _syncfs(self) -> None:
        self._count()
        self._disk.syncfs(self._folder)

    def _fsync(self, descriptor: int) -> None:
        self._count()
        self._disk.fsync(descriptor)

    def _count(self) -> None:
        with self._count_lock:
            self.syncs += 1


def translated(error: OSError) -> StorageError:
    """Return our error for one of the disk."""
    if error.errno in NO_ROOM:
        return StoreFullError("the disk is full")
    return StoreUnavailableError(f"the disk failed: {error.strerror or error}")
