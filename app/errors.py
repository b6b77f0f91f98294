"""What the server refuses, without a word of HTTP; `app.problems` gives each a status.

AppError
├── InvalidRequestError          invalid_request
│   ├── ChunkListError           invalid_request (the chunk list does not add up)
│   └── MalformedError           invalid_request (its framing may be read in two ways: the connection ends)
├── UnauthenticatedError         unauthenticated
│   └── TotpRequiredError        totp_required (the password is right, the second factor is not)
├── ForbiddenError               forbidden
├── ReauthRequiredError          reauth_required
├── NotFoundError                not_found
├── ConflictError                conflict (stale base, seq or etag; a move into itself)
│   ├── NameTakenError           name_taken
│   └── LockTokenError           conflict (the lock token is not of a lock that binds this)
├── LimitReachedError            limit_reached
├── CursorResetError             cursor_reset
├── PreconditionFailedError      precondition_failed
├── TooLargeError                too_large
├── HeadersTooLargeError         headers_too_large
├── UnsupportedMediaTypeError    unsupported_media_type
├── RangeNotSatisfiableError     range_not_satisfiable
├── MisdirectedError             misdirected
├── MissingChunksError           missing_chunks
├── LockedError                  locked
│   └── LockConflictError        locked (a new lock meets another)
├── RateLimitedError             rate_limited
├── RequestTimeoutError          timeout
├── UnavailableError             unavailable
├── QuotaExceededError           quota_exceeded
└── NoRoomError                  storage_full
"""

from typing import ClassVar


class AppError(Exception):
    """A refusal. `code` is for programs and never changes; the message is one sentence for a person."""

    code: ClassVar[str]


class InvalidRequestError(AppError):
    """The request cannot mean anything: a wrong type, value, name or path.

    Attributes:
        reason: what is wrong, where a page has words of its own for it; else empty.
    """

    code = "invalid_request"

    def __init__(self, message: str, reason: str = "") -> None:
        """Remember what is wrong."""
        super().__init__(message)
        self.reason = reason


class ChunkListError(InvalidRequestError):
    """The chunk list contradicts itself or the size."""


class MalformedError(InvalidRequestError):
    """The request is no well-formed HTTP, or two programs could read it in two ways."""


class UnauthenticatedError(AppError):
    """There is no valid proof of who asks."""

    code = "unauthenticated"


class TotpRequiredError(UnauthenticatedError):
    """The password is right; the code of the second factor is missing, wrong or used."""

    code = "totp_required"


class InstallUnknownError(UnauthenticatedError):
    """The token is right, and another installation shows it: one is a copy of the other."""

    code = "install_unknown"


class ForbiddenError(AppError):
    """Who asks is known and may not."""

    code = "forbidden"


class ReauthRequiredError(AppError):
    """The proof of identity is too old for this call."""

    code = "reauth_required"


class NotFoundError(AppError):
    """It does not exist, or the caller may not know that it does."""

    code = "not_found"


class ConflictError(AppError):
    """What the caller saw is no longer so.

    Attributes:
        current: id of the node as it is now, shown to the caller as `current`; None where there is none.
    """

    code = "conflict"

    def __init__(self, message: str, current: int | None = None) -> None:
        """Remember which node stands in the way."""
        super().__init__(message)
        self.current = current


class NameTakenError(ConflictError):
    """Another live node has this name in this folder."""

    code = "name_taken"


class LockTokenError(ConflictError):
    """The caller has no lock of this token that binds this resource."""


class LimitReachedError(AppError):
    """A fixed limit of this server is reached."""

    code = "limit_reached"


class CursorResetError(AppError):
    """The journal is not, or no longer, the one that a cursor was given for."""

    code = "cursor_reset"


class PreconditionFailedError(AppError):
    """An `If-Match` or `If-None-Match` header does not hold."""

    code = "precondition_failed"


class TooLargeError(AppError):
    """A body or a list is longer than allowed."""

    code = "too_large"


class HeadersTooLargeError(AppError):
    """A header, all headers, or their number are over the limit."""

    code = "headers_too_large"


class UnsupportedMediaTypeError(AppError):
    """The body's type or encoding is not taken here."""

    code = "unsupported_media_type"


class RangeNotSatisfiableError(AppError):
    """No byte of the asked range exists.

    Attributes:
        size: size of the content, in bytes.
    """

    code = "range_not_satisfiable"

    def __init__(self, message: str, size: int) -> None:
        """Remember the size, which the answer must name."""
        super().__init__(message)
        self.size = size


class MisdirectedError(AppError):
    """The request names a host that is not this server (DNS rebinding)."""

    code = "misdirected"


class MissingChunksError(AppError):
    """A commit lacks chunks.

    Attributes:
        upload_id: the upload's id on the wire; it stays open.
    """

    code = "missing_chunks"

    def __init__(self, message: str, upload_id: str) -> None:
        """Remember the upload whose chunks are missing."""
        super().__init__(message)
        self.upload_id = upload_id


class LockedError(AppError):
    """Somebody's lock keeps the caller from this.

    Attributes:
        node_ids: what is locked, the first of them if there are many.
    """

    code = "locked"

    def __init__(self, message: str, node_ids: tuple[int, ...]) -> None:
        """Remember what is locked."""
        super().__init__(message)
        self.node_ids = node_ids


class LockConflictError(LockedError):
    """There is a lock that the wanted one can not stand beside."""


class RateLimitedError(AppError):
    """Too many tries.

    Attributes:
        retry_after_s: seconds until another try makes sense.
    """

    code = "rate_limited"

    def __init__(self, message: str, retry_after_s: int) -> None:
        """Remember when to come back."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RequestTimeoutError(AppError):
    """The request did not arrive in time."""

    code = "timeout"


class UnavailableError(AppError):
    """The server cannot do this at the moment."""

    code = "unavailable"


class QuotaExceededError(AppError):
    """The owner's quota has no room for this."""

    code = "quota_exceeded"


class NoRoomError(AppError):
    """The disk has no room for this."""

    code = "storage_full"
