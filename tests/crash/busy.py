"""A real server process with writers at work on it, and the check of its folder."""

import asyncio
import json
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.crash.client import Client
from tests.crash.http_door import HttpDoor
from tests.crash.oracle import Oracle
from tests.crash.writer import Writer
from tests.server import ADMIN, PASSWORD, RunningServer

WRITERS = 4


async def prepare(server: RunningServer, session: aiohttp.ClientSession, chance: random.Random) -> list[Writer]:
    """Log in, and give each writer a folder of its own."""
    login = {"username": ADMIN, "password": PASSWORD, "device_name": "writer"}
    async with session.post("/api/v1/login", json=login) as response:
        token = (await response.json())["token"]
    writers = []
    for number in range(WRITERS):
        door, path = HttpDoor(session, token), f"/writer-{number}"
        oracle = Oracle(await door.make_folder(path), path)
        writers.append(Writer(f"{number}", Client(door, oracle), random.Random(chance.random())))  # noqa: S311 - as above
    return writers


async def check_all(data: Path) -> None:
    """Assert that a full check finds nothing, beside the running server or without one."""
    command = [sys.executable, "-m", "client", "fsck", "--content", "--json", "--data", str(data)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert process.returncode == 0, f"fsck ended with {process.returncode}: {out!r} {err!r}"
    assert json.loads(out)["damage"] == []


@asynccontextmanager
async def session_with(server: RunningServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(limit=32)) as session:
        yield session
