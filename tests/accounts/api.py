"""How these tests speak to a server."""

import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestClient
from yarl import URL

from app.application import Cairn
from app.db.database import Use
from app.db.transaction import Transaction
from app.repositories import users
from tests.openapi.contract import check_declared

ADMIN = "ada"
PASSWORD = "violet-harbour-kettle-42"
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]  # by name in any case
    body: bytes
    json: Any

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        return str(self.json["code"])


class Api:
    """Calls of one client, with or without a token."""

    def __init__(
        self, client: TestClient[web.Request, web.Application] | ClientSession, token: str | None = None
    ) -> None:
        self.client = client
        self.token = token

    def holding(self, token: str) -> "Api":
        """The same server, asked with a token."""
        return Api(self.client, token)

    async def call(self, method: str, path: str | URL, **request: Any) -> Reply:
        headers = request.pop("headers", {})
        if self.token is not None:
            headers = {"Authorization": f"Bearer {self.token}"} | headers
        if isinstance(request.get("data"), bytes):
            request["data"] = io.BytesIO(request["data"])  # aiohttp warns of large bytes
            request.setdefault("skip_auto_headers", ("Content-Type",))  # what it is, a test says or leaves unsaid
        async with self.client.request(method, path, headers=headers, **request) as response:
            reply = await _read(response)
        check_declared(method, response.url.path, reply.status, response.content_type if reply.body else "", reply.json)
        return reply

    async def get(self, path: str, **request: Any) -> Reply:
        return await self.call("GET", path, **request)

    async def post(self, path: str, json: Any = None, **request: Any) -> Reply:
        return await self.call("POST", path, json=json, **request)

    async def delete(self, path: str) -> Reply:
        return await self.call("DELETE", path)

    async def try_login(self, username: str = ADMIN, password: str = PASSWORD, **more: Any) -> Reply:
        body = {"username": username, "password": password, "device_name": "test", **more}
        return await self.post("/api/v1/login", body)

    async def log_in(self, username: str = ADMIN, password: str = PASSWORD, **more: Any) -> "Api":
        reply = await self.try_login(username, password, **more)
        assert reply.status == HTTPStatus.CREATED, reply.body
        return self.holding(reply.json["token"])


async def disable_the_last_admin(cairn: Cairn) -> None:
    """Leave a server without an enabled admin, as only an earlier version let its operator do."""

    def work(tx: Transaction) -> None:
        users.set_disabled(tx, users.require(tx, ADMIN), disabled=True)

    await cairn.database.write(work, use=Use.FREES)
    await cairn.services.accounts.start()


async def _read(response: ClientResponse) -> Reply:
    body = await response.read()
    if not response.content_type.endswith("json") or not body:
        return Reply(response.status, response.headers, body, None)
    plain = gzip.decompress(body) if body.startswith(GZIP) else body  # some sessions leave it as it comes
    return Reply(response.status, response.headers, body, json.loads(plain))
