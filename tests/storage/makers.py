"""Chunks and stores for the tests of the object store."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.base import ChunkId, WireEncoding
from storage.disk import Disk
from storage.errors import StorageError
from storage.local import LocalMedium
from storage.store import ChunkStore, OpenMedium
from storage.vault import MasterKey

FILE_SIZE = 70_000  # of a chunk that does not compress and so becomes a file
LATER_S = 3600.0  # no barrier by itself in a test that says when


def noise(number: int, size: int = FILE_SIZE) -> bytes:
    """Return bytes that do not compress, the same ones for the same number."""
    return hashlib.shake_128(number.to_bytes(8, "big")).digest(size)


def id_of(data: bytes) -> ChunkId:
    return ChunkId(hashlib.sha256(data).digest())


async def put(store: ChunkStore, claim: str, data: bytes) -> ChunkId:
    """Put one plain chunk, in pieces as a socket gives them."""
    pieces = [memoryview(data)[at : at + 16_384] for at in range(0, len(data), 16_384)]
    await store.put(claim, id_of(data), len(data), pieces, WireEncoding.IDENTITY)
    return id_of(data)


@asynccontextmanager
async def opened(
    folder: Path,
    disk: Disk,
    *,
    open_claims: tuple[str, ...] = (),
    clean: bool = True,
    failures: list[StorageError] | None = None,
    flush_after_s: float = LATER_S,
    open_medium: OpenMedium = LocalMedium.open,
    master: MasterKey | None = None,
) -> AsyncIterator[ChunkStore]:
    """Open a store for the time of a block."""
    store = await ChunkStore.open(
        folder,
        disk=disk,
        open_claims=open_claims,
        clean=clean,
        on_failure=None if failures is None else failures.append,
        flush_after_s=flush_after_s,
        open_medium=open_medium,
        master=master,
    )
    try:
        yield store
    finally:
        await store.close()
