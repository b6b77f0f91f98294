"""What can go wrong on a device, and the exit code each kind ends a command with.

    ClientError                1  failed
    ├── UsageError             2  wrong use
    ├── NotLoggedInError       3  no login here, or the token is no longer good
    ├── RefusedError           3  the server says no
    ├── ConflictError          4  the other side has something that must not be replaced
    ├── UnreachableError       5  no server answers
    │   └── UntrustedError     5  nobody vouches for the one that does
    ├── StoppedError           1  the person stopped the command
    ├── LocalFileError         1  a file here cannot be read or written
    │   └── FileChangedError   1  it changed while it was read
    └── ApiError               1  any other answer of the server
        └── UrlExpiredError    1  a signed URL is no longer good: ask for a fresh one

Every message is one sentence for a person that says what to do, where something can be done.
"""

from http import HTTPStatus
from typing import ClassVar

from client.protocol import File, Problem


class ClientError(Exception):
    """Base of all; `exit_code` is what the command ends with."""

    exit_code: ClassVar[int] = 1
    code: str = "failed"


class UsageError(ClientError):
    """The command line asks for something that makes no sense."""

    exit_code = 2
    code = "usage"


class NotLoggedInError(ClientError):
    """The device has no login, or the server no longer takes it."""

    exit_code = 3
    code = "unauthenticated"


class RefusedError(ClientError):
    """The server refuses this to this account."""

    exit_code = 3
    code = "forbidden"


class ConflictError(ClientError):
    """Something else is already there, or is newer than what was seen: `current`, where the server showed it."""

    exit_code = 4
    code = "conflict"
    current: File | None = None


class UnreachableError(ClientError):
    """No server answers at the address, or not in time.

    `sent` is false where it is sure that nothing of the request went out; `retry_after_s` is the pause that a busy
    server asked for.
    """

    exit_code = 5
    code = "unreachable"
    sent: bool = True
    retry_after_s: float = 0.0


class UntrustedError(UnreachableError):
    """The server's certificate is not trusted, so nothing was sent to it."""

    sent = False


class StoppedError(ClientError):
    """The command was stopped; running it again goes on where it was."""

    code = "stopped"


class LocalFileError(ClientError):
    """A file or folder on this device cannot be read or written."""

    code = "local"


class FileChangedError(LocalFileError):
    """A file changed while it was read, so its bytes belong to no single state of it."""

    code = "changed"


class ApiError(ClientError):
    """An answer that is not the one hoped for; `code` is the wire's stable code.

    `retry_after_s` is the pause that the server asked for, if it did.
    """

    retry_after_s: float = 0.0

    def __init__(self, message: str, problem: Problem) -> None:
        """Keep the problem, whose fields some callers need (`missing`, `current`)."""
        super().__init__(message)
        self.code = problem.code
        self.problem = problem


class UrlExpiredError(ApiError):
    """A signed URL is no longer good."""


def error_of(problem: Problem, *, about: str = "") -> ClientError:
    """Return the error that stands for a problem document.

    Args:
        problem: the answer, with `status` filled in.
        about: what the request was about (a path), put before the sentence.
    """
    sentence = problem.detail or problem.title or f"The server answered {problem.status}."
    message = f"{about}: {sentence}" if about else sentence
    kind: type[ClientError]
    if problem.code in {"url_expired", "bad_signature"}:  # the latter where the server's keys were changed at once
        return UrlExpiredError(message, problem)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        kind = NotLoggedInError
    elif problem.status == HTTPStatus.FORBIDDEN:
        kind = RefusedError
    elif problem.status in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
        conflict = ConflictError(message)
        conflict.code, conflict.current = problem.code, problem.current
        return conflict
    else:
        return ApiError(message, problem)
    error = kind(message)
    error.code = problem.code
    return error
