"""What makers of links, and those who hold them, do over the API."""

from http import HTTPStatus
from typing import Any

from tests.accounts.api import Reply
from tests.api.people import Person

PASSWORD = "marble-otter-lantern-7"


async def make_link(maker: Person, path: str, **terms: Any) -> "Holder":
    """Make a link to a path and return whoever got it."""
    file_id = (await maker.at(path)).json["file_id"]
    reply = await maker.post("/api/v1/links", {"file_id": file_id, **terms})
    assert reply.status == HTTPStatus.CREATED, reply.body
    return Holder(maker, reply.json)


class Holder(Person):
    """Somebody without an account who holds a link."""

    def __init__(self, maker: Person, link: Any) -> None:
        super().__init__(maker.client)
        self.link = link
        self.url = link["url"]
        self.cookie: str | None = None

    async def ask(self, what: str = "", method: str = "GET", **request: Any) -> Reply:
        """Call the link's URL, or what is below it; with the cookie, as a browser would."""
        headers = {"Accept": "application/json", **request.pop("headers", {})}
        if self.cookie is not None:
            headers["Cookie"] = self.cookie
        return await self.call(method, self.url + what, headers=headers, **request)

    async def show_password(self, password: str) -> Reply:
        """Show the password, and keep the cookie."""
        reply = await self.ask("/password", "POST", json={"password": password})
        if "Set-Cookie" in reply.headers:
            self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        return reply

    async def listed(self, query: str = "") -> dict[str, Any]:
        """Return what the link's folder lists, by name."""
        reply = await self.ask(f"/children{query}")
        assert reply.status == HTTPStatus.OK, reply.body
        return {item["name"]: item for item in reply.json["items"]}

    async def drop(self, name: str, data: bytes, method: str = "PUT", **headers: str) -> Reply:
        """Put a file into the folder of a drop link."""
        return await self.ask("/upload", method, params={"name": name}, data=data, headers=headers)


async def change(maker: Person, holder: Holder, **terms: Any) -> Reply:
    """PATCH a link."""
    return await maker.call("PATCH", f"/api/v1/links/{holder.link['link_id']}", json=terms)
