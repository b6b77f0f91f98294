"""The local medium: one file an object under 256 folders, received into a staging folder on the same file system."""

import contextlib
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from storage.base import Backend, Blob, Form
from storage.disk import Disk, replace_file
from storage.errors import BadStoreError
from storage.layout import LAYOUT, LAYOUT_NAME, read_layout
from storage.medium import PlacedFile, StagedFile
from storage.staging import Staging, make_folders

SYNC_ALL_FROM = 8
"""From this many files or folders on, one syncfs is cheaper than an fsync for each (durability.md, 3)."""

FOLDERS = 256
_DIGITS = "0123456789abcdef"
_FILE = re.compile(r"([0-9a-f]{64})(|\.zst|\.pack|\.sealed)", re.ASCII)
_LOGGED = re.compile(r"([A-Za-z0-9_-]+) ([0-9a-f]{64})(|\.zst|\.sealed)", re.ASCII)


class LocalMedium(Staging):
    """A medium that is a folder of this machine. An index can be rebuilt from its files."""

    backend = Backend.LOCAL

    def __init__(self, root: Path, disk: Disk, *, gathers: bool = False) -> None:
        """Use an installed folder; `root` holds `chunks`, `staging` and `quarantine`."""
        super().__init__(root, disk, can_syncfs=disk.can_syncfs(root))
        self.gathers = gathers
        self.chunks = root / "chunks"
        self.quarantine = root / "quarantine"
        self._log = root / "barrier.log"
        self._folder = disk.open_folder(root)  # kept open: syncfs tells it of every error from now on

    @classmethod
    def open(cls, root: Path, disk: Disk) -> Self:
        """Return the medium in a folder, which is made unless it is there; raises as `install` does."""
        cls.install(root, disk)
        return cls(root, disk)

    @classmethod
    def beside(cls, root: Path, disk: Disk) -> Self:
        """Return the medium in a folder whose chunks lie in a bucket as well."""
        _make_all(root, disk)
        return cls(root, disk)

    @staticmethod
    def install(root: Path, disk: Disk) -> None:
        """Make the folders durably unless it was done before. The mark is written last, so half a job is redone.

        Raises:
            BadStoreError: the folder has a layout of a newer program, or its chunks lie elsewhere.
        """
        mark, layout = root / LAYOUT_NAME, read_layout(root, disk)
        if layout not in {b"", LAYOUT}:
            raise BadStoreError(f"{mark} is of a newer program, or says that the chunks lie in a bucket")
        if not layout:
            _make_all(root, disk)
            replace_file(disk, mark, LAYOUT)

    def trusts(self, blob: Blob) -> bool:  # noqa: ARG002 - all files are alike
        """Believe each: the scrub and who reads it check it."""
        return True

    def require(self) -> None:
        """Refuse nothing: the disk itself says when it is full."""

    def path_of(self, blob: Blob) -> Path:
        """Return where an object lies or would lie."""
        return self.folder(blob.hash[0]) / blob.name

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
        lines = [f"{file.claim} {file.blob.name}\n" for file in files]
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
            blob = Blob(bytes.fromhex(match[2]), Form(match[3]))
            found.append(StagedFile(self.path_of(blob), match[1], blob))
        return found

    def place(self, files: Sequence[StagedFile]) -> None:
        """Move staged files, whose content is durable, to where they belong, and make that durable.

        Raises:
            OSError: whether each is in place is unknown.
        """
        targets = [self.path_of(file.blob) for file in files]
        for file, target in zip(files, targets, strict=True):
            self._disk.rename(file.path, target)
        self._sync_names({target.parent for target in targets})

    def put(self, blob: Blob, content: bytes) -> None:
        """Put one object, durably.

        Raises:
            OSError: whether it is in place is unknown.
        """
        replace_file(self._disk, self.path_of(blob), content)

    def release(self, files: Sequence[StagedFile]) -> None:
        """Close what is still open."""
        self._close(files)

    def take_back(self, files: Sequence[StagedFile]) -> None:
        """Remove files that no row names, whether they are still staged or in place already."""
        for file in files:
            for path in (file.path, self.path_of(file.blob)):
                with contextlib.suppress(OSError):
                    self._disk.unlink(path)

    def remove(self, blobs: Collection[Blob], *, aside: Collection[Blob] = ()) -> None:
        """Remove files durably, and those in quarantine of some; one that is not there is fine.

        Raises:
            OSError: whether each is gone is unknown.
        """
        paths = [*map(self.path_of, blobs), *(self.quarantine / blob.name for blob in aside)]
        for path in paths:
            self._disk.unlink(path)
        self._sync_names({path.parent for path in paths})

    def unplace(self, file: StagedFile) -> StagedFile:
        """Move a file in place that no row names back into staging."""
        path = self._new_staging(file.claim, file.blob)
        self._disk.rename(file.path, path)
        return StagedFile(path, file.claim, file.blob)

    def set_aside(self, blob: Blob) -> None:
        """Move a file with wrong bytes to quarantine; one that is missing is fine."""
        with contextlib.suppress(FileNotFoundError):
            self._disk.rename(self.path_of(blob), self.quarantine / blob.name)

    def read(self, blob: Blob, start: int = 0, size: int | None = None) -> bytes:
        """Return what a file holds, or a part of it; OSError if it cannot be had."""
        data = self._disk.read(self.path_of(blob))
        return data if size is None else data[start : start + size]

    def size(self, blob: Blob) -> int:
        """Return the length of a file in bytes; OSError if it cannot be told."""
        return self._disk.stat(self.path_of(blob)).size

    def lost(self, sizes: Mapping[Blob, int]) -> set[Blob]:
        """Return those of some objects that are not in place with their lengths."""
        return {blob for blob, size in sizes.items() if not self._has(blob, size)}

    def folder(self, first: int) -> Path:
        """Return the folder of the objects whose hashes begin with the byte `first`."""
        digits = f"{first:02x}"
        return self.chunks / digits[0] / digits[1]

    def objects(self, first: int) -> list[PlacedFile]:
        """Return what lies in the folder of the objects whose hashes begin with the byte `first`."""
        folder, found = self.folder(first), []
        for name in self._disk.list_(folder):
            match = _FILE.fullmatch(name)
            blob = Blob(bytes.fromhex(match[1]), Form(match[2])) if match else None
            found.append(PlacedFile(name, str(folder / name), blob))
        return found

    def lengths(self, digit: int) -> dict[Blob, int]:
        """Return the objects whose hashes begin with the hexadecimal `digit`, with their lengths."""
        found: dict[Blob, int] = {}
        for file in itertools.chain.from_iterable(map(self.objects, range(digit * 16, digit * 16 + 16))):
            if file.blob is not None:
                with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
                    found[file.blob] = self.size(file.blob)
        return found

    def holds_any(self) -> bool:
        """Tell whether there are objects of an earlier run."""
        return any(map(self.objects, range(FOLDERS)))

    def close(self) -> None:
        """Close the folder."""
        self._disk.close(self._folder)

    def _has(self, blob: Blob, size: int) -> bool:
        try:
            return self.size(blob) == size
        except FileNotFoundError:
            return False

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


def _make_all(root: Path, disk: Disk) -> None:
    firsts = [root / "chunks" / digit for digit in _DIGITS]
    seconds = [folder / digit for folder, digit in itertools.product(firsts, _DIGITS)]
    make_folders(disk, (root, root / "staging", root / "quarantine", root / "chunks", *firsts, *seconds))
