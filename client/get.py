"""Fetching files and folders: nothing here is replaced that is not the same, and no link is followed."""

import hashlib
import os
import stat
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from client.batch import fail_or_raise
from client.download import Fetcher
from client.errors import ClientError, ConflictError, FileChangedError, LocalFileError
from client.folder import CAN_SYNC_ALL, Folder, set_state, sync_all
from client.names import local_name
from client.progress import Progress
from client.protocol import File
from client.remote import Remote
from client.source import is_executable, mtime_ms, same_state
from client.workers import Workers

SMALL_FILE = 1024 * 1024  # fetched in one request, where its hash is known
SMALL_AT_ONCE = 4
LARGE_AT_ONCE = 3
CHUNKS_AT_ONCE = 6
PLACED_FILES = 256  # small files that share one sync
PLACED_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 128  # folders in one another, by the contract
_TRIES = 3


class Placing(NamedTuple):
    """A finished download that waits to be made durable and get its name."""

    folder: Folder
    part: str
    name: str
    expected: os.stat_result | None  # what stood there when it was decided to fetch
    size: int
    durable: bool


def is_same(status: os.stat_result, file: File) -> bool:
    """Tell whether a file here looks like the server's: size, time and executable bit."""
    return stat.S_ISREG(status.st_mode) and (status.st_size, mtime_ms(status), is_executable(status)) == (
        file.size,
        file.mtime_ms,
        file.executable,
    )


class Get:
    """One `get` command."""

    def __init__(self, remote: Remote, progress: Progress, *, replace: bool) -> None:
        """Fetch from `remote`, account to `progress`; `replace` lets files with other content be replaced."""
        self._remote = remote
        self._progress = progress
        self._replace = replace
        self._threads = ThreadPoolExecutor(CHUNKS_AT_ONCE, thread_name_prefix="fetch")
        self._fetcher = Fetcher(remote, progress, self._threads)
        self._placer = Placer(progress)
        self._small = Workers(SMALL_AT_ONCE, "small", on_failure=remote.stop, backlog=SMALL_AT_ONCE)
        self._large = Workers(LARGE_AT_ONCE, "large", on_failure=remote.stop)

    def get_file(self, file: File, folder: Folder, name: str) -> None:
        """Fetch one file into a folder under a name."""
        with self._threads, self._placed(), self._small, self._large:
            self._offer(file, folder, name)

    def get_folder(self, top: File, root: Folder) -> None:
        """Fetch what a folder at the server holds into a folder here."""
        with self._threads, self._placed(), self._small, self._large:
            stack: list[tuple[str, tuple[str, ...]]] = [(top.file_id, ())]
            while stack:
                folder_id, names = stack.pop()
                try:
                    folder = root.open_below(names)
                except ClientError as error:
                    self._progress.failed("/".join((root.path, *names)), error)
                    continue
                try:
                    for child in self._remote.list_children(folder_id):
                        self._take(child, folder, names, stack)
                finally:
                    folder.let_go()

    def _take(
        self, child: File, folder: Folder, names: tuple[str, ...], stack: list[tuple[str, tuple[str, ...]]]
    ) -> None:
        try:
            name = local_name(child.name, windows=sys.platform == "win32")
            if child.kind == "file":
                self._offer(child, folder, name)
            elif len(names) == MAX_DEPTH:
                raise ClientError("the server shows more folders in one another than there can be")  # noqa: TRY301 -- noted below
            else:
                stack.append((child.file_id, (*names, name)))
        except ClientError as error:
            fail_or_raise(self._progress, child.path, error)

    def _offer(self, file: File, folder: Folder, name: str) -> None:
        self._progress.found(1, file.size)
        here = folder.find(name)
        if here is not None and is_same(here, file):
            self._progress.unchanged(file.size)
            return
        if here is not None and not stat.S_ISREG(here.st_mode):
            raise ConflictError(f"{folder.path}/{name}: something that is no file is there already")
        small = file.size <= SMALL_FILE and (file.sha256 is not None or file.size == 0)
        workers = self._small if small else self._large
        workers.submit(self._fetch, file, folder.held(), name, here, small=small)

    def _fetch(self, file: File, folder: Folder, name: str, here: os.stat_result | None, *, small: bool) -> None:
        try:
            if here is not None and self._is_content_here(file, folder, name):
                self._progress.unchanged(file.size)
            elif here is not None and not self._replace:
                raise ConflictError("another file is here already; --force replaces it")
            else:
                part = self._download(file, folder, name, small=small)
                durable = not (small and CAN_SYNC_ALL)
                self._placer.add(Placing(folder.held(), part, name, here, file.size, durable))
        except ClientError as error:
            fail_or_raise(self._progress, f"{folder.path}/{name}", error)
        except OSError as error:
            self._progress.failed(f"{folder.path}/{name}", LocalFileError(f"it cannot be written: {error.strerror}"))
        finally:
            folder.let_go()

    def _is_content_here(self, file: File, folder: Folder, name: str) -> bool:
        """Tell whether a file here has the same content; if so, give it the server's time and executable bit."""
        descriptor = folder.open_file(name)
        try:
            if not self._fetcher.holds(file, descriptor):
                return False
            set_state(descriptor, file.mtime_ms, executable=file.executable)
            return True
        finally:
            os.close(descriptor)

    def _download(self, file: File, folder: Folder, name: str, *, small: bool) -> str:
        """Fetch a file into its part, durable unless it is small; return the name of the part."""
        part, descriptor = folder.open_part(name)
        try:
            if small:
                content = self._read_small(file)
                os.ftruncate(descriptor, 0)
                with open(descriptor, "wb", closefd=False) as out:
                    out.write(content)
                self._progress.moved(file.size, file.size)
            else:
                self._fetcher.fetch(file, descriptor)
            set_state(descriptor, file.mtime_ms, executable=file.executable)
            if not small or not CAN_SYNC_ALL:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return part

    def _read_small(self, file: File) -> bytearray:
        content = bytearray(file.size)
        for _ in range(_TRIES):
            if file.size:
                self._remote.read_content(file, memoryview(content))
            if file.size == 0 or hashlib.sha256(content).hexdigest() == file.sha256:
                return content
        raise ClientError("the server sends other bytes than it announces")

    @contextmanager
    def _placed(self) -> Iterator[None]:
        """Give names to what is finished when all is fetched, or as much as was before it failed."""
        try:
            yield
        finally:
            self._placer.flush()


class Placer:
    """Makes finished downloads durable, many with one sync, and only then gives them their names."""

    def __init__(self, progress: Progress) -> None:
        """Begin with nothing; account to `progress`."""
        self._progress = progress
        self._lock = threading.Lock()
        self._waiting: list[Placing] = []
        self._size = 0

    def add(self, placing: Placing) -> None:
        """Take a finished download; its folder is let go when it has its name."""
        with self._lock:
            self._waiting.append(placing)
            self._size += placing.size
            full = len(self._waiting) >= PLACED_FILES or self._size >= PLACED_BYTES
        if full:
            self.flush()

    def flush(self) -> None:
        """Place what waits."""
        with self._lock:
            waiting, self._waiting, self._size = self._waiting, [], 0
        if not waiting:
            return
        folders = {placing.folder.descriptor: placing.folder for placing in waiting}
        try:
            for folder in {p.folder.device: p.folder for p in waiting if not p.durable}.values():
                sync_all(folder)
            placed = sum(self._place(placing) for placing in waiting)
            for folder in folders.values():
                os.fsync(folder.descriptor)
        except OSError as error:
            raise LocalFileError(f"The disk cannot be written: {error.strerror}.") from error
        finally:
            for placing in waiting:
                placing.folder.let_go()
        self._progress.finished(placed)

    def _place(self, placing: Placing) -> bool:
        where = f"{placing.folder.path}/{placing.name}"
        try:
            if not _is_as_seen(placing.folder.find(placing.name), placing.expected):
                raise FileChangedError("a file appeared or changed here meanwhile; run the command again")
            placing.folder.replace(placing.part, placing.name)
        except LocalFileError as error:
            self._progress.failed(where, error)
            return False
        except OSError as error:
            self._progress.failed(where, LocalFileError(f"it cannot be written: {error.strerror}"))
            return False
        return True


def _is_as_seen(now: os.stat_result | None, before: os.stat_result | None) -> bool:
    if now is None or before is None:
        return now is before
    return same_state(now, before)
