"""What a device keeps for itself: its login, and notes of uploads under way, for nobody else to read.

$CAIRN_HOME/            0700
├── login.json          0600  server, user, device id, token
├── install_id          0600  names this installation at each login, so that a later one replaces its device
├── install_names.json 0600  shown at each start of a sync: by them a server tells a copied machine (client.install)
├── roots/              0700  the folders that are kept in step (client.sync.device.roots)
└── uploads/            0700
    ├── <key>.json      0600  an upload under way, found again by what is sent where
    └── batch-*.json    0600  the uploads of a batch of small files under way
"""

import hashlib
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from client.errors import LocalFileError, NotLoggedInError
from client.locks import try_lock

UPLOAD_LIFE_S = 14 * 24 * 3600  # as long as the server keeps an upload
_LOGIN = "login.json"
_INSTALL = "install_id"
_INSTALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UPLOADS = "uploads"


class Login(msgspec.Struct, frozen=True):
    """Where this device is logged in, and as whom. The token does not show in a `repr`.

    `authority` alone may vouch for the server, as PEM; empty leaves that to those whom this machine trusts.
    """

    server: str
    username: str
    device_id: str
    token: str
    authority: str = ""

    def __repr__(self) -> str:
        """Return all but the token."""
        return f"Login({self.server!r}, {self.username!r}, {self.device_id!r})"


class UploadNote(msgspec.Struct, frozen=True):
    """An upload under way."""

    upload_id: str


class BatchNote(msgspec.Struct, frozen=True):
    """Uploads of small files under way. They are sent anew after a crash, so these ids are only given up."""

    server: str
    upload_ids: list[str]


class HeldNote:
    """A note that this process holds alone, so that two commands never work on one upload."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take over an open, locked file; use `Home.hold_note`."""
        self._path = path
        self._descriptor = descriptor

    def read(self) -> UploadNote | None:
        """Return what the note says; None if it is new, or a crash left it unreadable."""
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            return msgspec.json.decode(os.pread(self._descriptor, 4096, 0), type=UploadNote)
        return None

    def write(self, note: UploadNote) -> None:
        """Set the note; it is durable on return."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, msgspec.json.encode(note), 0)
        os.fsync(self._descriptor)

    def remove(self) -> None:
        """Forget the note: the upload is finished or given up."""
        self._path.unlink(missing_ok=True)


class Home:
    """The folder of this device's state; made when something is first kept."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which need not exist; see `home_folder`."""
        self.folder = folder

    def get_login(self) -> Login:
        """Return the login; raise NotLoggedInError if there is none."""
        try:
            content = self._read_private(self.folder / _LOGIN)
        except FileNotFoundError:
            raise NotLoggedInError("This device is not logged in: run `cairn login URL --user NAME`.") from None
        try:
            return msgspec.json.decode(content, type=Login)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotLoggedInError(
                f"{self.folder / _LOGIN} cannot be read as a login: run `cairn login URL --user NAME` again."
            ) from error

    def find_login(self) -> Login | None:
        """Return the login, None if there is none that can be read."""
        try:
            return self.get_login()
        except NotLoggedInError:
            return None

    def keep_login(self, login: Login) -> None:
        """Keep a login in place of the one before."""
        self._keep(self.folder / _LOGIN, msgspec.json.encode(login), "The login")

    def forget_login(self) -> None:
        """Remove the login.

        The installation gets another name with it: so two copies of one machine become two devices, by a logout on one
        of them and a login on each.
        """
        (self.folder / _LOGIN).unlink(missing_ok=True)
        self.forget_install()

    def forget_install(self) -> None:
        """Give the installation another name: its next login makes a device beside the one that it was."""
        (self.folder / _INSTALL).unlink(missing_ok=True)

    def install_id(self) -> str:
        """Return the random name of this installation, which is made when it is first asked for."""
        path = self.folder / _INSTALL
        with suppress(FileNotFoundError, UnicodeDecodeError):
            known = self._read_private(path).decode().strip()
            if _INSTALL_ID.fullmatch(known):
                return known
        made = secrets.token_urlsafe(16)
        self._keep(path, made.encode(), "The name of this installation")
        return made

    def make(self) -> None:
        """Make the folder, for nobody else to read."""
        self._make_private(self.folder)

    def read(self, name: str) -> bytes | None:
        """Return what a file of the folder holds, None if there is none."""
        try:
            return self._read_private(self.folder / name)
        except FileNotFoundError:
            return None

    def keep(self, name: str, content: bytes, what: str) -> None:
        """Keep a file of the folder in place of the one before, durable on return; `what` is for a person."""
        self._keep(self.folder / name, content, what)

    def _keep(self, path: Path, content: bytes, what: str) -> None:
        """Keep a file for its owner alone in place of the one before; durable on return."""
        self.make()
        temporary = path.with_suffix(".new")
        try:
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(path)
            sync_folder(self.folder)
        except OSError as error:
            raise LocalFileError(f"{what} cannot be kept in {self.folder}: {error.strerror}.") from error

    @contextmanager
    def hold_note(self, *what: str | int) -> Iterator[HeldNote | None]:
        """Hold the note of the upload that is known by `what`; None if another process holds it.

        A note that nothing was written to is removed at the end.
        """
        key = hashlib.sha256("\0".join(map(str, what)).encode("utf-8", "surrogateescape")).hexdigest()
        path = self._uploads() / f"{key[:32]}.json"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        note = HeldNote(path, descriptor) if try_lock(descriptor) else None
        try:
            yield note
        finally:
            if note is not None and os.fstat(descriptor).st_size == 0:
                note.remove()
            os.close(descriptor)

    @contextmanager
    def note_batch(self, note: BatchNote) -> Iterator[None]:
        """Keep a note of a batch's uploads until the block has ended without an error."""
        path = self._uploads() / f"batch-{os.urandom(8).hex()}.json"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try_lock(descriptor)
            os.write(descriptor, msgspec.json.encode(note))
            yield
            path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def take_left_uploads(self, server: str) -> list[str]:
        """Return the uploads that batches of ended processes left open at `server`, and forget their notes.

        Notes that have outlived their uploads go as well.
        """
        left: list[str] = []
        for path in self._uploads().iterdir():
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:  # another command has just finished what it noted there
                continue
            try:
                if not try_lock(descriptor):
                    continue
                status = os.fstat(descriptor)
                old = status.st_mtime + UPLOAD_LIFE_S < time.time()
                if path.name.startswith("batch-"):
                    with suppress(msgspec.DecodeError, UnicodeDecodeError):
                        note = msgspec.json.decode(os.read(descriptor, status.st_size), type=BatchNote)
                        if note.server != server and not old:
                            continue
                        if note.server == server:
                            left += note.upload_ids
                elif not old:
                    continue
                path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)
        return left

    def _uploads(self) -> Path:
        folder = self.folder / _UPLOADS
        if not folder.is_dir():
            self._make_private(self.folder)
            self._make_private(folder)
        return folder

    def _make_private(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_private(folder)
        except OSError as error:
            raise LocalFileError(f"{folder} cannot be made: {error.strerror}. CAIRN_HOME can name another.") from error

    def _read_private(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise LocalFileError(f"{path} cannot be read: {error.strerror}.") from error
        _check_private(self.folder)
        _check_private(path)
        return content


def home_folder(environment: Mapping[str, str]) -> Path:
    """Return where this device keeps its state: CAIRN_HOME, or the platform's place for it."""
    if chosen := environment.get("CAIRN_HOME"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Cairn"
    base = environment.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "cairn"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: it cannot be opened, or the disk fails.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_private(path: Path) -> None:
    """Take away what others may do with `path`; refuse it if it belongs to somebody else."""
    status = path.stat()
    if status.st_uid != os.geteuid():
        raise LocalFileError(f"{path} belongs to another user: it is not safe to keep a login there.")
    if stat.S_IMODE(status.st_mode) & 0o077:
        path.chmod(stat.S_IMODE(status.st_mode) & 0o700)
