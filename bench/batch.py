"""Counts what a batch commit costs, with the server in this process, where its counters can be read."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from app.application import Cairn, build_app, open_cairn
from app.config import Settings
from app.data_folder import DataFolder
from storage.disk import LocalDisk
from storage.errors import StorageError

_SMALL = 4096
_USER, _PASSWORD = "bench", "measured by nobody else"


@dataclass(frozen=True)
class Count:
    """What happened between the request to commit a batch and its answer."""

    files: int
    barriers: int
    commits: int
    passed_ms: float


def count_batch(folder: Path, *, files: int) -> Count:
    """Upload `files` files of 4 KiB in one bundle, and commit them in one call (1,000 at most, api.md)."""
    return asyncio.run(_count(folder, [os.urandom(_SMALL) for _ in range(files)]))


async def _count(folder: Path, contents: list[bytes]) -> Count:
    async with _serving(folder / "data") as (cairn, session):
        uploads = await _send(session, contents)
        store, commits = cairn.store.stats(), cairn.database.commits
        begun = time.perf_counter()
        async with session.post("/api/v1/uploads/commit", json={"upload_ids": uploads}) as answer:
            results = (await answer.json())["results"]
        passed_ms = (time.perf_counter() - begun) * 1000
        done = sum("file" in result for result in results)
        return Count(done, cairn.store.stats().barriers - store.barriers, cairn.database.commits - commits, passed_ms)


async def _send(session: aiohttp.ClientSession, contents: list[bytes]) -> list[str]:
    """Open an upload for each content, send all in one bundle, and give the ids of the uploads."""
    hashes = [hashlib.sha256(content) for content in contents]
    request = {
        "bundle": True,
        "files": [
            {
                "path": f"/batch/{number}.bin",
                "parents": True,
                "size": _SMALL,
                "mtime_ms": 0,
                "chunks": [{"sha256": digest.hexdigest(), "size": _SMALL}],
            }
            for number, digest in enumerate(hashes)
        ],
    }
    async with session.post("/api/v1/uploadRequest", json=request) as answer:
        opened: dict[str, Any] = await answer.json()
    length = _SMALL.to_bytes(4, "big")
    frames = b"".join(digest.digest() + length + content for digest, content in zip(hashes, contents, strict=True))
    async with session.put(opened["bundle_url"], data=frames):
        return [upload["upload_id"] for upload in opened["uploads"]]


@asynccontextmanager
async def _serving(data: Path) -> AsyncIterator[tuple[Cairn, aiohttp.ClientSession]]:
    """Serve a new data folder in this process, with a session that is logged in."""
    with DataFolder(data, LocalDisk()) as folder:
        async with open_cairn(Settings(), folder, on_failure=_fail) as cairn:
            await cairn.services.setup.start({"CAIRN_ADMIN_USER": _USER, "CAIRN_ADMIN_PASSWORD": _PASSWORD})
            runner = web.AppRunner(build_app(cairn.services), access_log=None, auto_decompress=False)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            try:
                base = f"http://127.0.0.1:{runner.addresses[0][1]}"
                async with aiohttp.ClientSession(base, raise_for_status=True) as session:
                    body = {"username": _USER, "password": _PASSWORD, "device_name": "bench"}
                    async with session.post("/api/v1/login", json=body) as answer:
                        token = (await answer.json())["token"]
                    session.headers["Authorization"] = f"Bearer {token}"
                    yield cairn, session
            finally:
                await runner.cleanup()


def _fail(error: StorageError) -> None:
    raise error
