"""Runs a server until it is told to stop, or its disk fails."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from app.application import Cairn, build_app, open_cairn, route_table
from app.config import Settings
from app.connection import Connection, refuse_plain
from app.control import serve_control
from app.data_folder import DataFolder
from app.descriptors import within_descriptors
from app.janitor import run_chores
from app.keys import Services
from app.operations import operations_of
from app.roles.link import Followers, serve_link
from app.roles.main import answering, here
from app.roles.paths import leaving
from app.tls.certificates import LOOK_EVERY_S, CertificateError, Certificates
from app.tls.door import Door
from storage.disk import LocalDisk
from storage.errors import StorageError

logger = logging.getLogger(__name__)

GRACE_S = 8.0
BACKLOG = 1024
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
SWITCH_S = 0.0005


class ListenError(Exception):
    """The address to listen on cannot be had; the message says what to do."""


async def run(settings: Settings, environ: Mapping[str, str], *, leaves: Collection[str] = ()) -> int:
    """Serve `settings.data.folder`; return the exit code: 0 after SIGTERM or SIGINT, 1 after the disk failed.

    Args:
        leaves: paths of routes that processes beside this one serve in its place.

    Raises:
        DataFolderError, ListenError, SettingsError, OSError: the server cannot start.
    """
    sys.setswitchinterval(SWITCH_S)  # beside a busy thread a hop costs 14 ms at the default (metadata.md, 11)
    settings = within_descriptors(settings)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    failures: list[StorageError] = []

    def on_failure(error: StorageError) -> None:
        failures.append(error)
        loop.call_soon_threadsafe(stopped.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with DataFolder(settings.data.folder, LocalDisk()) as folder:
        async with open_cairn(settings, folder, on_failure=on_failure) as cairn:
            followers = Followers()
            cairn.notifier.listen(followers.changed)
            cairn.endings.listen(followers.ended)
            set_up, certificates = await cairn.services.setup.start(environ), cairn.services.certificates
            async with (
                listening(settings, cairn, leaves) as port,
                serve_control(folder, operations_of(cairn)),
                serve_link(folder, here(cairn), followers, answering(cairn, folder)),
            ):
                _say_where(settings, port, set_up, scheme="https" if certificates.is_on else "http")
                chores = [cairn.room.tend, cairn.sweep.keep_time, cairn.sweep.end_uploads, cairn.hashes.check_claimed]
                chores += [cairn.jobs.forget, cairn.services.invitations.forget_expired, cairn.services.audit.trim]
                chores.append(cairn.services.locks.sweep)
                async with asyncio.TaskGroup() as group:
                    janitor = group.create_task(run_chores(chores), name="janitor")
                    jobs = group.create_task(cairn.jobs.run(), name="jobs")
                    names = group.create_task(cairn.name_index.run(), name="names")
                    keeper = group.create_task(cairn.keeper.run(), name="keeper")
                    collector = group.create_task(cairn.collector.run(), name="collector")
                    mover = group.create_task(cairn.migration.run(), name="mover")
                    selfcheck = group.create_task(cairn.selfcheck.run(), name="selfcheck")
                    shown = group.create_task(keep_certificates(certificates), name="certificates")
                    guard = group.create_task(
                        _end_when_read_only(cairn, janitor, jobs, names, keeper, collector, mover), name="guard"
                    )
                    await stopped.wait()
                    for task in (janitor, jobs, names, keeper, collector, mover, selfcheck, shown, guard):
                        task.cancel()
                    cairn.collector.stop()
    if failures:
        logger.critical("stopped, for the disk failed: %s. Look at the disk, then start again.", failures[0])
        return 1
    return 0


async def keep_certificates(certificates: Certificates) -> None:
    """Take up new certificates by themselves, and on SIGHUP at once; without TLS that ends a server like others."""
    if not certificates.is_on:
        return
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    while True:
        await certificates.look(anyway=asked.is_set())
        asked.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await asked.wait()


async def _end_when_read_only(cairn: Cairn, *tasks: asyncio.Task[None]) -> None:
    """End what would write by itself, once nothing may be written."""
    await cairn.standing.wait_read_only()
    for task in tasks:
        task.cancel()
    cairn.collector.stop()


@asynccontextmanager
async def listening(settings: Settings, cairn: Cairn, leaves: Collection[str] = ()) -> AsyncIterator[int]:
    """Listen while entered, and give the port; leaving ends intake, and lets what runs end within the grace."""
    app = build_app(cairn.services, leaving(leaves, route_table()))
    async with serving(settings, app, cairn.services) as port:
        yield port


@asynccontextmanager
async def serving(
    settings: Settings, app: web.Application, services: Services, *, shares_port: bool = False
) -> AsyncIterator[int]:
    """Serve an application as `listening` does.

    Args:
        shares_port: other processes may listen at the same port, and the kernel spreads connections over them.
    """
    runner = web.AppRunner(app, shutdown_timeout=GRACE_S)
    await runner.setup()
    try:
        server, host, port = cast(web.Server, runner.server), settings.server.host, settings.server.port
        async with _accepting(server, services, host, port, shares_port=shares_port) as listener:
            yield int(listener.sockets[0].getsockname()[1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _accepting(
    server: web.Server, services: Services, host: str, port: int, *, shares_port: bool
) -> AsyncIterator[asyncio.Server]:
    """Accept connections, each of which speaks by `Connection` and hands its requests on; leaving ends that."""
    loop, make_request = asyncio.get_running_loop(), server.request_factory

    def begin(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        message = cast(Connection, protocol).begin(message, payload)
        return make_request(message, payload, protocol, writer, task)

    server.request_factory = begin
    connect, door = _connecting(server, services, loop)
    try:
        listener = await loop.create_server(connect, host, port, backlog=BACKLOG, reuse_port=shares_port or None)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ListenError(f"Port {port} of {host} is in use: choose another with --port.") from error
        raise ListenError(f"Cairn cannot listen on port {port} of {host}: {error.strerror}.") from error
    try:
        yield listener
    finally:
        listener.close()
        if door is not None:
            door.close()


def _connecting(
    server: web.Server, services: Services, loop: asyncio.AbstractEventLoop
) -> tuple[Callable[[], asyncio.Protocol], Door | None]:
    """Return what makes the protocol of a new connection, behind a door where there is TLS."""

    def speak() -> Connection:
        return Connection(server, services.connections, services.deadlines, loop=loop)

    if not services.certificates.is_on:
        return speak, None
    try:
        context = services.certificates.open()
    except CertificateError as error:
        raise ListenError(str(error)) from error
    door = Door(
        context,
        speak,
        lambda transport: refuse_plain(transport, services.connections, loop),
        services.connections,
        patience_s=services.deadlines.handshake_s,
        loop=loop,
    )
    return door.open, door


def _say_where(settings: Settings, port: int, set_up: str | None, *, scheme: str) -> None:
    """Tell whoever started the server where it is; the set-up address is told to nobody else."""
    server = settings.server
    named = socket.gethostname() if server.host in EVERYWHERE else server.host
    host = f"[{named}]" if ":" in named else named
    base = server.public_url.rstrip("/") or f"{scheme}://{host}:{port}"
    sys.stderr.write(f"Cairn serves {settings.data.folder} at {base}/\n")
    if set_up is not None:
        sys.stderr.write(f"There is no admin yet. Open {base}{set_up} to make one; this address works once.\n")
    sys.stderr.flush()
