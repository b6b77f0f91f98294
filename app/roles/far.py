"""A process that serves chunks on another machine than the main one, from a bucket that both reach.

It has no index and asks for each chunk where it lies, over the same link: the socket comes here by a tunnel, such as
that of ssh, which says who the other end is and hides what is said. What makes it one of the server, its keys, comes
that way too and is followed, so that what is rotated or voided there is so here within seconds.
"""

import asyncio
import logging
import re
from dataclasses import replace
from pathlib import Path

from app.data_folder import DataFolder
from app.roles.link import Copied, Copy, Link, Locate, Located, Received
from storage import received
from storage.base import Backend, Blob, ChunkId, Encoding, Form, Seal, StoredChunk
from storage.disk import Disk, replace_file
from storage.errors import StorageError, StoreUnavailableError
from storage.layout import CLAIM_NAME, LAYOUT_NAME
from storage.vault import VAULT_NAME, Vault

logger = logging.getLogger(__name__)

EVERY_S = 2.0
_KNOWN = re.compile(rf"keys/[0-9A-Za-z_.-]+\.key|store/({VAULT_NAME}|{LAYOUT_NAME}|{CLAIM_NAME})", re.ASCII)


class Mirror:
    """Keeps the files that the main process tells of as they are there."""

    def __init__(self, link: Link, folder: DataFolder, disk: Disk) -> None:
        """Take the way there, and where the files go; nothing is asked yet."""
        self._link = link
        self._folder = folder
        self._disk = disk

    def take(self) -> None:
        """Make all as it is there now. Blocks.

        Raises:
            AppError, StorageError, OSError: it cannot be.
        """
        wanted = self._link.get(Copy(), Copied).files
        for folder in (self._folder.keys, self._folder.store):
            self._disk.make_folder(folder)
        kept = self._known()
        try:
            for path, content in wanted.items():
                if _KNOWN.fullmatch(path) is None:
                    raise StoreUnavailableError(f"{path} is no file of those that are copied")
                if path not in kept or self._disk.read(kept[path]) != content:
                    replace_file(self._disk, self._folder.root / path, content)
        finally:  # what was voided goes even where a disk that is full does not take what is new
            for path in kept.keys() - wanted.keys():
                self._disk.unlink(kept[path])

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await asyncio.to_thread(self.take)
            except (StorageError, OSError) as error:
                logger.info("the keys could not be looked at: %s", error)
            except Exception:  # were this task to end, a key that was voided would stay good here
                logger.exception("the keys could not be looked at")

    def _known(self) -> dict[str, Path]:
        store = (self._folder.store / name for name in (VAULT_NAME, LAYOUT_NAME, CLAIM_NAME))
        paths = (*self._folder.keys.glob("*.key"), *(path for path in store if path.exists()))
        return {path.relative_to(self._folder.root).as_posix(): path for path in paths}


def find(link: Link, mirror: Mirror, vault: Vault, chunk_id: ChunkId) -> StoredChunk:
    """Return where a chunk lies. Blocks.

    Raises:
        ChunkAbsentError, ChunkDamagedError: there is none that can be had.
        StorageError: the main process does not answer, or the chunk lies there alone.
    """
    told = link.get(Locate(chunk_id), Located)
    seal = None if told.seal is None else Seal(*told.seal)
    if seal is not None and seal.key_number not in vault.numbers:
        mirror.take()  # the store began to be encrypted anew since
        vault.refresh()
    return StoredChunk(
        chunk_id,
        told.size,
        told.stored_size,
        Encoding(told.encoding),
        told.data,
        blob=None if told.blob is None else Blob(told.blob[0], Form(told.blob[1]), Backend.S3),
        start=told.start,
        seal=seal,
        sealed=told.sealed,
    )


def send(link: Link, disk: Disk, chunk: received.Received, wave: int) -> None:
    """Send a chunk in the form that is kept, which the main process stages there. Blocks; raises as `Link.ask`."""
    if chunk.file is not None:
        path = chunk.file.path
        chunk = replace(chunk, data=disk.read(path), file=None)
        disk.unlink(path)
    link.ask(Received.of(chunk, wave))
