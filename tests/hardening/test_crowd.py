"""Everybody pushes at once, and one person works on: memory is bounded, and each call is answered in its time.

Against a real process with its own deadlines. The figures are printed; those of a full run stand in
docs/decisions/0010-connections-and-memory.md.
"""

import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar

from tests.api.people import MIB, Person, noise
from tests.api.wire import Line, connected, head
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer

BOUND = 300 * MIB
"""As much as the process may grow: 32 MiB of bodies and of answers, with copies, and some 30 KiB a connection."""
SOON_S, NEVER_S = 1.0, 10.0
CALLS = 40


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many push, and in which way."""

    idle: int
    heads: int
    bodies: int
    readers: int


@pytest.fixture
def process(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with its defaults, as `cairn serve` starts it."""
    server = RunningServer(tmp_path / "data", NO_RESERVE)
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
async def session(process: RunningServer) -> AsyncIterator[ClientSession]:
    """One person's client."""
    async with ClientSession(process.url, auto_decompress=False, cookie_jar=DummyCookieJar()) as session:
        yield session


@pytest.mark.parametrize(
    "crowd",
    [
        pytest.param(Crowd(idle=300, heads=50, bodies=16, readers=16), id="some"),
        pytest.param(Crowd(idle=2000, heads=200, bodies=60, readers=60), id="all", marks=pytest.mark.soak),
    ],
)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory of another process is read in /proc")
async def test_a_crowd_that_pushes_costs_little_and_shuts_nobody_out(
    process: RunningServer, session: ClientSession, crowd: Crowd
) -> None:
    raise_descriptors()
    stranger = Person(session)
    ada = Person(session, await token_of(stranger, ADMIN))
    await asyncio.to_thread(add_user, process, "bob")
    bob = Person(session, await token_of(stranger, "bob"))
    page = await large_page(ada)
    chunks = [noise(8 * MIB) for _ in range(2)]
    urls = [chunk["url"] for chunk in (await ada.open_upload("/stalled", *chunks))["chunks"]]
    at_rest = memory(process, "VmRSS")
    async with AsyncExitStack() as stack:

        async def line() -> Line:
            return await stack.enter_async_context(connected(process.port))

        for _ in range(crowd.idle):
            await (await line()).send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(crowd.heads):
            await (await line()).send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
        sending = [asyncio.ensure_future(stall(await line(), urls[number % 2], chunks[number % 2], number))
                   for number in range(crowd.bodies)]  # fmt: skip
        readers = [stack.enter_context(socket.socket()) for _ in range(crowd.readers)]
        for reader in readers:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.to_thread(reader.connect, ("127.0.0.1", process.port))
            reader.sendall(head("GET", page, ada))

        took_s: dict[str, list[float]] = {name: [] for name in ("me", "list", "put", "chunk")}
        for number in range(CALLS):
            for name, call in (
                ("me", bob.get("/api/v1/me")),
                ("list", bob.get("/api/v1/folders/root/children")),
                ("put", bob.put(f"/{number}", noise(MIB))),
            ):
                begun_s = time.monotonic()
                assert (await call).status in (200, 201), name
                took_s[name].append(time.monotonic() - begun_s)
        for number in range(4):
            chunk, begun_s = noise(8 * MIB), time.monotonic()
            await bob.upload(f"/chunk {number}", chunk)
            took_s["chunk"].append(time.monotonic() - begun_s)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    growth = memory(process, "VmHWM") - at_rest
    figures = {name: f"{max(seconds) * 1000:.0f} ms" for name, seconds in took_s.items()}
    print(json.dumps({"grown_mib": growth // MIB, "at_rest_mib": at_rest // MIB, "longest": figures}))  # noqa: T201
    assert growth < BOUND
    assert max(map(statistics.median, took_s.values())) < SOON_S
    assert max(map(max, took_s.values())) < NEVER_S  # one call may meet a busy machine, none waits for a deadline


async def stall(line: Line, url: str, chunk: bytes, number: int) -> None:
    """Send a chunk but for its last byte, and wait; one in four sends its head alone."""
    await line.send(head("PUT", url, Content_Length=str(len(chunk))) + (chunk[:-1] if number % 4 else b""))
    await line.answer()


def add_user(process: RunningServer, name: str) -> None:
    """Make an account."""
    command = [sys.executable, "-m", "client", "user", "add", name, "--password-stdin", "--data", str(process.data)]
    subprocess.run(command, input=f"{PASSWORD}\n".encode(), check=True, capture_output=True)


async def token_of(stranger: Person, name: str) -> str:
    """Log in."""
    reply = await stranger.post(
        "/api/v1/login", {"username": name, "password": PASSWORD, "device_name": "test", "install_id": name}
    )
    assert reply.status == 201, reply.body
    token: str = reply.json["token"]
    return token


async def large_page(ada: Person) -> str:
    """Make a page of some 4 MiB, of 1,000 long paths, and return what to GET."""
    parent = (await ada.make_folder("".join("/" + "a" * 250 for _ in range(15)), parents=True))["file_id"]
    for number in range(1000):
        reply = await ada.post("/api/v1/folders", {"parent_id": parent, "name": f"{number}"})
        assert reply.status == 201, reply.body
    target = f"/api/v1/folders/{parent}/children?limit=1000"
    assert len((await ada.get(target, headers={"Accept-Encoding": "identity"})).body) > 3 * MIB
    return target


def memory(process: RunningServer, field: str) -> int:
    """Return a figure of /proc for the server, in bytes."""
    assert process.process is not None
    lines = Path(f"/proc/{process.process.pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def raise_descriptors() -> None:
    """Let this process have as many sockets as the crowd needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 4096:
        pytest.skip(f"this machine allows {hard} open files ({os.uname().sysname})")
