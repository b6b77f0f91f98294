"""What an error of the server means for something that is sent: stale, blocked, or not known to have come to pass."""

from http import HTTPStatus

from client.errors import ApiError, ClientError, ConflictError, StoppedError, UnreachableError, error_of
from client.protocol import BatchOutcome, CommitOutcome
from client.protocol import Problem as WireProblem
from client.sync.apply import mishaps
from client.sync.model import Problem
from client.sync.outcome import Blocked, Stale, Unsure

_IN_THE_WAY: dict[str, tuple[str, float, str | None]] = {
    "quota_exceeded": ("quota", 60.0, "uploads"),
    "storage_full": ("server_full", 60.0, "uploads"),
    "locked": ("locked", 30.0, None),
}
"""What passes by itself or by somebody's doing: as which problem it is told, when it is tried again, what waits too."""
_REFUSED_RETRY_S = 300.0
_REFUSED_FOR_GOOD = frozenset({"too_large", "invalid_request", "limit_reached", "unsupported_media_type"})


def refused(error: ClientError, shown: str) -> Stale | Blocked:
    """Return what an error means where nothing has changed at the server, whatever the error."""
    if error.code in _REFUSED_FOR_GOOD:
        return Blocked(Problem(shown, "other", str(error)), _REFUSED_RETRY_S)
    if isinstance(error, ConflictError):
        is_gone = error.code == "conflict" and error.current is None  # it is in the trash, and not as it was seen
        return Stale(str(error), refused=is_gone, current=error.current)
    if isinstance(error, ApiError) and error.code == "not_found":  # gone from the trash as well, or out of view
        return Stale(str(error), refused=True)
    if found := _IN_THE_WAY.get(error.code):
        code, retry_s, all_of = found
        return Blocked(Problem(shown, code, str(error)), retry_s, all_of)
    outcome = mishaps.of_server(error, shown)
    if isinstance(outcome, Blocked) and isinstance(error, (ApiError, UnreachableError)):
        return Blocked(outcome.problem, max(outcome.retry_s, error.retry_after_s), outcome.all_of)
    return outcome


def sent(error: ClientError, shown: str) -> Stale | Blocked | Unsure:
    """Return what an error means for a change that was sent."""
    return Unsure() if is_open(error) else refused(error, shown)


def is_open(error: ClientError) -> bool:
    """Tell whether what was sent may have come to pass in spite of the error."""
    if isinstance(error, UnreachableError):
        return error.sent
    if isinstance(error, ApiError):  # a fault may have come after the change; 507 and what is below 500 are refusals
        status = error.problem.status
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.INSUFFICIENT_STORAGE
    # Broken off here, or answered with what cannot be read.
    return isinstance(error, StoppedError) or type(error) is ClientError


def error_in(outcome: BatchOutcome | CommitOutcome) -> ClientError:
    """Return the refusal of one file in the answer to many."""
    return error_of(WireProblem(outcome.status, outcome.code, outcome.title, outcome.detail, outcome.current))
