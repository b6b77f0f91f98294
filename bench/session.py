"""Asks the API over one connection that is kept, as a device does between two transfers."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from bench.cairn import Device

_TIMEOUT_S = 120


class RefusedError(Exception):
    """The server answered something else than success."""


class Session:
    """One connection of a device; answers come decoded."""

    def __init__(self, device: Device) -> None:
        """Connect as `device`."""
        self._token = device.token
        self._connection = http.client.HTTPConnection(urlsplit(device.server.url).netloc, timeout=_TIMEOUT_S)

    def get(self, path: str, /, **query: object) -> Any:
        """Give the answer to a GET of a path of the API."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: object) -> Any:
        """Give the answer to a POST."""
        return self._ask("POST", path, msgspec.json.encode(body))

    def patch(self, path: str, body: object) -> Any:
        """Give the answer to a PATCH."""
        return self._ask("PATCH", path, msgspec.json.encode(body))

    def delete(self, path: str) -> Any:
        """Ask for a deletion; the answer is empty."""
        return self._ask("DELETE", path)

    def put(self, signed_url: str, body: bytes) -> Any:
        """Send bytes to a signed URL, which needs no token."""
        return self._send("PUT", "{0.path}?{0.query}".format(urlsplit(signed_url)), body, {})

    def events(self, cursor: str) -> Iterator[bytes]:
        """Yield the data of each event behind `cursor` as it comes; the connection is of no other use after."""
        headers = {"Authorization": f"Bearer {self._token}"}
        self._connection.request("GET", f"/api/v1/events?{urlencode({'cursor': cursor})}", headers=headers)
        for line in self._connection.getresponse():
            if line.startswith(b"data:"):
                yield line

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._send(
            method, f"/api/v1{path}", body, headers | ({"Content-Type": "application/json"} if body else {})
        )

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise RefusedError(f"{method} {path.partition('?')[0]}: {answer.status} {content.decode()}")
        return msgspec.json.decode(content) if content else None


def head(session: Session) -> str:
    """Give a cursor at the head of the journal without a listing."""
    page = session.get("/sync", lastSyncTimestamp=int(time.time() * 1000))
    while page["has_more"]:
        page = session.get("/sync", cursor=page["cursor"])
    cursor: str = page["cursor"]
    return cursor


@contextmanager
def timing(times_s: list[float]) -> Iterator[None]:
    """Note how long the body of the context took."""
    begun = time.perf_counter()
    yield
    times_s.append(time.perf_counter() - begun)
