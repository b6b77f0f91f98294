"""A browser's tab on a page of the server: it keeps one cookie, and names its origin."""

import asyncio
from http import HTTPStatus
from typing import Any

from yarl import URL

from app.application import Cairn
from tests.accounts.api import ADMIN, PASSWORD, Api, Reply


class Browser:
    """Somebody who signs in on the web."""

    def __init__(self, api: Api, **headers: str) -> None:
        """Begin signed out; `headers` are those that a proxy adds."""
        url: Any = api.client.make_url("/") if hasattr(api.client, "make_url") else URL("http://127.0.0.1")
        self.api = Api(api.client)
        self.origin = str(url.origin())
        self.headers = headers
        self.cookie = ""
        self.csrf = ""

    async def call(self, method: str, path: str, **request: Any) -> Reply:
        """Call as a script of the page does; `headers` lie over what it sends, and None takes one away."""
        headers = {"Origin": self.origin, "X-CSRF-Token": self.csrf, "Cookie": self.cookie, **self.headers}
        headers |= request.pop("headers", {})
        return await self.api.call(method, path, headers={k: v for k, v in headers.items() if v}, **request)

    async def sign_in(self, username: str = ADMIN, password: str = PASSWORD, **more: Any) -> Reply:
        """Sign in, keep the cookie, return the answer."""
        body = {"username": username, "password": password, **more}
        reply = await self.call("POST", "/api/v1/session", json=body)
        if reply.status == HTTPStatus.CREATED:
            self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
            self.csrf = reply.json["csrf_token"]
        return reply


async def until_one_waits(cairn: Cairn) -> None:
    """Return once somebody waits for news."""
    while not cairn.services.feed.waiting_now:  # noqa: ASYNC110 - the server has no event for this, and needs none
        await asyncio.sleep(0)
