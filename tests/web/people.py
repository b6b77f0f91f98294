"""What people have on the server that a browser looks at, made through the API without a browser."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.server import ADMIN, PASSWORD, RunningServer


@dataclass(frozen=True)
class Answer:
    """An answer of the API, read to its end; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


@dataclass
class Person:
    """Somebody with an account, at a device of their own: makes what a test wants to see in the browser."""

    server: RunningServer
    name: str = ADMIN
    password: str = PASSWORD
    token: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Call the API as a device, signing in at the first call; `body` is bytes, or sent as JSON."""
        if not self.token and path != "/api/v1/login":
            login = {"username": self.name, "password": self.password, "device_name": "test"}
            self.token = self.call("POST", "/api/v1/login", login).json["token"]
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None and not isinstance(body, bytes):
            body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        answer = ask(self.server, method, path, body, sent | dict(headers or {}))
        assert answer.status < http.HTTPStatus.BAD_REQUEST, (method, path, answer.status, answer.body)
        return answer

    def put(self, path: str, content: bytes, *, mtime_ms: int | None = None) -> Any:
        """Put a file at a path, making folders; return it as the API shows it."""
        times = {} if mtime_ms is None else {"X-Mtime-Ms": str(mtime_ms)}
        return self.call("PUT", f"/api/v1/files/content?path={quote(path)}&parents=1", content, times).json

    def folder(self, path: str) -> Any:
        """Make a folder, and those above it."""
        return self.call("POST", "/api/v1/folders", {"path": path, "parents": True}).json

    def invite(self, name: str, *, is_admin: bool = False, quota: int | None = None) -> "Person":
        """Make an account for somebody else, as an admin."""
        body = {"username": name, "password": PASSWORD, "is_admin": is_admin, "quota": quota}
        self.call("POST", "/api/v1/users", body)
        return Person(self.server, name)

    def session(self, host: str) -> dict[str, Any]:
        """Sign a browser in, and return its cookie for `host` as Playwright takes it.

        The device says that its owner knows it, as long as it may: later that is for a browser that is known to say.
        """
        self.call("GET", "/api/v1/devices")  # the device comes first: no page shall be told of it
        body = json.dumps({"username": self.name, "password": self.password}).encode()
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        answer = ask(self.server, "POST", "/api/v1/session", body, headers)
        known = f"/api/v1/devices/{answer.json['device_id']}/known"
        ask(self.server, "POST", known, headers={"Authorization": f"Bearer {self.token}"})
        name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
        return {"name": name, "value": value, "domain": host, "path": "/", "httpOnly": True, "sameSite": "Lax"}


def ask(
    server: RunningServer, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Ask the server as nobody in particular."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()
