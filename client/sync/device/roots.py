"""The roots of this device: which folders are kept in step, and what is kept for each of them.

$CAIRN_HOME/roots/<id>/   0700
├── settings.json         0600  what a person chose
├── settings.lock         0600  held while that changes
├── state.db              0600  the three trees (client.sync.trees.state)
├── last.json             0600  the status at the end of the last run
├── lock                  0600  held by the one process that syncs this root
└── control               0600  the socket at which it listens (client.sync.device.control)
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from client.errors import ClientError, LocalFileError, UsageError
from client.home import sync_folder
from client.locks import try_lock
from client.sync.device.places import check_place, is_within
from client.sync.model import MARKER, PRIVATE
from client.sync.settings import Settings

_ROOTS = "roots"
_SETTINGS = "settings.json"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OURS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK_WAIT_S = 0.5  # a command that asks whether a daemon runs holds its lock for a moment
_SETTINGS_WAIT_S = 10.0


class Root:
    """A folder that is kept in step, and the folder of its state."""

    def __init__(self, root_id: str, state: Path) -> None:
        """Name the root; see `Roots`."""
        self.id = root_id
        self.state = state
        self.database = state / "state.db"
        self.lock = state / "lock"
        self.last = state / "last.json"

    @property
    def settings(self) -> Settings:
        """What a person chose, as it stands now."""
        path = self.state / _SETTINGS
        try:
            return msgspec.json.decode(path.read_bytes(), type=Settings)
        except FileNotFoundError:
            raise LocalFileError(f"{path} is not there: `cairn sync DIR` makes the root anew.") from None
        except OSError as error:
            raise LocalFileError(f"{path} cannot be read: {error.strerror}.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LocalFileError(
                f"{path} cannot be read as settings: {error}. Move {self.state} away to forget that root; files stay."
            ) from error

    @property
    def folder(self) -> Path:
        """The folder here."""
        return Path(self.settings.root)

    def change(self, to: Callable[[Settings], Settings]) -> Settings:
        """Set what `to` makes of the settings, with the next number, and return it; durable on return.

        Other processes that change them at the same time wait for each other.
        """
        with _locked(self.state / "settings.lock", wait_s=_SETTINGS_WAIT_S) as ours:
            if not ours:
                raise LocalFileError(f"The settings in {self.state} are in use by another command: try again.")
            now = self.settings
            new = msgspec.structs.replace(to(now), number=now.number + 1)
            self.write(_SETTINGS, msgspec.json.encode(new))
        return new

    def write(self, name: str, content: bytes) -> None:
        """Set a file of the state folder: whoever reads it finds the old or the new one; durable on return."""
        try:
            _write_file(self.state, name, content)
        except OSError as error:
            raise LocalFileError(f"{self.state / name} cannot be written: {error.strerror}.") from error

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one process that syncs this root.

        Raises:
            LocalFileError: another one is, or the folder is not there.
        """
        folder = self.folder
        with ExitStack() as stack:
            if not stack.enter_context(_locked(self.lock, wait_s=_LOCK_WAIT_S)):
                raise LocalFileError(f"{folder} is kept in step already by another process: `cairn status` shows it.")
            private = stack.enter_context(_private_folder(folder))
            if not stack.enter_context(_locked("lock", wait_s=0, folder=private)):
                raise LocalFileError(f"{folder} is kept in step already from another CAIRN_HOME or machine.")
            yield

    @property
    def is_held(self) -> bool:
        """Whether a process syncs this root now."""
        with _locked(self.lock, wait_s=0) as free:
            return not free


class Roots:
    """The registry of all roots of this device."""

    def __init__(self, home: Path, person: Path | None = None) -> None:
        """Use $CAIRN_HOME, `home`, of which nothing need be there.

        Args:
            person: the home folder of this user, which is never a root; by default as the system says.
        """
        self._home = home
        self._folder = home / _ROOTS
        self._person = person or Path.home()

    def list(self) -> list[Root]:
        """Return all roots, by folder. One whose settings cannot be read raises LocalFileError."""
        if not self._folder.is_dir():
            return []
        ids = [path.name for path in self._folder.iterdir() if (path / _SETTINGS).exists()]
        return sorted((self.get(root_id) for root_id in ids), key=lambda root: root.settings.root)

    def get(self, root_id: str) -> Root:
        """Return the root of an id."""
        return Root(root_id, self._folder / root_id)

    def find(self, folder: Path) -> Root | None:
        """Return the root that is this very folder, whatever links lead to it."""
        real = Path(os.path.realpath(folder))
        return next((root for root in self.list() if root.folder == real), None)

    def find_around(self, path: Path) -> Root | None:
        """Return the root that a path lies in."""
        real = Path(os.path.realpath(path))
        return next((root for root in self.list() if is_within(real, root.folder)), None)

    def check(self, folder: Path) -> Path:
        """Return the real path of a folder that may become a root; raise UsageError or LocalFileError if it may not."""
        real = Path(os.path.realpath(folder))
        check_place(real, person=self._person, state=self._home, roots=[root.folder for root in self.list()])
        return real

    def add(self, folder: Path, settings: Settings) -> Root:
        """Make a folder a root; `settings.root` is set to its real path. Errors as of `check`."""
        self.check(folder)
        try:
            for place in (self._home, self._folder):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self._folder / "lock", wait_s=_SETTINGS_WAIT_S):  # of two that add one folder, one is refused
                return self._add(self.check(folder), settings)
        except OSError as error:
            raise LocalFileError(f"{error.filename or folder} cannot be made: {error.strerror}.") from error

    def _add(self, real: Path, settings: Settings) -> Root:
        root = self.get(os.urandom(8).hex())
        root.state.mkdir(mode=0o700)
        with suppress(FileExistsError):
            (real / PRIVATE).mkdir(mode=0o700)
        with _private_folder(real) as private:
            os.fchmod(private, 0o700)
        sync_folder(real)
        root.write(_SETTINGS, msgspec.json.encode(msgspec.structs.replace(settings, root=str(real))))
        for place in (self._folder, self._home):
            sync_folder(place)
        return root

    def remove(self, root_id: str) -> None:
        """Forget a root: its state goes, and the marker in its folder; its files stay. Refused while it is synced."""
        root = self.get(root_id)
        folder = root.folder
        with _locked(root.lock, wait_s=_LOCK_WAIT_S) as ours:
            if not ours:
                raise LocalFileError("A process keeps this folder in step: stop it first.")
            (root.state / _SETTINGS).unlink(missing_ok=True)  # from here on it is no root, however far we get
            with suppress(LocalFileError, OSError), _private_folder(folder) as private:
                os.unlink(MARKER[-1], dir_fd=private)
            shutil.rmtree(root.state, ignore_errors=True)


def other_account(settings: Settings, server: str, username: str) -> ClientError | None:
    """Return why a root cannot be synced by this login; None if it can."""
    if (settings.server, settings.username) == (server, username):
        return None
    return UsageError(
        f"{settings.root} is in step with {settings.server} as {settings.username}, and this device is logged in at "
        f"{server} as {username}: log in there again, or end that with `cairn sync {settings.root} --forget`, which "
        "keeps all files."
    )


@contextmanager
def _locked(path: Path | str, *, wait_s: float, folder: int | None = None) -> Iterator[bool]:
    """Hold a lock file until the block ends; give False if another process has it for all of `wait_s`."""
    try:
        descriptor = os.open(path, _OURS, 0o600, dir_fd=folder)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be used: {error.strerror}.") from error
    try:
        deadline_s = time.monotonic() + wait_s
        while not (ours := try_lock(descriptor)) and time.monotonic() < deadline_s:
            time.sleep(0.02)  # flock(2) cannot wait for a time
        yield ours
    finally:
        os.close(descriptor)


@contextmanager
def _private_folder(folder: Path) -> Iterator[int]:
    """Open `.cairn` of a root, which no link may stand for; raise LocalFileError if it is not there."""
    try:
        root = os.open(folder, _FOLDER)
    except OSError as error:
        raise LocalFileError(f"{folder} cannot be used: {error.strerror}. Is its disk mounted?") from error
    try:
        private = os.open(PRIVATE, _FOLDER, dir_fd=root)
    except OSError as error:
        reason = (
            f"has no {PRIVATE}, by which it is known: if its disk is mounted and it is the right folder, "
            f"`cairn sync {folder} --forget` and then `cairn sync` begin anew, and delete nothing."
            if error.errno == errno.ENOENT
            else f"has a {PRIVATE} that is no folder of ours: {error.strerror}."
        )
        raise LocalFileError(f"{folder} {reason}") from error
    finally:
        os.close(root)
    try:
        yield private
    finally:
        os.close(private)


def _write_file(folder: Path, name: str, content: bytes) -> None:
    temporary = folder / f"{name}.{os.urandom(4).hex()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(folder / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(folder)
