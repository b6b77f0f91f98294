"""The held root folder, and how paths below it are walked: name by name, from its descriptor, through no link."""

import contextlib
import os
from collections.abc import Iterator

from client.sync.device import syscalls
from client.sync.device.disk_errors import kind_of, trouble_of
from client.sync.device.disk_mounts import Mounts, Place
from client.sync.model import PRIVATE, Kind, Path
from client.sync.seams.files import FsError, Trouble

FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
SEARCH = FOLDER | getattr(os, "O_PATH", os.O_RDONLY)
"""To go through a folder: where the system allows it, without the right to list it."""

LIST = FOLDER | os.O_RDONLY


def is_private(path: Path) -> bool:
    """Tell whether a path is below `.cairn`."""
    return len(path) > 1 and path[0] == PRIVATE


class Root:
    """The folder that was opened at the start. If its path leads elsewhere by now, all calls raise GONE."""

    def __init__(self, path: str) -> None:
        """Open it."""
        self._path = path
        try:
            self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise FsError(Trouble.GONE, (), error.strerror or "") from error
        found = os.fstat(self.descriptor)
        self._identity = (found.st_dev, found.st_ino)
        self.mounts = Mounts(self.descriptor)
        self.umask = syscalls.umask()

    @property
    def device(self) -> int:
        """The device that it lies on."""
        return self._identity[0]

    def close(self) -> None:
        """Let go of it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def check(self, path: Path) -> None:
        """Raise GONE if the root is not at its path, and NAME for a path that could lead out of it."""
        for name in path:
            if name in {"", ".", ".."} or "/" in name or "\0" in name:
                raise FsError(Trouble.NAME, path)
        try:
            found = os.stat(self._path)  # noqa: PTH116 - each call pays for it
        except OSError as error:
            raise FsError(Trouble.GONE, path, error.strerror or "") from error
        if (found.st_dev, found.st_ino) != self._identity:
            raise FsError(Trouble.GONE, path)

    @contextlib.contextmanager
    def calling(self, path: Path, *, writes: bool = False) -> Iterator[None]:
        """Turn what the system answers into FsError; whatever went wrong, a root that is gone goes first."""
        try:
            yield
        except OSError as error:
            self.check(path)
            raise FsError(trouble_of(error, writes=writes), path, error.strerror or "") from error
        except UnicodeEncodeError as error:
            raise FsError(Trouble.NAME, path) from error
        except FsError:
            self.check(path)
            raise

    @contextlib.contextmanager
    def folder(self, path: Path, flags: int = SEARCH, *, writes: bool = False) -> Iterator[int]:
        """Give a descriptor of the folder at `path` for as long as the block runs; errors in the block are turned."""
        with self.calling(path, writes=writes):
            descriptor = self._walk(path, flags)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    @contextlib.contextmanager
    def parent(self, path: Path, *, writes: bool = False) -> Iterator[int]:
        """Give a descriptor of the folder that holds `path`, which is not the root; errors name `path`."""
        if not path:
            raise FsError(Trouble.READ_ONLY, path, "the root itself")
        with self.calling(path, writes=writes):
            descriptor = self._walk(path[:-1], SEARCH, asked=path)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    def place(self, folder: int) -> Place:
        """Return what looks at names in an open folder below the root."""
        return self.mounts.folder(folder)

    def _walk(self, path: Path, flags: int, asked: Path | None = None) -> int:
        asked = path if asked is None else asked
        self.check(asked)
        descriptor = os.open(".", SEARCH if path else flags, dir_fd=self.descriptor)
        for depth, name in enumerate(path, 1):
            above = descriptor
            try:
                descriptor = os.open(name, SEARCH if depth < len(path) else flags, dir_fd=above)
            except OSError as error:
                raise FsError(_trouble_on_the_way(error, above, name), asked, error.strerror or "") from error
            finally:
                os.close(above)
        return descriptor


def _trouble_on_the_way(error: OSError, folder: int, name: str) -> Trouble:
    """Tell a link from something else that is no folder: the system answers both with ENOTDIR."""
    trouble = trouble_of(error, writes=False)
    if trouble is not Trouble.NOT_FOLDER:
        return trouble
    try:
        kind = _kind_in(folder, name)
    except OSError:
        return Trouble.CHANGED
    # A folder now, and none a moment before: somebody puts other things there while we look.
    return {Kind.LINK: Trouble.LINK, Kind.FOLDER: Trouble.CHANGED}.get(kind, trouble)


def _kind_in(folder: int, name: str) -> Kind:
    return kind_of(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def want_file(found: Kind, path: Path) -> None:
    """Raise LINK or CHANGED if this is no plain file."""
    if found is not Kind.FILE:
        raise FsError(Trouble.LINK if found is Kind.LINK else Trouble.CHANGED, path, f"a {found.value}")


def open_file(folder: int, path: Path, flags: int) -> int:
    """Open the plain file `path[-1]` of an open folder. Nothing else is ever opened: devices act, pipes wait."""
    want_file(_kind_in(folder, path[-1]), path)
    descriptor = os.open(path[-1], flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        want_file(kind_of(os.fstat(descriptor).st_mode), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
