"""The file that holds the master key of encryption at rest: made, read, and told where it lies (security.md, K2).

It is text, so that a person can copy it onto paper: a first line that says what it is, and 64 hexadecimal digits; or,
where a passphrase wraps the key, one line of JSON.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from app.config import Encryption
from storage.disk import Disk, replace_file
from storage.errors import KeyFileError
from storage.vault import MasterKey

KEY_SIZE, NONCE_SIZE, SALT_SIZE = 32, 12, 16
PLAIN, WRAPPED = "cairn master key 1", "cairn master key 1, under a passphrase"
PASSES, MEMORY_KIB, LANES = 3, 64 * 1024, 4
"""Of Argon2id: what RFC 9106 recommends where memory is scarce."""
LONGEST = 4096


def make_master(path: Path, passphrase_file: str, disk: Disk) -> MasterKey:
    """Make a new master key in a file of its own, durably. Blocks.

    Raises:
        KeyFileError: there is a file already, or the passphrase cannot be read.
        OSError: the file cannot be written.
    """
    if path.exists():
        raise KeyFileError(f"There is a file at {path} already: it may be a key that is in use.")
    master = MasterKey(secrets.token_bytes(KEY_SIZE))
    if passphrase_file:
        text = f"{WRAPPED}\n{_wrapped(master, _passphrase_of(passphrase_file))}\n"
    else:
        text = f"{PLAIN}\n{master.secret.hex()}\n"
    replace_file(disk, path, text.encode())
    return master


def find_master(settings: Encryption, disk: Disk) -> MasterKey | None:
    """Return the master key that the settings name, None if they name none. Blocks.

    Raises:
        KeyFileError: it cannot be read.
    """
    return read_master(Path(settings.key_file), settings.passphrase_file, disk) if settings.key_file else None


def read_master(path: Path, passphrase_file: str, disk: Disk) -> MasterKey:
    """Return the master key in a file. Blocks.

    Raises:
        KeyFileError: there is none, it is open to others, or the passphrase is another one.
    """
    try:
        mode, raw = disk.stat(path).mode, disk.read(path)
    except OSError as error:
        raise KeyFileError(f"The master key {path} cannot be read: {error.strerror or error}.") from error
    if mode & 0o077:
        raise KeyFileError(f"The master key {path} is open to others (mode {mode:o}): chmod 600 it.")
    lines = raw[:LONGEST].decode("utf-8", "replace").strip().splitlines()
    if len(lines) != 2 or lines[0] not in (PLAIN, WRAPPED):  # noqa: PLR2004 - what it is, and the key
        raise KeyFileError(f"{path} is no master key of Cairn.")
    if lines[0] == WRAPPED and not passphrase_file:
        raise KeyFileError(f"The master key {path} is under a passphrase: name a file with encryption.passphrase_file.")
    try:
        if lines[0] == WRAPPED:
            return MasterKey(_unwrapped(json.loads(lines[1]), _passphrase_of(passphrase_file)))
        secret = bytes.fromhex(lines[1])
    except InvalidTag:
        raise KeyFileError(f"The passphrase in {passphrase_file} is not that of the master key {path}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileError(f"The master key {path} is damaged: put it back from a copy.") from error
    if len(secret) != KEY_SIZE or not any(secret):
        raise KeyFileError(f"The master key {path} is damaged: put it back from a copy.")
    return MasterKey(secret)


def where_beside(settings: Encryption, data: Path) -> str:
    """Say that what opens the store lies where a thief of the data finds it; empty if it does not."""
    name = "passphrase" if settings.passphrase_file else "master key"
    path = Path(settings.passphrase_file or settings.key_file).absolute()
    try:
        if path.resolve().is_relative_to(data.resolve()):
            return f"The {name} lies in the data folder: who gets hold of the folder can read everything."
        if path.stat().st_dev == data.stat().st_dev:
            return f"The {name} lies on the same volume as the data: who gets hold of the disk can read everything."
    except OSError:
        pass
    return ""


def _passphrase_of(path: str) -> bytes:
    try:
        passphrase = Path(path).read_bytes().strip()
    except OSError as error:
        raise KeyFileError(f"The passphrase {path} cannot be read: {error.strerror}.") from error
    if not passphrase:
        raise KeyFileError(f"There is no passphrase in {path}.")
    return passphrase


def _wrapped(master: MasterKey, passphrase: bytes) -> str:
    told = {"salt": os.urandom(SALT_SIZE).hex(), "passes": PASSES, "memory_kib": MEMORY_KIB, "lanes": LANES}
    nonce = os.urandom(NONCE_SIZE)
    key = nonce + AESGCM(_stretched(told, passphrase)).encrypt(nonce, master.secret, WRAPPED.encode())
    return json.dumps({**told, "key": key.hex()})


def _unwrapped(told: dict[str, Any], passphrase: bytes) -> bytes:
    key = bytes.fromhex(told["key"])
    return AESGCM(_stretched(told, passphrase)).decrypt(key[:NONCE_SIZE], key[NONCE_SIZE:], WRAPPED.encode())


def _stretched(told: dict[str, Any], passphrase: bytes) -> bytes:
    return Argon2id(
        salt=bytes.fromhex(told["salt"]),
        length=KEY_SIZE,
        iterations=told["passes"],
        lanes=told["lanes"],
        memory_cost=told["memory_kib"],
    ).derive(passphrase)
