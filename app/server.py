"""Runs a server until it is told to stop, or its disk fails."""

import asyncio
import errno
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from app.application import Cairn, build_app, open_cairn
from app.config import Settings
from app.control import serve_control
from app.data_folder import DataFolder
from app.errors import InvalidRequestError
from app.janitor import run_chores
from app.middleware import SECURITY_HEADERS, SERVER_NAME
from app.operations import operations_of
from app.problems import problem_of, problem_response
from storage.disk import LocalDisk
from storage.errors import StorageError

logger = logging.getLogger(__name__)

GRACE_S = 8.0
READ_BUFFER = 512 * 1024
BACKLOG = 1024
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
SWITCH_S = 0.0005


class _Protocol(web.RequestHandler):
    """Refuses what is no HTTP without repeating it: the library logs and sends back the line, token and all."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what no handler could answer."""
        if not isinstance(exc, HttpProcessingError) or request.writer.output_size:
            response = super().handle_error(request, status, exc, message)
        else:
            logger.info("a request that is not well-formed was refused: %s", type(exc).__name__)
            refused = InvalidRequestError("This is no well-formed HTTP request.")
            response = problem_response(problem_of(refused), refused)
            response.force_close()
        response.headers["Server"] = SERVER_NAME
        response.headers.update(SECURITY_HEADERS)
        return response


class _Protocols(web.Server):
    """Makes a `_Protocol` for each connection."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Runner(web.AppRunner):
    """Runs an application behind `_Protocol`; the library has no setting for it."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Protocols
        return server


class ListenError(Exception):
    """The address to listen on cannot be had; the message says what to do."""


async def run(settings: Settings, environ: Mapping[str, str]) -> int:
    """Serve `settings.data.folder`; return the exit code: 0 after SIGTERM or SIGINT, 1 after the disk failed.

    Raises:
        DataFolderError, ListenError, SettingsError, OSError: the server cannot start.
    """
    sys.setswitchinterval(SWITCH_S)  # beside a busy thread a hop costs 14 ms at the default (metadata.md, 11)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    failures: list[StorageError] = []

    def on_failure(error: StorageError) -> None:
        failures.append(error)
        loop.call_soon_threadsafe(stopped.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with DataFolder(settings.data.folder, LocalDisk()) as folder:
        async with open_cairn(settings, folder, on_failure=on_failure) as cairn:
            set_up = await cairn.services.setup.start(environ)
            async with (
                listening(settings, cairn) as port,
                serve_control(folder, operations_of(cairn)),
            ):
                _say_where(settings, port, set_up)
                chores = [cairn.room.tend, cairn.sweep.keep_time, cairn.sweep.end_uploads, cairn.hashes.check_claimed]
                async with asyncio.TaskGroup() as group:
                    janitor = group.create_task(run_chores(chores), name="janitor")
                    jobs = group.create_task(cairn.jobs.run(), name="jobs")
                    collector = group.create_task(cairn.collector.run(), name="collector")
                    selfcheck = group.create_task(cairn.selfcheck.run(), name="selfcheck")
                    guard = group.create_task(_end_when_read_only(cairn, janitor, jobs, collector), name="guard")
                    await stopped.wait()
                    for task in (janitor, jobs, collector, selfcheck, guard):
                        task.cancel()
                    cairn.collector.stop()
    if failures:
        logger.critical("stopped, for the disk failed: %s. Look at the disk, then start again.", failures[0])
        return 1
    return 0


async def _end_when_read_only(cairn: Cairn, *tasks: asyncio.Task[None]) -> None:
    """End what would write by itself, once nothing may be written."""
    await cairn.standing.wait_read_only()
    for task in tasks:
        task.cancel()
    cairn.collector.stop()


@asynccontextmanager
async def listening(settings: Settings, cairn: Cairn) -> AsyncIterator[int]:
    """Listen while entered, and give the port; leaving ends intake, and lets what runs end within the grace."""
    runner = _Runner(
        build_app(cairn.services),
        access_log=None,
        shutdown_timeout=GRACE_S,
        auto_decompress=False,
        read_bufsize=READ_BUFFER,
    )
    await runner.setup()
    try:
        await _listen(runner, settings.server.host, settings.server.port)
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ListenError(f"Port {port} of {host} is in use: choose another with --port.") from error
        raise ListenError(f"Cairn cannot listen on port {port} of {host}: {error.strerror}.") from error


def _say_where(settings: Settings, port: int, set_up: str | None) -> None:
    """Tell whoever started the server where it is; the set-up address is told to nobody else."""
    server = settings.server
    named = socket.gethostname() if server.host in EVERYWHERE else server.host
    host = f"[{named}]" if ":" in named else named
    base = server.public_url.rstrip("/") or f"http://{host}:{port}"
    sys.stderr.write(f"Cairn serves {settings.data.folder} at {base}/\n")
    if set_up is not None:
        sys.stderr.write(f"There is no admin yet. Open {base}{set_up} to make one; this address works once.\n")
    sys.stderr.flush()
