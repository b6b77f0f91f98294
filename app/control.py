"""Lets commands of the same machine work through a running server: a local socket that only its owner can open.

A command either reaches the server here or finds no server and takes the folder's lock; two writers never meet
(durability.md, 2).
"""

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from app.data_folder import DataFolder
from app.problems import problem_of, problem_response

Operation = Callable[[Mapping[str, Any]], Awaitable[Any]]
TIMEOUT_S = 60


class ControlError(Exception):
    """The server refused an operation; the message is its sentence."""


@asynccontextmanager
async def serve_control(folder: DataFolder, operations: Mapping[str, Operation]) -> AsyncIterator[None]:
    """Answer on the folder's socket while entered."""

    async def handle(request: web.Request) -> web.Response:
        try:
            operation = operations[request.match_info["operation"]]
            reply = await operation(msgspec.json.decode(await request.read(), type=dict[str, Any]))
        except Exception as error:  # noqa: BLE001 - the other end is told, whatever it is
            return problem_response(problem_of(error), error)
        return web.Response(body=msgspec.json.encode(reply), content_type="application/json")

    app = web.Application()
    app.router.add_post("/{operation}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    folder.control.unlink(missing_ok=True)
    with short_path(folder.control) as path:
        await web.UnixSite(runner, path).start()
        folder.control.chmod(0o600)
        try:
            yield
        finally:
            await runner.cleanup()
            with contextlib.suppress(OSError):  # a disk that turned read-only keeps it; the next start removes it
                folder.control.unlink(missing_ok=True)


async def ask_server(
    folder: DataFolder, operation: str, arguments: Mapping[str, Any], *, timeout_s: float | None = TIMEOUT_S
) -> Any:
    """Return the running server's answer to an operation, for which it may take `timeout_s`, or any time if None.

    Raises:
        ControlError: it refused, or stopped before it could answer.
        OSError: no server answers on this folder.
    """
    try:
        return await _ask(folder, operation, arguments, timeout_s)
    except aiohttp.ServerDisconnectedError as error:
        raise ControlError("The server stopped before it was done.") from error


async def _ask(folder: DataFolder, operation: str, arguments: Mapping[str, Any], timeout_s: float | None) -> Any:
    with short_path(folder.control) as path:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path), timeout=timeout) as session,
            session.post(f"http://localhost/{operation}", data=msgspec.json.encode(arguments)) as response,
        ):
            reply = msgspec.json.decode(await response.read())
            if response.status != web.HTTPOk.status_code:
                raise ControlError(reply["detail"])
            return reply


@contextmanager
def short_path(at: Path) -> Iterator[str]:
    """Give a socket a path that fits into the 108 bytes of sockaddr_un, however deep its folder lies."""
    descriptor = os.open(at.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        by_descriptor = Path(f"/proc/self/fd/{descriptor}")
        parent = by_descriptor if by_descriptor.exists() else at.parent
        yield str(parent / at.name)
    finally:
        os.close(descriptor)
