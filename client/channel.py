"""The way to one server: its address, this device's token, and patience when it does not answer."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from client.errors import (
    ApiError,
    ClientError,
    RefusedError,
    StoppedError,
    UnreachableError,
    UntrustedError,
    UsageError,
    error_of,
)
from client.protocol import Problem
from client.transport import (
    ANSWER_TIMEOUT_S,
    MAX_ANSWER,
    Answer,
    Body,
    ConnectionLostError,
    Origin,
    Request,
    Transport,
    origin_of,
)

T = TypeVar("T")

FIRST_PATIENCE_S = 3.0  # a server that has never answered is probably not there
PATIENCE_S = 120.0  # one that has is restarting, or the network is away for a moment
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 15.0
AVOIDED_S = 600.0  # for so long no way past the server is tried after one that led nowhere
POLL_MARGIN_S = 30.0  # that the answer to a long poll may be late
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

    def __init__(
        self, server: str, token: str | None = None, *, patience_s: float | None = None, authority: str = ""
    ) -> None:
        """Talk to the server at the URL `server`, which may hold a sub-path; raise UsageError if it is none.

        Args:
            token: of this device.
            authority: alone may vouch for the server, as PEM; empty leaves that to those whom this machine trusts.
            patience_s: how long a call is tried again. None is for a command that a person waits for: not long if the
                server has never answered, and long if it has.
        """
        self.server = server.rstrip("/")
        parts = urlsplit(self.server)
        self._origin = origin_of(parts)
        if parts.query or parts.fragment or parts.username is not None:
            raise UsageError(f"{server!r} holds more than the address of a server.")
        self._authorization: Mapping[str, str] = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._transport = Transport(self._origin, authority)
        self.first: Callable[[], None] = _nothing
        """Is called before each call with the token."""

        self._answered = False
        self._patience_s = patience_s
        self._aborted = False
        self._polls = 0  # grows each time that long polls are ended
        self._stopping = threading.Event()
        self._avoided_until_s = 0.0

    def close(self) -> None:
        """Close the connections that are kept."""
        self._transport.close()

    def stop(self) -> None:
        """Let every call that waits, or is made from now on, end with StoppedError; long polls end at once."""
        self._stopping.set()
        self.end_polls()

    def end_polls(self) -> None:
        """Let the long polls that are under way end with StoppedError, and nothing else."""
        self._polls += 1
        self._transport.cut()

    def abort(self) -> None:
        """Stop, and break off what is under way: whether that came to pass is then open."""
        self._aborted = True
        self.stop()

    def call(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        body: msgspec.Struct | None = None,
        about: str = "",
        again: bool = True,
        once: bool = False,
        poll_s: float | None = None,
        is_first: bool = False,
    ) -> T:
        """Make a call whose answer is a JSON document of the given kind; see `send`."""
        answer = self.send(
            *(method, path), body=body, about=about, again=again, once=once, poll_s=poll_s, is_first=is_first
        )
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
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
        once: bool = False,
        poll_s: float | None = None,
        most: int = MAX_ANSWER,
        is_first: bool = False,
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
            once: never let it go out twice; if the answer is lost, UnreachableError leaves open what came to pass.
            poll_s: the server may hold its answer for so long, and `end_polls` ends the call.
            most: bytes of the answer; ClientError if there are more.
            is_first: it is what comes before all others.
        """
        if not is_first:
            self._come_first()
        all_headers = {**self._authorization, **(headers or {})}
        content: bytes | None = None
        if body is not None:
            content = _ENCODER.encode(body)
            all_headers["Content-Type"] = "application/json"
        timeout_s = ANSWER_TIMEOUT_S if poll_s is None else poll_s + POLL_MARGIN_S
        request = Request(
            *(method, self.server + path, all_headers, content, into, once, timeout_s),
            *(self._cancelled(is_poll=poll_s is not None), most),
        )
        return self._exchange(request, about, again=again)

    def _come_first(self) -> None:
        try:
            self.first()
        except UnreachableError as error:
            error.sent = False  # of what was to come after it nothing went out
            raise

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
        elif self._origin.scheme == "https" and _origin_of_signed(url).scheme != "https":
            raise RefusedError("The server points to an address without encryption: nothing was sent there.")
        _origin_of_signed(url)
        request = Request(method, url, headers or {}, body, into, cancelled=self._cancelled(is_poll=False))
        return self._exchange(request, "", again=True)

    def try_direct(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: Body | None = None,
        into: memoryview | None = None,
    ) -> bool:
        """Use a way past the server, once; return whether it went well. If not, the server's own way is to be taken.

        Nothing of this device goes there but the body. A host that does not answer is left alone for a while, so that
        not every chunk waits for it.
        """
        if time.monotonic() < self._avoided_until_s:
            return False
        try:
            origin = _origin_of_signed(url)
        except RefusedError:
            return False
        if self._origin.scheme == "https" and origin.scheme != "https":
            return False
        request = Request(method, url, headers, body, into, cancelled=self._cancelled(is_poll=False))
        try:
            answer = self._transport.exchange(request)
        except ConnectionLostError:
            if self._stopping.is_set():
                raise StoppedError("Stopped.") from None
            self.avoid_direct()
            return False
        except UntrustedError:
            self.avoid_direct()
            return False
        return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES and (
            into is None or answer.size == len(into)
        )

    def avoid_direct(self) -> None:
        """Take no way past the server for a while: what went there does not reach it."""
        self._avoided_until_s = time.monotonic() + AVOIDED_S

    def _cancelled(self, *, is_poll: bool) -> Callable[[], bool]:
        """Return what tells whether a request that begins now is to be broken off."""
        began = self._polls

        def cancelled() -> bool:
            return self._aborted or (is_poll and self._polls != began)

        return cancelled

    def _exchange(self, request: Request, about: str, *, again: bool) -> Answer:
        """Send until there is an answer that stands, or patience ends."""
        patience = _Patience(self._stopping)
        while not self._stopping.is_set():
            try:
                answer = self._transport.exchange(request)
            except ConnectionLostError as error:
                if request.cancelled():
                    break
                # What was not sent may go out later; what may have been is sent again only if that is harmless.
                if not (request.once and error.sent) and patience.pause(self._limit_s()):
                    continue
                lost = UnreachableError(
                    f"No answer from {self.server} ({error}): is the server running, and is the address right?"
                )
                lost.sent = error.sent
                raise lost from error
            if answer.status not in _TRY_AGAIN:
                self._answered = True
                if answer.status < HTTPStatus.MULTIPLE_CHOICES:
                    return answer
            elif again and not request.once and patience.pause(self._limit_s(), _retry_after_s(answer)):
                continue
            raise self._refusal(answer, about)
        raise StoppedError("Stopped.")

    def _limit_s(self) -> float:
        """Return for how long a call is tried again."""
        if self._patience_s is not None:
            return self._patience_s
        return PATIENCE_S if self._answered else FIRST_PATIENCE_S

    def _refusal(self, answer: Answer, about: str) -> ClientError:
        if answer.status < HTTPStatus.BAD_REQUEST:
            where = answer.headers.get("Location", "elsewhere")
            return RefusedError(f"{self.server} sends callers on to {where}: log in there, if you trust that address.")
        try:
            problem = msgspec.json.decode(answer.body, type=Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            problem = Problem(title=f"{self.server} answered {answer.status} and gave no reason.")
        error = error_of(msgspec.structs.replace(problem, status=answer.status), about=about)
        if answer.status in _TRY_AGAIN and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            busy = UnreachableError(str(error))
            busy.retry_after_s = _retry_after_s(answer)
            return busy
        if isinstance(error, ApiError):
            error.retry_after_s = _retry_after_s(answer)
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


def _nothing() -> None:
    pass


def _origin_of_signed(url: str) -> Origin:
    """Return where a URL of the server leads; raise RefusedError if it is none."""
    origin: Origin | None
    try:
        origin = origin_of(urlsplit(url))
        origin.host.encode("idna")  # raises where a name is too long, or has an empty part
    except (ValueError, UsageError):
        origin = None
    if origin is None or not url.isascii() or not url.isprintable() or " " in url:
        raise RefusedError("The server points to what is no address: nothing was sent there.")
    return origin


def _retry_after_s(answer: Answer) -> float:
    """Return the pause that the server asks for; the form with a date is not one that it sends."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0
