"""A whole server, and people who speak WebDAV with it over their own sockets: no library tidies up what they send."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree as ET

import pytest

from tests.accounts.api import ADMIN, PASSWORD
from tests.api.conftest import OTHER, Running, Template
from tests.api.people import Person
from tests.tree.conftest import ada, bob, folder, nothing_is_logged_as_error, server, settings, template

__all__ = ["ada", "bob", "folder", "nothing_is_logged_as_error", "server", "settings", "template"]

PATIENCE_S = 30.0
NS = {
    "d": "DAV:",
    "oc": "http://owncloud.org/ns",
    "nc": "http://nextcloud.org/ns",
    "s": "http://sabredav.org/ns",
    "z": "urn:schemas-microsoft-com:",
}


@dataclass(frozen=True)
class Answer:
    """An answer as it came, decoded from its chunks; header names are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> ET.Element:
        """The body as XML."""
        return ET.fromstring(self.body)  # noqa: S314 - our own server wrote it

    @property
    def hrefs(self) -> list[str]:
        """The hrefs of the responses in a multistatus, in order."""
        return [href.text or "" for href in self.xml.findall("d:response/d:href", NS)]

    def of(self, href: str) -> dict[str, ET.Element]:
        """Return the properties that one resource has, by their name as `prefix:local`."""
        return self._props(href, "200")

    def missing(self, href: str) -> set[str]:
        """Return the names of those that it was said not to have."""
        return set(self._props(href, "404"))

    def statuses(self, href: str) -> dict[str, int]:
        """Return the status of each property that was spoken of, by its name."""
        found: dict[str, int] = {}
        for propstat in self._response(href).findall("d:propstat", NS):
            status = int((propstat.findtext("d:status", "", NS)).split(" ")[1])
            found |= dict.fromkeys(map(short, propstat.findall("d:prop/*", NS)), status)
        return found

    @property
    def precondition(self) -> str:
        """What the body says did not hold, as `d:name`; "" for nothing."""
        error = self.xml
        assert error.tag == "{DAV:}error", error.tag
        return next((short(child) for child in error if child.tag.startswith("{DAV:}")), "")

    def _props(self, href: str, status: str) -> dict[str, ET.Element]:
        found: dict[str, ET.Element] = {}
        for propstat in self._response(href).findall("d:propstat", NS):
            if propstat.findtext("d:status", "", NS).split(" ")[1] == status:
                found |= {short(prop): prop for prop in propstat.findall("d:prop/*", NS)}
        return found

    def _response(self, href: str) -> ET.Element:
        found = [one for one in self.xml.findall("d:response", NS) if one.findtext("d:href", "", NS) == href]
        assert len(found) == 1, (href, self.hrefs)
        return found[0]


def short(element: ET.Element) -> str:
    """Return an element's name with the prefix that it has in these tests; `{uri}name` where it has none."""
    uri, _, local = element.tag.removeprefix("{").rpartition("}")
    prefix = next((prefix for prefix, known in NS.items() if known == uri), None)
    return element.tag if prefix is None else f"{prefix}:{local}"


@dataclass
class Wire:
    """One connection, on which several requests may follow each other."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, method: str = "GET") -> Answer:
        """Read one answer; `method` is the one it answers, for HEAD has no body."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            status = int(head[0].split(" ")[1])
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            if method == "HEAD" or status in (100, 204, 304):
                return Answer(status, headers, b"")
            if headers.get("transfer-encoding") == "chunked":
                return Answer(status, headers, await self._chunks())
            return Answer(status, headers, await self.reader.readexactly(int(headers["content-length"])))

    async def rest_of_chunks(self) -> bytes:
        """Return what is left of a chunked answer, when somebody has read into the middle of its first chunk."""
        async with asyncio.timeout(PATIENCE_S):
            first = await self.reader.readuntil(b"\r\n")
            return first.removesuffix(b"\r\n") + await self._chunks()

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body


@dataclass
class Dav:
    """Somebody who speaks WebDAV. Paths stand in the request as given: encode them as a client would."""

    port: int
    authorization: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def showing(self, username: str, password: str) -> "Dav":
        """The same server, asked with Basic."""
        shown = base64.b64encode(f"{username}:{password}".encode()).decode()
        return replace(self, authorization=f"Basic {shown}")

    def head(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        """Return the head of a request."""
        given = {"Host": f"127.0.0.1:{self.port}", **self.headers, **headers}
        if self.authorization:
            given.setdefault("Authorization", self.authorization)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Wire]:
        """Connect; for requests in pieces, or several on one connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        try:
            yield Wire(reader, writer)
        finally:
            writer.transport.abort()

    async def call(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        """Make one request on a connection of its own; a `_` in a header's name stands for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        body = body.encode() if isinstance(body, str) else body
        if body or method in ("PUT", "POST"):
            sent.setdefault("Content-Length", str(len(body)))
        async with self.connected() as wire:
            await wire.send(self.head(method, path, sent) + body)
            return await wire.answer(method)

    async def propfind(self, path: str, *names: str, depth: str = "0", **headers: str) -> Answer:
        """Ask for properties, as `d:getetag`; for all if none is named."""
        body = ""
        if names:
            spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())
            body = f"<d:propfind{spaces}><d:prop>{''.join(f'<{name}/>' for name in names)}</d:prop></d:propfind>"
        return await self.call("PROPFIND", path, body, Depth=depth, **headers)

    async def proppatch(self, path: str, inside: str, **headers: str) -> Answer:
        """Send a propertyupdate; `inside` are its `d:set` and `d:remove` elements."""
        spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())
        return await self.call("PROPPATCH", path, f"<d:propertyupdate{spaces}>{inside}</d:propertyupdate>", **headers)


async def app_password(person: Person, **scope: object) -> str:
    """Make an app password; `scope` as POST /api/v1/app-passwords takes it."""
    reply = await person.post("/api/v1/app-passwords", {"name": "dav", **({"scope": scope} if scope else {})})
    assert reply.status == 201, reply.body
    return str(reply.json["password"])


@pytest.fixture
def anybody(server: Running) -> Dav:
    """Somebody who shows nothing."""
    return Dav(server.port)


@pytest.fixture
async def dav(server: Running, ada: Person) -> Dav:
    """Ada with an app password."""
    return Dav(server.port).showing(ADMIN, await app_password(ada))


@pytest.fixture
async def bob_dav(server: Running, bob: Person) -> Dav:
    """Bob, who shares nothing with Ada, with an app password."""
    return Dav(server.port).showing(OTHER, await app_password(bob))


@pytest.fixture
def by_device(server: Running, template: Template) -> Dav:
    """Ada with a device's token."""
    return Dav(server.port, f"Bearer {template.tokens[ADMIN]}")


@pytest.fixture
def by_password(server: Running) -> Dav:
    """Ada with her account's own password."""
    return Dav(server.port).showing(ADMIN, PASSWORD)
