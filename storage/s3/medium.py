"""The S3 medium: what is received waits in files of this machine, and a barrier puts it into the bucket.

Durable means that the server has answered a put with a final 200 and has the whole object. The bucket is not believed:
what comes out of it is hashed before anybody gets it.
"""

import errno
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

from storage import codec
from storage.base import MAX_CHUNK, Backend, Blob, Buffer, Form, hash_of
from storage.disk import Disk
from storage.errors import ChunkMismatchError, StoreFullError, StoreUnavailableError
from storage.medium import PlacedFile, StagedFile
from storage.s3.bucket import Bucket
from storage.s3.claim import Claim
from storage.s3.client import CONNECTIONS, Client, SdkClient
from storage.s3.direct import Direct
from storage.s3.keys import OBJECTS, blob_of, folder_of, key_of
from storage.s3.patience import Limited, Retrying
from storage.s3.reach import Reach
from storage.staging import Staging, make_folders

T = TypeVar("T")
U = TypeVar("U")

AT_ONCE = 8
"""Objects that a barrier puts at once; each may have 8 MiB in memory."""
DELETED_AT_ONCE = 1000


class S3Medium(Staging):
    """A medium that is a bucket."""

    backend = Backend.S3
    gathers = True

    def __init__(
        self,
        root: Path,
        disk: Disk,
        client: Client,
        claim: Claim,
        settle: Callable[[], None] = lambda: None,
        *,
        bucket: Bucket | None = None,
    ) -> None:
        """Use an installed folder and a client; `reach` says whether the bucket is ours and answers.

        Args:
            root: the folder, which holds `staging`.
            disk: the seam to the operating system.
            client: of the bucket.
            claim: of this store to it.
            settle: makes durable what the server has answered, where that alone does not; OSError as of a sync.
            bucket: which one it is, so that clients can be let at it.
        """
        super().__init__(root, disk, can_syncfs=disk.can_syncfs(root))  # as files do: they may become some yet
        self._client = Retrying(client)
        self._claim = claim
        self._settle = settle
        self._settling = threading.Lock()
        self._failures = 0
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bucket")
        self.reach = Reach(self._probe)
        self._bare = client
        self._direct = None if bucket is None else Direct(bucket, self._client, self._watched)
        self.bypass = self._direct

    @classmethod
    def open(
        cls,
        root: Path,
        disk: Disk,
        *,
        bucket: Bucket,
        settle: Callable[[], None] = lambda: None,
        is_beside: bool = False,
    ) -> Self:
        """Return the medium of a bucket, reached or not; uploads are refused until it is.

        Args:
            root: as for the class.
            disk: as for the class.
            bucket: which one, and how one gets in.
            settle: as for the class.
            is_beside: the store has, or had, chunks in files as well.

        Raises:
            BadStoreError: the bucket is another store's, or does not keep what it is given.
        """
        client = Limited(SdkClient(bucket), CONNECTIONS)
        return cls.over(root, disk, client, settle, is_beside=is_beside, bucket=bucket)

    @classmethod
    def over(
        cls,
        root: Path,
        disk: Disk,
        client: Client,
        settle: Callable[[], None] = lambda: None,
        *,
        is_beside: bool = False,
        bucket: Bucket | None = None,
    ) -> Self:
        """Return the medium over a client; raises as `open` does."""
        make_folders(disk, (root, root / "staging"))
        medium = cls(root, disk, client, Claim(root, disk, is_beside=is_beside), settle, bucket=bucket)
        try:
            medium.reach.check()
        except BaseException:
            medium.close()
            raise
        return medium

    def trusts(self, blob: Blob) -> bool:  # noqa: ARG002 - all objects are alike
        """Believe none."""
        return False

    def require(self) -> None:
        """Refuse while the bucket cannot be reached or is full."""
        self.reach.require(room=True)

    def holds_any(self) -> bool:
        """Tell whether an earlier run has put objects into the bucket."""
        return self._claim.was_made and any(True for _ in self._client.keys(OBJECTS))

    def path_of(self, blob: Blob) -> None:
        """No object is a file of this machine."""

    def stage(self, claim: str, blob: Blob, pieces: Sequence[Buffer], *, hold: bool) -> StagedFile:
        """Write an object into staging, and note what it must be when it is put; raises as that of `Staging` does."""
        digest = blob.hash if blob.form is Form.RAW else hash_of(pieces)
        return replace(super().stage(claim, blob, pieces, hold=hold), digest=digest)

    def reopen(self, file: StagedFile, *, hold: bool) -> StagedFile:
        """Note of a staged file of an earlier run what it must be when it is put."""
        return replace(super().reopen(file, hold=hold), digest=hash_of([self.read_staged(file)]))

    def sync(self, files: Sequence[StagedFile]) -> None:
        """Do nothing: what is durable is in the bucket."""

    def log(self, files: Sequence[StagedFile]) -> None:
        """Note nothing: files stay in staging until they are in the index, so a start puts them again."""

    def logged(self) -> list[StagedFile]:
        """Return nothing, for nothing is noted."""
        return []

    def place(self, files: Sequence[StagedFile]) -> None:
        """Put staged files into the bucket, some at once.

        Raises:
            StoreUnavailableError, StoreFullError: not all are there; the files are where they were.
            OSError: what is staged is not what was received, or whether the server has kept it is unknown.
        """
        with self._settled():
            self._each(self._place, files)

    def put(self, blob: Blob, content: bytes) -> None:
        """Put one object, durably."""
        with self._settled():
            self._put(blob, content)

    def release(self, files: Sequence[StagedFile]) -> None:
        """Remove from staging what is in the bucket and in the index, and what of it clients had put there."""
        self.discard(files)
        if self._direct is not None:
            self._direct.release([file.arrived for file in files if file.arrived is not None])

    def take_back(self, files: Sequence[StagedFile]) -> None:
        """Remove from staging what cannot be indexed; what is in the bucket of it is left to the collector."""
        self.discard(files)

    def lost(self, sizes: Mapping[Blob, int]) -> set[Blob]:
        """Return those of some objects that are not there with their lengths."""
        blobs = list(sizes)
        found = self._each(self._size, blobs)
        if None in found:
            self._look_again()
        return {blob for blob, size in zip(blobs, found, strict=True) if size != sizes[blob]}

    def read(self, blob: Blob, start: int = 0, size: int | None = None) -> bytes:
        """Return an object or a part of it."""
        with self._watched():
            try:
                return self._client.get(key_of(blob), start, size)
            except FileNotFoundError:
                self._look_again()
                raise

    def size(self, blob: Blob) -> int:
        """Return the length of an object in bytes."""
        with self._watched():
            return self._client.size(key_of(blob))

    def remove(self, blobs: Collection[Blob], *, aside: Collection[Blob] = ()) -> None:  # noqa: ARG002 - none is set aside here
        """Remove objects."""
        keys = [key_of(blob) for blob in blobs]
        for at in range(0, len(keys), DELETED_AT_ONCE):
            with self._watched():
                self._client.delete(keys[at : at + DELETED_AT_ONCE])

    def objects(self, first: int) -> list[PlacedFile]:
        """Return what lies among the objects whose hashes begin with the byte `first`."""
        with self._watched():
            return [
                PlacedFile(key.rpartition("/")[2], key, blob_of(key)) for key in self._client.keys(folder_of(first))
            ]

    def lengths(self, digit: int) -> dict[Blob, int]:
        """Return the objects whose hashes begin with the hexadecimal `digit`, with their lengths, by one listing."""
        with self._watched():
            found = [(blob_of(key), size) for key, size in self._client.lengths(f"{OBJECTS}{digit:x}")]
        return {blob: size for blob, size in found if blob is not None}

    def unplace(self, file: StagedFile) -> StagedFile:
        """Return the file: it is never moved out of staging before it is in the index."""
        return file

    def set_aside(self, blob: Blob) -> None:
        """Leave an object with wrong bytes: a put replaces it."""

    def close(self) -> None:
        """End the threads."""
        self.reach.close()
        self._pool.shutdown(wait=True)

    def _probe(self) -> None:
        """See whether the bucket is ours and answers, and what its server holds clients to."""
        self._claim.check(self._bare)
        if self._direct is not None:
            self._direct.prove()

    def _place(self, file: StagedFile) -> None:
        """Put a staged file. It was never synced, so the disk may have lost it and told nobody: it is hashed again."""
        if (arrived := file.arrived) is not None:
            with self._watched():
                self._client.copy(arrived.key, key_of(file.blob), arrived.size)
            self.reach.has_room()
            return
        content = self.read_staged(file)
        if not _is_as_received(file, content):
            raise OSError(errno.EIO, "what was staged is not there as it was received")
        self._put(file.blob, content)

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Settle at the end of a block. One that fails speaks of all blocks under way, for the kernel says it once."""
        failures = self._failures
        yield
        with self._settling:
            try:
                self._settle()
            except OSError:
                self._failures += 1
                raise
            if self._failures != failures:
                raise OSError(errno.EIO, "a sync beside this one has failed")

    def _put(self, blob: Blob, content: bytes) -> None:
        with self._watched():
            self._client.put(key_of(blob), content)
        self.reach.has_room()

    def _size(self, blob: Blob) -> int | None:
        try:
            return self.size(blob)
        except FileNotFoundError:
            return None

    def _look_again(self) -> None:
        """See whether the bucket is still this store's, since something that should be in it is not.

        Raises:
            StoreUnavailableError: it is not, or does not answer: then nothing can be said of what is in it.
        """
        self.reach.check_again()
        self.reach.require()

    def _each(self, work: Callable[[T], U], items: Sequence[T]) -> list[U]:
        """Do something for each of some, a few at once; all have ended when the first failure is raised."""
        futures = [self._pool.submit(work, item) for item in items]
        errors = [error for error in (future.exception() for future in futures) if error is not None]
        if errors:
            raise errors[0]
        return [future.result() for future in futures]

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Make no call while none goes through, and note a failure."""
        self.reach.require()
        try:
            yield
        except (StoreUnavailableError, StoreFullError) as error:
            self.reach.failed(error)
            raise


def _is_as_received(file: StagedFile, content: bytes) -> bool:
    """Tell whether a staged file holds what was received.

    One that was staged for files, just before the store began to move, bears the hash of its chunk: none is sealed.
    """
    if file.digest is not None:
        return hash_of([content]) == file.digest
    try:
        plain = codec.unzstd(content, MAX_CHUNK) if file.blob.form is Form.ZSTD else content
    except ChunkMismatchError:
        return False
    return hash_of([plain]) == file.blob.hash
