"""Turns refusals into the XML that WebDAV programs read (RFC 4918, 16), with their preconditions."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from app import errors
from app.dav.xml import escape
from app.problems import problem_of, problem_response

XML_TYPE: Final = "application/xml; charset=utf-8"
"""Spelled so, and in no other way: some programs compare it as text."""
CHALLENGE: Final = 'Basic realm="Cairn", charset="UTF-8"'
PRECONDITIONS: Mapping[type[Exception], str] = {errors.QuotaExceededError: "quota-not-exceeded"}
"""Names in `DAV:` of what did not hold, for refusals that every door has."""


class DavError(Exception):
    """A refusal that only WebDAV knows.

    Attributes:
        status: how it is answered.
        precondition: what did not hold, as a name in `DAV:`; "" where the RFCs have no name for it.
        hrefs: which resources it is about, where the RFCs ask for them inside the precondition.
    """

    def __init__(self, status: HTTPStatus, message: str, precondition: str = "", hrefs: tuple[str, ...] = ()) -> None:
        """Take what is answered; the message is one sentence for a person."""
        super().__init__(message)
        self.status = status
        self.precondition = precondition
        self.hrefs = hrefs


def is_dav(request: web.BaseRequest) -> bool:
    """Tell whether a request is one of this door, whatever becomes of it."""
    path = request.raw_path.partition("?")[0]
    return path == "/dav" or path.startswith("/dav/")


def dav_response(error: Exception) -> web.Response:
    """Render a refusal, with the headers that its kind asks for."""
    if isinstance(error, DavError):
        return web.Response(
            body=error_body(error.precondition, str(error), error.hrefs).encode(),
            status=error.status,
            headers={"Content-Type": XML_TYPE, "Cache-Control": "no-store"},
        )
    problem = problem_of(error)
    response = problem_response(problem, error)
    precondition = next((name for kind, name in PRECONDITIONS.items() if isinstance(error, kind)), "")
    response.body = error_body(precondition, problem.detail, code=problem.code).encode()
    response.headers["Content-Type"] = XML_TYPE
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def error_body(precondition: str, message: str, hrefs: tuple[str, ...] = (), code: str = "") -> str:
    """Return the body of a refusal: the precondition for programs, the message for people, as many servers write it."""
    inside = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
    named = f"<d:{precondition}>{inside}</d:{precondition}>" if precondition else ""
    told = f"<s:exception>{escape(code)}</s:exception>" if code else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        f"{named}{told}<s:message>{escape(message)}</s:message></d:error>\n"
    )
