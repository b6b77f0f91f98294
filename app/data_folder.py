"""The data folder: where everything of one Cairn lies, who may write in it, and how the last run ended."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.disk import Disk, file_system_type, replace_file

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "fuse.sshfs"})


class DataFolderError(Exception):
    """The data folder cannot be used; the message says what to do."""


class DataFolder:
    """One data folder, locked for this process while it is entered.

    The lock is flock(2) on a file of its own: SQLite's exclusive mode would shut out our own readers
    (durability.md, 2).
    """

    def __init__(self, root: Path, disk: Disk) -> None:
        """Name the folder; nothing is touched before `prepare`."""
        self.root = root
        self.metadata = root / "metadata.db"
        self.snapshots = root / "snapshots"
        self.store = root / "store"
        self.object_server = root / "object-server"
        self.collection = root / "collection"
        self.cache = root / "cache"
        self.plain_thumbnails = self.cache / "thumbnails.db"
        self.keys = root / "keys"
        self.tls = root / "tls"
        self.column_key = self.keys / "columns.secret"
        self.guard = root / "guard"
        self.control = self.guard / "control.sock"
        self.link = self.guard / "chunks.sock"
        self.high_water = self.guard / "high-water"
        self.ballast = self.guard / "ballast"
        self.read_only = self.guard / "read-only"
        self.failures = self.guard / "disk-failures"
        self._clean = self.guard / "clean-stop"
        self._disk = disk
        self._lock: int | None = None

    @property
    def exists(self) -> bool:
        """Whether a Cairn was ever made here."""
        return self.metadata.exists()

    def __enter__(self) -> Self:
        """Make what is missing, and lock.

        Raises:
            DataFolderError: another process has it, or it lies where databases are not safe.
        """
        try:
            self._make_root()
            for folder in (self.guard, self.snapshots):
                self._disk.make_folder(folder)
            self._disk.sync_folder(self.root)
            lock = os.open(self.guard / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise DataFolderError(f"The data folder {self.root} cannot be used: {_who_may(error)}.") from error
        except OSError as error:
            raise DataFolderError(f"The data folder {self.root} cannot be used: {error.strerror}.") from error
        kind = file_system_type(self.root)
        if kind in NETWORK_FILE_SYSTEMS:
            os.close(lock)
            raise DataFolderError(
                f"{self.root} lies on a network file system ({kind}), where databases are not safe: use a local disk."
            )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise DataFolderError(f"Another Cairn is running on {self.root}: stop it first.") from error
        self._lock = lock
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unlock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def begin(self) -> bool:
        """Return whether the last run ended cleanly, and note durably that a run is going on.

        Raises:
            DataFolderError: the metadata is gone from a folder in use; a new one would pass for an empty Cairn.
        """
        is_new = not self.exists or self.metadata.stat().st_size == 0  # a first start may be cut off while it makes it
        if is_new and self._is_there(self.store):
            raise DataFolderError(
                f"{self.metadata} is missing or empty, and {self.store} holds what it described: put it back first."
            )
        clean = is_new or self._is_there(self._clean)
        self._disk.unlink(self._clean)
        self._disk.sync_folder(self.guard)
        return clean

    def end(self) -> None:
        """Note durably that this run ended cleanly."""
        replace_file(self._disk, self._clean, b"")

    def _make_root(self) -> None:
        """Make the data folder and what is missing above it, durably: all that is promised later hangs by its name."""
        missing = []
        at = self.root
        while not self._is_there(at):
            missing.append(at)
            at = at.parent
        for folder in reversed(missing):
            self._disk.make_folder(folder)
            self._disk.sync_folder(folder.parent)

    def _is_there(self, path: Path) -> bool:
        try:
            self._disk.stat(path)
        except FileNotFoundError:
            return False
        return True


def _who_may(error: PermissionError) -> str:
    """Say who may not write, what is in the way, and what would help."""
    user, group = os.geteuid(), os.getegid()
    refused = f"user {user} may not write in it"
    if not error.filename:
        return refused
    named = Path(error.filename).absolute()
    at = next(path for path in (named, *named.parents) if os.access(path, os.F_OK))  # what hides the rest, or is it
    state = at.stat()
    found = f"{at} belongs to {state.st_uid}:{state.st_gid} with mode {state.st_mode & 0o7777:o}"
    if state.st_uid == user:
        return f"{refused}, for {found}"
    as_owner = ", or start Cairn as its owner" if state.st_uid else ""
    return f"{refused}, for {found}: give it to that user (chown -R {user}:{group}){as_owner}"
