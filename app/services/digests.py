"""Hashes a content anew, for programs that ask for another sum than the one that is kept."""

from collections.abc import Callable
from functools import partial

from app.manifest import Manifest
from app.services.budget import Lease
from app.services.checksums import running_hash
from storage.offload import Offload
from storage.store import ChunkStore


class DigestService:
    """Reads contents chunk by chunk: one is in memory, and after each somebody else may come first."""

    def __init__(self, store: ChunkStore, offload: Offload) -> None:
        """Take the parts it works with; `offload` has the threads that hash."""
        self._store = store
        self._offload = offload

    async def digest(self, manifest: Manifest, algorithm: str, lease: Lease, check: Callable[[], None]) -> str:
        """Return the sum of a content, in small hexadecimal.

        Args:
            algorithm: SHA1, MD5, SHA256 or ADLER32.
            lease: holds the chunk that is in memory; its turn is let go of between two chunks.
            check: asked before each chunk; raises if nobody waits for the sum any more.

        Raises:
            InvalidRequestError: it is another algorithm.
        """
        running = running_hash(algorithm)
        for chunk in manifest:
            lease.rests()  # a long file holds up none of its reader's other calls
            await lease.hold(chunk.size)
            check()
            await self._offload.run(partial(running.update, await self._store.read(chunk.id)))
        lease.keep(0)
        return running.hexdigest()
