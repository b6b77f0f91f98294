"""Encryption at rest as commands of this machine see it: turned on and off, rotated, and told (decision 0046)."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.auth.sealing import Sealer
from app.config import Settings
from app.control import Operation
from app.data_folder import DataFolder
from app.errors import ConflictError
from app.master_key import read_master, where_beside
from storage.disk import Disk, replace_file
from storage.errors import KeyFileError
from storage.moves import Stage
from storage.store import ChunkStore
from storage.vault import Vault

COLUMNS = "columns"


class AtRest:
    """Changes how the store is encrypted; one call at a time."""

    def __init__(self, settings: Settings, folder: DataFolder, store: ChunkStore, disk: Disk) -> None:
        """Take the parts."""
        self._settings = settings
        self._folder = folder
        self._store = store
        self._disk = disk
        self._turn = asyncio.Lock()

    async def turn_on(self, check: str) -> dict[str, Any]:
        """Encrypt with a new data key from now on; what lies there follows.

        Args:
            check: the check value of the master key as somebody read it from a copy.

        Raises:
            KeyFileError: there is no master key, or the copy is of another one.
            ConflictError: it is on already.
        """
        async with self._turn:
            if self._store.vault.current is not None:
                raise ConflictError("The store is encrypted already: `cairn encrypt rotate` takes a new data key.")
            await self._require_one_side()
            master = self._store.vault.master
            if master is None:
                raise KeyFileError("There is no master key: name its file with encryption.key_file, then start anew.")
            if check != master.check:
                raise KeyFileError(f"{check} is not the check value of the master key in use: that is no copy of it.")
            await self._store.seal_anew()
            await asyncio.to_thread(conceal, self._folder, self._store.vault, self._disk)
        return self.status()

    async def rotate(self) -> dict[str, Any]:
        """Encrypt with a new data key from now on; what lies there follows.

        Raises:
            ConflictError: nothing is encrypted.
        """
        async with self._turn:
            self._require_on()
            await self._require_one_side()
            await self._store.seal_anew()
        return self.status()

    async def turn_off(self) -> dict[str, Any]:
        """Store plain from now on; what lies there follows.

        Raises:
            ConflictError: nothing is encrypted.
        """
        async with self._turn:
            self._require_on()
            await self._require_one_side()
            await asyncio.to_thread(reveal, self._folder, self._store.vault, self._disk)
            await self._store.unseal()
        return self.status()

    async def rewrap(self, path: str, passphrase_file: str) -> dict[str, Any]:
        """Let another master key open the store from now on, and no other.

        Raises:
            KeyFileError: it cannot be read.
            ConflictError: nothing is encrypted.
        """
        async with self._turn:
            if not self._store.vault.numbers:
                self._require_on()
            master = await asyncio.to_thread(read_master, Path(path), passphrase_file, self._disk)
            await asyncio.to_thread(self._store.vault.rewrap, master)
        return self.status()

    def status(self) -> dict[str, Any]:
        """Return how the store is encrypted."""
        vault, progress = self._store.vault, self._store.resealing.progress
        return {
            "is_on": vault.current is not None,
            "check": "" if vault.master is None else vault.master.check,
            "cipher": "" if vault.cipher is None else vault.cipher.name,
            "keys": vault.numbers,
            "is_settled": vault.is_settled,
            "is_clean": vault.is_clean,
            "done": progress.done,
            "damaged": progress.damaged,
            "beside": self.beside(),
        }

    def beside(self) -> str:
        """Say that the key lies beside the data; empty if it does not, or there is none."""
        settings = self._settings.encryption
        return where_beside(settings, self._folder.root) if settings.key_file else ""

    def operations(self) -> dict[str, Operation]:
        """Return what commands ask of this, by name; arguments and answers are plain JSON."""
        return {
            "encrypt.on": lambda told: self.turn_on(str(told["check"])),
            "encrypt.off": lambda _: self.turn_off(),
            "encrypt.rotate": lambda _: self.rotate(),
            "encrypt.rewrap": lambda told: self.rewrap(str(told["file"]), str(told["passphrase_file"])),
            "encrypt.status": self._told,
        }

    async def _told(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return self.status()

    async def _require_one_side(self) -> None:
        move = await self._store.mover.move()
        if move is not None and move.stage is not Stage.DONE:
            raise ConflictError(
                "Chunks lie on two sides: encryption is changed before a move, or after `cairn store empty`."
            )

    def _require_on(self) -> None:
        if self._store.vault.current is None:
            raise ConflictError("The store is not encrypted.")


def open_sealer(folder: DataFolder, vault: Vault, disk: Disk) -> Sealer:
    """Return what seals columns; its key is in the vault while the store is encrypted, else in its file. Blocks.

    Raises:
        KeyFileError: it cannot be read, or is damaged.
    """
    if vault.secret(COLUMNS) is None:
        Sealer.open(folder.column_key, disk)  # makes the key of a new server
    (reveal if vault.current is None else conceal)(folder, vault, disk)
    kept = vault.secret(COLUMNS)
    return Sealer.open(folder.column_key, disk) if kept is None else Sealer(kept)


def conceal(folder: DataFolder, vault: Vault, disk: Disk) -> None:
    """Take the key of columns out of its file into the vault, and drop what was made of contents. Blocks."""
    if vault.secret(COLUMNS) is None:
        vault.keep_secret(COLUMNS, disk.read(folder.column_key))
    disk.unlink(folder.column_key)
    for piece in ("", "-wal", "-shm"):
        disk.unlink(folder.plain_thumbnails.with_name(folder.plain_thumbnails.name + piece))


def reveal(folder: DataFolder, vault: Vault, disk: Disk) -> None:
    """Put the key of columns back into its file. Blocks."""
    if (kept := vault.secret(COLUMNS)) is not None:
        replace_file(disk, folder.column_key, kept)
        vault.keep_secret(COLUMNS, None)
