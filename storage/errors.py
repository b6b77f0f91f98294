"""Everything that the object store refuses or cannot do.

StorageError
├── ChunkMismatchError        the bytes are not what was announced
├── UnsupportedEncodingError  a Content-Encoding that chunks do not have
├── ChunkAbsentError          the index has no such chunk
├── ChunkDamagedError         the chunk is known and its bytes are not right
├── StoreFullError            no room
├── StoreUnavailableError     the medium failed or is closing; trying again may help
├── StoreFailedError          the disk under a database failed; the process must end
├── BadStoreError             what lies in the folder cannot be opened by this program
├── KeyFileError              a key file is missing or wrong
├── BadSignatureError         a signed URL that this server did not sign
└── UrlExpiredError           a signed URL before or after its time
"""

import errno
from typing import ClassVar

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""How the disk says that it is full, or that a quota on it is."""


class StorageError(Exception):
    """Base of all errors of this package.

    Attributes:
        code: stable word for programs; those that reach a client are codes of the API.
        retry: whether the same call may succeed later without a person's help.
    """

    code: ClassVar[str] = "internal"
    retry: ClassVar[bool] = False


class ChunkMismatchError(StorageError):
    """Length, hash or encoding of received bytes is not what was announced; nothing of that chunk is kept.

    Attributes:
        stored: for several chunks at once, how many were kept before the bad one.
        frame: for several chunks at once, the number of the bad one, from 0.
    """

    code = "chunk_mismatch"

    def __init__(self, message: str, *, stored: int = 0, frame: int = 0) -> None:
        super().__init__(message)
        self.stored = stored
        self.frame = frame


class UnsupportedEncodingError(StorageError):
    """The Content-Encoding is none that a chunk may arrive in."""

    code = "unsupported_media_type"


class ChunkAbsentError(StorageError):
    """The index has no such chunk, or one that is about to be removed."""

    code = "not_found"


class ChunkDamagedError(StorageError):
    """The chunk is indexed, but its bytes are missing or do not hash to its id."""


class StoreFullError(StorageError):
    """The disk has no room; nothing of the refused call is kept."""

    code = "storage_full"
    retry = True


class StoreUnavailableError(StorageError):
    """The medium failed or the store is closing; what was being received counts as not received."""

    code = "unavailable"
    retry = True


class StoreFailedError(StorageError):
    """The disk under a database failed: nothing more may be acknowledged and the process must end."""

    code = "unavailable"


class BadStoreError(StorageError):
    """The folder holds something that this program cannot open, such as the store of a newer one."""


class KeyFileError(StorageError):
    """A key file is missing, short, all zero, unreadable or readable by others: nothing may be signed."""


class BadSignatureError(StorageError):
    """The query of a URL is not what this server signed for this operation and subject."""

    code = "bad_signature"


class UrlExpiredError(StorageError):
    """The signature is right, but its time is over or has not come."""

    code = "url_expired"
