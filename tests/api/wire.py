"""Connections by hand, for what a well-behaved client does not send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.api.people import Person

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        """Return all that comes until the server closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()

    async def head(self) -> bytes:
        """Return an answer's head."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readuntil(b"\r\n\r\n")

    def hang_up(self) -> None:
        """Close without a word."""
        self.writer.transport.abort()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Line]:
    """Connect to the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def talk(port: int, data: bytes) -> bytes:
    """Send bytes and return all that comes until the server closes."""
    async with connected(port) as line:
        await line.send(data)
        return await line.answer()


def head(method: str, target: str, person: Person | None = None, **headers: str) -> bytes:
    """Return a request's head; the target stands in it as given."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    if person is not None:
        lines.append(f"Authorization: Bearer {person.token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def status_of(answer: bytes) -> int:
    """Return the status of an answer."""
    return int(answer.split(b" ", 2)[1])


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds that the server brings about by itself, and tells nobody."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)
