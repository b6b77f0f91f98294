"""Fetching files and folders: nothing here is replaced that is not the same, and no link is followed."""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from client.batch import fail_or_raise, meets_all
from client.download import Fetcher
from client.errors import ClientError, ConflictError, FileChangedError, LocalFileError
from client.folder import CAN_SYNC_ALL, Folder, set_state, write_at
from client.names import local_name
from client.placer import Placer, Placing
from client.progress import Progress
from client.protocol import File
from client.remote import Remote
from client.source import is_executable, mtime_ms, same_state
from client.workers import Workers

SMALL_FILE = 1024 * 1024  # fetched in one request, where its hash is known
SMALL_AT_ONCE = 4
LARGE_AT_ONCE = 3
CHUNKS_AT_ONCE = 6
GROUP_FILES = 256  # small files that a thread takes at a time, and of which one request brings many
GROUP_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 128  # folders in one another, by the contract
_TRIES = 3
_FEWEST = 2

_Place = tuple[str, tuple[str, ...]]  # the id of a folder at the server, and the names that lead to it here


class Wanted(NamedTuple):
    """A file to fetch: into which folder, under which name, and what stands there now."""

    file: File
    folder: Folder
    name: str
    here: os.stat_result | None

    @property
    def where(self) -> str:
        """Its path here, for messages."""
        return f"{self.folder.path}/{self.name}"

    @property
    def is_small(self) -> bool:
        """Whether one request brings it, with a hash to check it by."""
        return self.file.size <= SMALL_FILE and (self.file.sha256 is not None or self.file.size == 0)


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
        self._group: list[Wanted] = []
        self._group_size = 0
        self._small = Workers(SMALL_AT_ONCE, "small", on_failure=remote.stop, backlog=1)
        self._large = Workers(LARGE_AT_ONCE, "large", on_failure=remote.stop)

    def get_file(self, file: File, folder: Folder, name: str) -> None:
        """Fetch one file into a folder under a name."""
        self._progress.found(0, file.size)
        self._progress.found_all()
        with self._threads, self._placed(), self._small, self._large:
            self._take_file(file, folder, name)
            self._submit_group()

    def get_folder(self, top: File, root: Folder) -> None:
        """Fetch what a folder at the server holds into a folder here."""
        self._progress.found(0, top.size)
        self._progress.found_all()
        with self._threads, self._placed(), self._small, self._large:
            stack: list[_Place] = [(top.file_id, ())]
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
            self._submit_group()

    def _take(self, child: File, folder: Folder, names: tuple[str, ...], stack: list[_Place]) -> None:
        """Begin to fetch a child of a folder, or put it on the stack if it is a folder itself."""
        try:
            name = local_name(child.name, windows=sys.platform == "win32")
            if child.kind == "file":
                self._take_file(child, folder, name)
            elif len(names) == MAX_DEPTH:
                raise ClientError("the server shows more folders in one another than there can be")  # noqa: TRY301 -- noted below
            else:
                stack.append((child.file_id, (*names, name)))
        except ClientError as error:
            fail_or_raise(self._progress, child.path, error)

    def _take_file(self, file: File, folder: Folder, name: str) -> None:
        self._progress.found(1, 0)
        here = folder.find(name)
        if here is not None and is_same(here, file):
            self._progress.unchanged(file.size)
            return
        wanted = Wanted(file, folder.held(), name, here)
        if not wanted.is_small:
            self._large.submit(self._fetch, wanted)
            return
        self._group.append(wanted)
        self._group_size += file.size
        if len(self._group) == GROUP_FILES or self._group_size >= GROUP_BYTES:
            self._submit_group()

    def _submit_group(self) -> None:
        group, self._group, self._group_size = self._group, [], 0
        self._small.submit(self._fetch_all, group)

    def _fetch_all(self, group: list[Wanted]) -> None:
        try:
            contents = self._bring(group)
        except ClientError:
            for wanted in group:
                wanted.folder.let_go()
            raise
        for wanted in group:
            self._fetch(wanted, contents.pop(wanted.file.file_id, None))

    def _bring(self, group: list[Wanted]) -> dict[str, bytes]:
        """Return, by file id, contents that one request brings; what it does not bring is asked for alone."""
        asked = [wanted.file for wanted in group if wanted.here is None and wanted.file.size]
        if len(asked) < _FEWEST:
            return {}
        try:
            contents = self._remote.contents_of([(file.file_id, file.version_id or "", file.size) for file in asked])
        except ClientError as error:
            if meets_all(error):
                raise
            return {}
        return {
            file.file_id: content
            for file, content in zip(asked, contents, strict=True)
            if content is not None and hashlib.sha256(content).hexdigest() == file.sha256
        }

    def _fetch(self, wanted: Wanted, content: bytes | None = None) -> None:
        try:
            self._fetch_or_keep(wanted, content)
        except ClientError as error:
            fail_or_raise(self._progress, wanted.where, error)
        except OSError as error:
            self._progress.failed(wanted.where, LocalFileError(f"it cannot be written: {error.strerror}"))
        finally:
            wanted.folder.let_go()

    def _fetch_or_keep(self, wanted: Wanted, content: bytes | None) -> None:
        file, folder, name, here = wanted
        if here is not None and not stat.S_ISREG(here.st_mode):
            raise ConflictError("something that is no file is here already")
        if here is not None and self._is_content_here(file, folder, name):
            self._progress.unchanged(file.size)
            return
        if here is not None and not self._replace:
            raise ConflictError("another file is here already; --force replaces it")
        part, descriptor = self._download(wanted, content)
        durable = not (wanted.is_small and CAN_SYNC_ALL)
        self._placer.add(Placing(folder.held(), part, descriptor, name, here, file.size, durable))

    def _is_content_here(self, file: File, folder: Folder, name: str) -> bool:
        """Tell whether a file here has the same content; if so, give it the server's time and executable bit."""
        descriptor = folder.open_file(name)
        try:
            before = os.fstat(descriptor)
            if not self._fetcher.holds(file, descriptor):
                return False
            if not same_state(before, os.fstat(descriptor)):  # with the server's time an edit would look like no edit
                raise FileChangedError("it changed while it was compared; run the command again")
            set_state(descriptor, file.mtime_ms, executable=file.executable)
            return True
        finally:
            os.close(descriptor)

    def _download(self, wanted: Wanted, content: bytes | None) -> tuple[str, int]:
        """Fetch a file into its part, durable unless one sync for many can do that; return the part, still open.

        `content` is that of a small file that came with others.
        """
        file = wanted.file
        part, descriptor = wanted.folder.open_part(wanted.name)
        try:
            if wanted.is_small:
                os.ftruncate(descriptor, 0)
                write_at(descriptor, self._read_small(file) if content is None else content, 0)
                self._progress.moved(file.size, file.size)
            else:
                self._fetcher.fetch(file, descriptor)
            set_state(descriptor, file.mtime_ms, executable=file.executable)
            if not wanted.is_small or not CAN_SYNC_ALL:
                os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return part, descriptor

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
