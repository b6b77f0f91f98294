"""The root keys of this server: random files that are made, found, rotated and removed here, and never elsewhere."""

import itertools
import re
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.disk import UNFINISHED, Disk, replace_file
from storage.errors import KeyFileError

KEY_SIZE = 32
ROTATE_AFTER_S = 30 * 24 * 3600
LONGEST_LIFETIME_S = 24 * 3600
"""No signature may be made to last longer."""
SKEW_S = 60
"""How far the clocks of processes of one server may be apart."""

_NAME = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{11})\.key", re.ASCII)
_CLOCK = "clock"
_TICK_NS = 1_000_000_000  # well above the tick of any file system's clock


@dataclass(frozen=True, slots=True)
class Key:
    """One root key. It is never used itself: `derive` gives a key for each purpose."""

    key_id: str
    created_s: int
    secret: bytes = field(repr=False)

    def derive(self, purpose: str, salt: bytes = b"") -> bytes:
        """Return 32 bytes by HKDF-SHA256 (RFC 5869) for one purpose, such as "cairn-url-v1"."""
        return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=salt, info=purpose.encode()).derive(self.secret)


class Keyring:
    """The key files of one folder, newest last; a change of the folder by another process is seen at the next use.

    Names are `<created>.<id>.key`. A file that is missing, short, all zero or open to others stops everything:
    no signature is made or accepted with a key that is not a full random one (security.md, U4).
    """

    def __init__(self, folder: Path, *, disk: Disk) -> None:
        """Read the keys of `folder`; `create` makes the first one.

        Raises:
            KeyFileError: there is no usable key.
        """
        self._folder = folder
        self._disk = disk
        self._names: list[str] = []
        self._seen_ns = -1
        self._keys: dict[str, Key] = {}
        self._refresh()

    @classmethod
    def create(cls, folder: Path, *, disk: Disk, now_s: int) -> Self:
        """Open the keys, after making the folder and the first key if there is nothing yet.

        A folder that has been in use keeps the clock's mark, so one whose keys were lost is not taken for a new one.

        Raises:
            KeyFileError: there is no usable key in a folder that has been in use.
        """
        disk.make_folder(folder)
        disk.sync_folder(folder.parent)
        if all(name.endswith(UNFINISHED) for name in disk.list_(folder)):
            _write_key(disk, folder, now_s)
        return cls(folder, disk=disk)

    @property
    def current(self) -> Key:
        """The newest key, with which to sign."""
        self._refresh()
        return next(reversed(self._keys.values()))

    def find(self, key_id: str) -> Key | None:
        """Return the key of this id, None if it is unknown or gone."""
        self._refresh()
        return self._keys.get(key_id)

    def rotate(self, now_s: int, *, void_old: bool = False) -> None:
        """Make a new key; with `void_old` remove all others, so that every signature made before is void at once."""
        old = list(self._keys.values())
        _write_key(self._disk, self._folder, max(now_s, old[-1].created_s + 1))
        if void_old:
            self._remove(old)
        self._refresh()

    def tend(self, now_s: int) -> None:
        """Rotate if the newest key is 30 days old, and remove keys of which no signature can still be good. Blocks."""
        if now_s - self.current.created_s >= ROTATE_AFTER_S:
            self.rotate(now_s)
        keys = list(self._keys.values())
        over = now_s - LONGEST_LIFETIME_S - SKEW_S
        self._remove([key for key, newer in itertools.pairwise(keys) if newer.created_s < over])
        self._refresh()

    def clock_mark_s(self) -> int:
        """Return the stored reading of the clock, 0 if none was kept yet."""
        path = self._folder / _CLOCK
        try:
            return int(self._disk.read(path))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise KeyFileError(f"{path} does not hold a time: {error}") from error

    def keep_clock_mark(self, now_s: int) -> None:
        """Store a reading of the clock durably. Blocks."""
        replace_file(self._disk, self._folder / _CLOCK, str(now_s).encode())

    def _remove(self, keys: list[Key]) -> None:
        for key in keys:
            self._disk.unlink(self._folder / _name_of(key.created_s, key.key_id))
        if keys:
            self._disk.sync_folder(self._folder)

    def _refresh(self) -> None:
        """Read the folder again if it changed. A key file itself never changes."""
        try:
            changed_ns = self._disk.stat(self._folder).changed_ns
            if changed_ns == self._seen_ns:
                return
            names = [name for name in self._disk.list_(self._folder) if name.endswith(".key")]
        except OSError as error:
            raise KeyFileError(f"the key folder {self._folder} cannot be read: {error}") from error
        if names != self._names or not names:
            keys = sorted((self._read(name) for name in names), key=lambda key: (key.created_s, key.key_id))
            if not keys:
                raise KeyFileError(f"there is no key in {self._folder}")
            self._keys = {key.key_id: key for key in keys}
            self._names = names
        # Two changes within a tick of the file system's clock have one time: until it has passed, look each time.
        self._seen_ns = changed_ns if time.time_ns() - changed_ns > _TICK_NS else -1

    def _read(self, name: str) -> Key:
        path = self._folder / name
        match = _NAME.fullmatch(name)
        if match is None:
            raise KeyFileError(f"{path} is not named like a key")
        try:
            mode = self._disk.stat(path).mode
            secret = self._disk.read(path)
        except OSError as error:
            raise KeyFileError(f"the key {path} cannot be read: {error}") from error
        if mode & 0o077:
            raise KeyFileError(f"the key {path} is open to others (mode {mode:o}): chmod 600 it, then rotate the keys")
        if len(secret) != KEY_SIZE or not any(secret):
            raise KeyFileError(f"the key {path} is not {KEY_SIZE} random bytes")
        return Key(match[2], int(match[1]), secret)


def _name_of(created_s: int, key_id: str) -> str:
    return f"{created_s}.{key_id}.key"


def _write_key(disk: Disk, folder: Path, created_s: int) -> None:
    """Put a new random key into `folder`, durably."""
    replace_file(disk, folder / _name_of(created_s, secrets.token_urlsafe(8)), secrets.token_bytes(KEY_SIZE))
