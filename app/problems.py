"""Turns a refusal into an answer, once for all doors: RFC 9457 problem details."""

import asyncio
import logging
from http import HTTPStatus

import msgspec
from aiohttp import web

from app import errors
from storage import errors as storage_errors

logger = logging.getLogger(__name__)

STATUS: dict[type[Exception], HTTPStatus] = {
    errors.InvalidRequestError: HTTPStatus.BAD_REQUEST,
    errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.ReauthRequiredError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.LimitReachedError: HTTPStatus.CONFLICT,
    errors.CursorResetError: HTTPStatus.GONE,
    errors.PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    errors.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.HeadersTooLargeError: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.RangeNotSatisfiableError: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    errors.MisdirectedError: HTTPStatus.MISDIRECTED_REQUEST,
    errors.MissingChunksError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.LockedError: HTTPStatus.LOCKED,
    errors.RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.RequestTimeoutError: HTTPStatus.REQUEST_TIMEOUT,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QuotaExceededError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.NoRoomError: HTTPStatus.INSUFFICIENT_STORAGE,
    storage_errors.ChunkMismatchError: HTTPStatus.BAD_REQUEST,
    storage_errors.UnsupportedEncodingError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    storage_errors.ChunkAbsentError: HTTPStatus.NOT_FOUND,
    storage_errors.ChunkDamagedError: HTTPStatus.INTERNAL_SERVER_ERROR,
    storage_errors.StoreFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    storage_errors.StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    storage_errors.StoreFailedError: HTTPStatus.SERVICE_UNAVAILABLE,
    storage_errors.BadStoreError: HTTPStatus.INTERNAL_SERVER_ERROR,
    storage_errors.KeyFileError: HTTPStatus.INTERNAL_SERVER_ERROR,
    storage_errors.BadSignatureError: HTTPStatus.FORBIDDEN,
    storage_errors.UrlExpiredError: HTTPStatus.FORBIDDEN,
}
_TITLES = {
    "chunk_mismatch": "The bytes are not the chunk they claim to be",
    "bad_signature": "The URL's signature does not hold",
    "url_expired": "The URL has expired",
    "internal": "The server failed",
}
_CODE_OF_HTTP = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    431: "headers_too_large",
}
INTERNAL = "internal"
PROBLEM_JSON = "application/problem+json"
RETRY_SOON_S = 1


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Problem details (RFC 9457): `code` is for programs and never changes, `detail` for people.

    `reason` says, of some invalid requests, what is wrong, for who has words of their own for it: `password_short`.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET


def status_of(kind: type[Exception]) -> HTTPStatus | None:
    """Return the status of the nearest class of `kind` that has one."""
    return next((STATUS[base] for base in kind.__mro__ if base in STATUS), None)


def code_of(kind: type[Exception]) -> str:
    """Return the code of a kind of error that has a status."""
    return str(getattr(kind, "code", INTERNAL))


def problem_of(error: Exception) -> Problem:
    """Return the problem details of `error`, without the members that only some kinds have."""
    if isinstance(error, web.HTTPException):
        status, code, detail = error.status, _CODE_OF_HTTP.get(error.status, "invalid_request"), error.reason
    elif (found := status_of(type(error))) is not None:
        status, code, detail = int(found), code_of(type(error)), str(error)
    elif isinstance(error, ConnectionError):  # nobody reads this answer; the log does
        status, code, detail = 400, errors.InvalidRequestError.code, "The connection broke off."
    elif isinstance(error, (msgspec.ValidationError, msgspec.DecodeError)):
        status, code, detail = 400, errors.InvalidRequestError.code, f"The body is not what this call takes: {error}."
    else:
        status, code, detail = 500, INTERNAL, "The server met a fault; its log names this request's id."
    title = _TITLES.get(code, HTTPStatus(status).phrase)
    reason = error.reason if isinstance(error, errors.InvalidRequestError) else ""
    return Problem(
        type=f"/problems/{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        reason=reason or msgspec.UNSET,
    )


def problem_response(problem: Problem, error: Exception) -> web.Response:
    """Render problem details, with the headers that the kind of error asks for."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, errors.RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_s)
    elif problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SOON_S)
    elif isinstance(error, errors.RangeNotSatisfiableError):
        headers["Content-Range"] = f"bytes */{error.size}"
    elif isinstance(error, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    return web.Response(
        body=msgspec.json.encode(problem),
        status=problem.status,
        content_type=PROBLEM_JSON,
        headers=headers,
    )


def is_expected(error: Exception) -> bool:
    """Tell whether `error` is a refusal of ours, and not a fault to be logged with its trace."""
    known = (web.HTTPException, msgspec.ValidationError, msgspec.DecodeError, asyncio.CancelledError, ConnectionError)
    return isinstance(error, known) or status_of(type(error)) is not None
