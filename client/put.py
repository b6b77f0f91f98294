"""Sending files and folders: what is on both sides already is left, small files go in batches, large ones by chunks."""

import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

from client.batch import Batcher, BatchSender, Item, fail_or_raise
from client.bundle import SMALL_FILE
from client.errors import ClientError, ConflictError, LocalFileError
from client.home import Home, Login
from client.names import PART_PREFIX, join_remote, sendable_name
from client.progress import Progress
from client.protocol import File
from client.remote import Remote
from client.source import is_executable, mtime_ms
from client.upload import FileSender
from client.workers import Workers

BATCHES_AT_ONCE = 3  # one is read and hashed while another is sent and a third is committed
FILES_AT_ONCE = 3
CHUNKS_AT_ONCE = 6
LISTINGS_AHEAD = 8

Children = dict[str, File]


class Sending(Enum):
    """What is to be done with a file."""

    NEW = auto()
    CHANGED = auto()
    UNCHANGED = auto()


@dataclass(slots=True)
class _Folder:
    """A folder that is to be walked, and what the server has in its place: None if nothing."""

    local: str
    remote: str
    existing: File | None
    listing: "Future[Children] | None" = None


def decide(status: os.stat_result, existing: File | None, remote: str) -> Sending:
    """Compare a file here with what the server has at its path; raise ConflictError if that is a folder."""
    if existing is None:
        return Sending.NEW
    if existing.kind != "file":
        raise ConflictError(f"the server has a folder at {remote}; choose another name")
    same = (existing.size, existing.mtime_ms, existing.executable) == (
        status.st_size,
        mtime_ms(status),
        is_executable(status),
    )
    return Sending.UNCHANGED if same else Sending.CHANGED


def count_files(folder: str, progress: Progress) -> None:
    """Count the files in a tree as found, without a word about what cannot be read: the walk itself says that."""
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                status = os.lstat(f"{path}/{name}")
                if stat.S_ISREG(status.st_mode):
                    progress.found(1, status.st_size)
    progress.found_all()


class Put:
    """One `put` command. Use as a context: leaving it waits until everything is committed."""

    def __init__(self, remote: Remote, home: Home, login: Login, progress: Progress) -> None:
        """Send to `remote` as `login`, keep notes in `home`, account to `progress`."""
        self._remote = remote
        self._progress = progress
        self._batcher = Batcher()
        self._senders = ThreadPoolExecutor(CHUNKS_AT_ONCE, thread_name_prefix="send")
        self._listers = ThreadPoolExecutor(LISTINGS_AHEAD, thread_name_prefix="list")
        self._batches = BatchSender(remote, home, progress)
        self._files = FileSender(remote, home, login, progress, self._senders)
        self._batch_workers = Workers(BATCHES_AT_ONCE, "batch", on_failure=remote.stop)
        self._file_workers = Workers(FILES_AT_ONCE, "file", on_failure=remote.stop)

    def put_file(self, local: str, remote: str, existing: File | None) -> None:
        """Send one file to a path at the server, where `existing` is now."""
        try:
            status = os.stat(local)  # noqa: PTH116 -- a str, as all paths of a transfer
        except OSError as error:
            raise LocalFileError(f"{local} cannot be read: {error.strerror}.") from error
        if not stat.S_ISREG(status.st_mode):
            raise LocalFileError(f"{local} is no plain file.")
        self._progress.found(1, status.st_size)
        self._progress.found_all()
        with self._senders, self._batch_workers, self._file_workers:
            self._offer(os.path.realpath(local), remote, status, existing)
            self._flush()

    def put_folder(self, local: str, remote: str, existing: File | None, *, count_ahead: bool) -> None:
        """Send what a folder holds into a folder at the server, where `existing` is now.

        Args:
            local: the folder here; it may be reached through a link, but no link in it is followed.
            remote: the path of the folder there, made with its parents if it is not there.
            existing: what the server has at that path.
            count_ahead: look through the whole tree at once, for whoever wants to see how much is left.
        """
        if existing is not None and existing.kind != "folder":
            raise ConflictError(f"The server has a file at {remote}: choose another name for the folder.")
        if count_ahead:
            threading.Thread(target=count_files, args=(local, self._progress), name="count", daemon=True).start()
        with self._senders, self._listers, self._batch_workers, self._file_workers:
            stack = [_Folder(local, remote, existing)]
            while stack:
                self._list_ahead(stack)
                self._walk(stack.pop(), stack, count=not count_ahead)
            self._flush()
            if not count_ahead:
                self._progress.found_all()

    def _walk(self, folder: _Folder, stack: list[_Folder], *, count: bool) -> None:
        """Offer the files of one folder, and put its folders on the stack."""
        children = {} if folder.listing is None else folder.listing.result()
        folders: list[tuple[str, str]] = []
        files = 0
        for entry, name in self._entries(folder.local):
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, name))
                    continue
                status = entry.stat(follow_symlinks=False)
            except OSError as error:
                self._progress.failed(entry.path, LocalFileError(f"it cannot be read: {error.strerror}"))
                continue
            files += 1
            if count:
                self._progress.found(1, status.st_size)
            self._offer(entry.path, join_remote(folder.remote, name), status, children.get(name))
        if not files and not folders and folder.existing is None:
            self._make_folder(folder)
        for path, name in folders:
            remote = join_remote(folder.remote, name)
            existing = children.get(name)
            if existing is not None and existing.kind != "folder":
                self._progress.failed(path, ConflictError(f"the server has a file at {remote}"))
            else:
                stack.append(_Folder(path, remote, existing))

    def _entries(self, folder: str) -> Iterator[tuple[os.DirEntry[str], str]]:
        """Yield what of a folder can be sent, with the name it has at the server."""
        seen: set[str] = set()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(PART_PREFIX):
                        continue
                    if entry.is_symlink():
                        self._progress.skipped(link=True)
                    elif not entry.is_file(follow_symlinks=False) and not entry.is_dir(follow_symlinks=False):
                        self._progress.skipped(link=False)
                    elif name := self._name_of(entry, seen):
                        yield entry, name
        except OSError as error:
            self._progress.failed(folder, LocalFileError(f"it cannot be read: {error.strerror}"))

    def _name_of(self, entry: "os.DirEntry[str]", seen: set[str]) -> str | None:
        """Return the name of an entry at the server; None, after saying why, if it can have none."""
        try:
            name = sendable_name(entry.name)
            if name in seen:
                raise LocalFileError("another name here is the same to the server; rename one")  # noqa: TRY301 -- noted below
        except LocalFileError as error:
            self._progress.failed(entry.path, error)
            return None
        if not name.isascii():  # only those can fall together
            seen.add(name)
        return name

    def _offer(self, local: str, remote: str, status: os.stat_result, existing: File | None) -> None:
        try:
            sending = decide(status, existing, remote)
        except ConflictError as error:
            self._progress.failed(local, error)
            return
        if sending is Sending.UNCHANGED:
            self._progress.unchanged(status.st_size)
            return
        item = Item(local, remote, status.st_size, existing)
        if status.st_size > SMALL_FILE:
            self._file_workers.submit(self._send_file, item)
        elif batch := self._batcher.add(item):
            self._batch_workers.submit(self._batches.send, batch)

    def _send_file(self, item: Item) -> None:
        try:
            self._files.send(item)
        except ClientError as error:
            fail_or_raise(self._progress, item.local, error)

    def _flush(self) -> None:
        if batch := self._batcher.take():
            self._batch_workers.submit(self._batches.send, batch)

    def _list_ahead(self, stack: list[_Folder]) -> None:
        """Begin to list the next folders at the server, so that their children are here when their turn comes."""
        for folder in stack[-LISTINGS_AHEAD:]:
            if folder.existing is not None and folder.listing is None:
                folder.listing = self._listers.submit(self._children, folder.existing.file_id)

    def _children(self, folder_id: str) -> Children:
        return {child.name: child for child in self._remote.list_children(folder_id)}

    def _make_folder(self, folder: _Folder) -> None:
        try:
            self._remote.make_folder(folder.remote, parents=True)
        except ConflictError:
            return  # somebody else has just made it
        self._progress.made_folder()
