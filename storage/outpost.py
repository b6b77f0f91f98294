"""The store in a further process of its server: it reads what exists, and stages what another makes durable."""

import secrets
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from storage import codec
from storage.barrier import Barriers
from storage.base import ChunkId, StoredChunk
from storage.disk import Disk
from storage.group_writer import GroupWriter, PlainSession
from storage.index import IndexReader, open_reader
from storage.media import Media
from storage.medium import Medium
from storage.received import Received
from storage.store import INDEX_NAME, ChunkStore
from storage.vault import MasterKey, Vault

LOWEST, NUMBERS = 10**15, 4 * 10**17
"""Names of what is staged end in a number. Those of one run begin at a random place above all that the one process
that makes durable has ever counted to, so that no two processes choose the same."""


class Receiving(Medium, Protocol):
    """A medium whose files in staging can be counted apart from those of others."""

    def number_from(self, first: int) -> None:
        """Count what is staged from `first` on."""


async def open_outpost(
    folder: Path,
    disk: Disk,
    medium: Receiving,
    tell: Callable[[Received, int], None],
    wave: Callable[[], int],
    *,
    level: int,
    master: MasterKey | None = None,
) -> ChunkStore:
    """Open the store in `folder` beside the process that has it, and may alone write its index.

    What is put is checked and staged here, and then told; there is no barrier here to wait for.

    Args:
        medium: in which its chunks lie; it is closed with the store, and where this raises.
        tell: hands what was staged to that process; blocks until it has it, and raises what that refuses with.
        wave: the wave of that process's store as it was told last.
        level: of zstd.
        master: opens what is encrypted.

    Raises:
        KeyFileError: the store is encrypted, and not with this master key.
    """
    vault = _begin(folder, disk, medium, master)
    reader = await open_reader(folder / INDEX_NAME)
    index, compressor = folder / INDEX_NAME, codec.Compressor(level)
    return ChunkStore(
        Media(medium), _NoWriter(), reader, _Elsewhere(tell, wave), compressor, index, disk, vault, is_settled=True
    )


def open_far(
    folder: Path,
    disk: Disk,
    medium: Receiving,
    tell: Callable[[Received, int], None],
    wave: Callable[[], int],
    find: Callable[[Vault, ChunkId], StoredChunk],
    *,
    level: int,
    master: MasterKey | None = None,
) -> ChunkStore:
    """Open, on another machine, the store of the process that has its index; see `open_outpost` for the rest. Blocks.

    Args:
        folder: of this machine; it holds the file with the data keys, if any, and what is staged.
        find: asks that process where a chunk lies, whose key may be new to the vault; blocks.
    """
    vault = _begin(folder, disk, medium, master)
    index, compressor = folder / INDEX_NAME, codec.Compressor(level)
    store = _FarStore(
        Media(medium),
        _NoWriter(),
        _NoReader(),
        _Elsewhere(tell, wave),
        compressor,
        index,
        disk,
        vault,
        is_settled=True,
    )
    store.find = find
    return store


def _begin(folder: Path, disk: Disk, medium: Receiving, master: MasterKey | None) -> Vault:
    """Return the vault of a folder, and let the medium count apart; it is closed where this raises."""
    try:
        vault = Vault(folder, disk, master, is_followed=True)
    except BaseException:
        medium.close()
        raise
    medium.number_from(LOWEST + secrets.randbelow(NUMBERS))
    return vault


class _FarStore(ChunkStore):
    """A store whose index is asked for each chunk."""

    find: Callable[[Vault, ChunkId], StoredChunk]

    async def locate(self, ids: Sequence[ChunkId]) -> list[StoredChunk]:
        return [await self._loading.run(partial(self.find, self.vault, chunk_id)) for chunk_id in ids]


class _NoReader(IndexReader):
    """In place of the index's reader, for there is no index here."""

    def __init__(self) -> None:
        pass

    async def close(self) -> None:
        """End nothing."""


class _Elsewhere(Barriers):
    """Barriers that another process runs."""

    def __init__(self, tell: Callable[[Received, int], None], wave: Callable[[], int]) -> None:
        self._tell = tell
        self._wave_there = wave

    @property
    def wave(self) -> int:
        return self._wave_there()

    @property
    def holds(self) -> bool:
        """None: no descriptor reaches the process that syncs."""
        return False

    def add(self, chunks: Collection[Received], wave: int, *, is_old: bool = False) -> None:  # noqa: ARG002 - none is
        for chunk in chunks:
            self._tell(chunk, wave)

    async def room(self) -> None:
        """Wait for nothing: the other process answers once it has room."""

    def close(self) -> None:
        """End nothing."""


class _NoWriter(GroupWriter[PlainSession]):
    """In place of the index's writer, for nothing is written here."""

    def __init__(self) -> None:
        self.commits = 0

    def close(self) -> None:
        """End nothing."""
