"""Seals what the database keeps and must read again, such as the secrets of second factors (security.md, K3, K6)."""

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.disk import Disk, replace_file
from storage.errors import KeyFileError

KEY_SIZE = 32
_NONCE_SIZE = 12
_PURPOSE = b"cairn-columns-v1"


class Sealer:
    """Seals values with AES-256-GCM, each bound to its table, column and row, so that none can be moved to another.

    Its root key is a file of its own beside those of URLs: these are rotated and removed, and what they had sealed
    would be lost with them.
    """

    def __init__(self, root_key: bytes) -> None:
        """Derive the key of this purpose by HKDF-SHA256."""
        self._aead = AESGCM(HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=_PURPOSE).derive(root_key))

    @classmethod
    def open(cls, path: Path, disk: Disk) -> "Sealer":
        """Read the root key at `path`, made there at the first start. Blocks.

        Raises:
            KeyFileError: the file cannot be read, or holds no full random key.
        """
        try:
            key = disk.read(path)
        except FileNotFoundError:
            key = secrets.token_bytes(KEY_SIZE)
            replace_file(disk, path, key)
        except OSError as error:
            raise KeyFileError(f"the key {path} cannot be read: {error}") from error
        if len(key) != KEY_SIZE or not any(key):
            raise KeyFileError(f"the key {path} is damaged: put it back from a backup")
        return cls(key)

    def seal(self, value: bytes, table: str, column: str, row: int) -> bytes:
        """Return `value` sealed for one place."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._aead.encrypt(nonce, value, _place(table, column, row))

    def unseal(self, sealed: bytes, table: str, column: str, row: int) -> bytes:
        """Return what was sealed for this place.

        Raises:
            KeyFileError: it was sealed with another key or for another place, or was changed.
        """
        try:
            return self._aead.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], _place(table, column, row))
        except (InvalidTag, ValueError) as error:
            raise KeyFileError(f"what stands sealed in {table}.{column} cannot be opened with this key") from error


def _place(table: str, column: str, row: int) -> bytes:
    return f"{table}.{column}.{row}".encode()
