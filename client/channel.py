"""The way to one server: its address, this device's token, and patience when it does not answer."""

import random
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from client.errors import ClientError, RefusedError, StoppedError, UnreachableError, UsageError, error_of
from client.protocol import Problem
from client.transport import Answer, Body, ConnectionLostError, Request, Transport, origin_of

T = TypeVar("T")

FIRST_PATIENCE_S = 3.0  # a server that has never answered is probably not there
PATIENCE_S = 120.0  # one that has is restarting, or the network is away for a moment
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 15.0
_TRY_AGAIN = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_ENCODER = msgspec.json.Encoder()


class Channel:
    """Sends requests to a server and turns answers into values or errors. For use from many threads."""

    def __init__(self, server: str, token: str | None = None) -> None:
        """Talk to the server at the URL `server`, which may hold a sub-path; raise UsageError if it is none."""
        self.server = server.rstrip("/")
        parts = urlsplit(self.server)
        self._origin = origin_of(parts)
        if parts.query or parts.fragment or parts.username is not None:
            raise UsageError(f"{server!r} holds more than the address of a server.")
        self._authorization: Mapping[str, str] = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._transport = Transport()
        self._answered = False
        self._stopping = threading.Event()

    def close(self) -> None:
        """Close the connections that are kept."""
        self._transport.close()

    def stop(self) -> None:
        """Let every call that waits, or is made from now on, end with StoppedError."""
        self._stopping.set()

    def call(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        body: msgspec.Struct | None = None,
        about: str = "",
        again: bool = True,
    ) -> T:
        """Make a call whose answer is a JSON document of the given kind; see `send`."""
        answer = self.send(method, path, body=body, about=about, again=again)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as error:
            raise ClientError(f"{self.server} does not answer like a Cairn server: {error}.") from error

    def send(
        self,
        method: str,
        path: str,
        *,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
        into: memoryview | None = None,
        about: str = "",
        again: bool = True,
    ) -> Answer:
        """Make a call with this device's token.

        Args:
            method: the HTTP method.
            path: path and query below the server's address.
            body: sent as JSON.
            headers: more headers.
            into: receives the body of a 200.
            about: what an error's sentence should begin with, usually a path.
            again: try again when the server is busy or asks for fewer requests.
        """
        all_headers = {**self._authorization, **(headers or {})}
        content: bytes | None = None
        if body is not None:
            content = _ENCODER.encode(body)
            all_headers["Content-Type"] = "application/json"
        return self._exchange(Request(method, self.server + path, all_headers, content, into), about, again=again)

    def use(
        self,
        method: str,
        url: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        into: memoryview | None = None,
    ) -> Answer:
        """Use a signed URL. It carries its own permission and may lead anywhere, so the token stays here."""
        if url.startswith("/") and not url.startswith("//"):
            url = self.server + url
        elif self._origin.scheme == "https" and urlsplit(url).scheme != "https":
            raise RefusedError("The server points to an address without encryption: nothing was sent there.")
        return self._exchange(Request(method, url, headers or {}, body, into), "", again=True)

    def _exchange(self, request: Request, about: str, *, again: bool) -> Answer:
        """Send until there is an answer that stands, or patience ends."""
        patience = _Patience(self._stopping)
        while not self._stopping.is_set():
            limit_s = PATIENCE_S if self._answered else FIRST_PATIENCE_S
            try:
                answer = self._transport.exchange(request)
            except ConnectionLostError as error:
                if not patience.pause(limit_s):
                    raise UnreachableError(
                        f"No answer from {self.server} ({error}): is the server running, and is the address right?"
                    ) from error
                continue
            if answer.status not in _TRY_AGAIN:
                self._answered = True
                if answer.status < HTTPStatus.MULTIPLE_CHOICES:
                    return answer
            elif again and patience.pause(limit_s, _retry_after_s(answer)):
                continue
            raise self._refusal(answer, about)
        raise StoppedError("Stopped.")

    def _refusal(self, answer: Answer, about: str) -> ClientError:
        if answer.status < HTTPStatus.BAD_REQUEST:
            where = answer.headers.get("Location", "elsewhere")
            return RefusedError(f"{self.server} sends callers on to {where}: log in there, if you trust that address.")
        try:
            problem = msgspec.json.decode(answer.body, type=Problem)
        except msgspec.DecodeError:
            problem = Problem(title=f"{self.server} answered {answer.status} and gave no reason.")
        error = error_of(msgspec.structs.replace(problem, status=answer.status), about=about)
        if answer.status in _TRY_AGAIN and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            return UnreachableError(str(error))
        return error


class _Patience:
    """Pauses between tries: doubling, with jitter so that many devices do not come back at one instant."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._began_s: float | None = None
        self._next_s = FIRST_PAUSE_S

    def pause(self, limit_s: float, at_least_s: float = 0.0) -> bool:
        """Wait before the next try; return False if that would end `limit_s` after the first failure."""
        now_s = time.monotonic()
        if self._began_s is None:
            self._began_s = now_s
        pause_s = max(self._next_s * random.uniform(0.5, 1.0), at_least_s)  # noqa: S311 -- jitter, no secret
        if now_s + pause_s > self._began_s + limit_s:
            return False
        self._next_s = min(self._next_s * 2, LONGEST_PAUSE_S)
        if self._stopping.wait(pause_s):
            raise StoppedError("Stopped.")
        return True


def _retry_after_s(answer: Answer) -> float:
    """Return the pause that the server asks for; the form with a date is not one that it sends."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0
