"""How a connection begins at a port with TLS: it has a place at once, and so long for its handshake and no longer.

Else thousands could hold descriptors and memory without ever being counted, for the library's protocol hears of a
connection only once its handshake is over.
"""

import asyncio
import asyncio.sslproto
import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

from app.connections import Connections
from app.errors import AppError

logger = logging.getLogger(__name__)

GOODBYE_S = 30.0
"""For the peer to take what is left, and to answer that it has heard the end; meanwhile it is idle, and makes room."""
BUFFER = 64 * 1024
"""For each direction. The library would take 256 KiB for each connection, idle or not, and let 512 KiB wait for a slow
reader; a record has 16 KiB."""
_HANDSHAKE = 0x16
"""The first byte of TLS (RFC 8446, 5.1); that of HTTP is a letter."""


class Door:
    """Makes the protocol of each new connection, and knows those that are still at it."""

    def __init__(
        self,
        context: ssl.SSLContext,
        begin: Callable[[], asyncio.Protocol],
        answer: Callable[[asyncio.Transport], object],
        connections: Connections,
        *,
        patience_s: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Let nobody in yet.

        Args:
            context: to shake hands with.
            begin: makes what speaks with a peer from then on.
            answer: tells a peer who speaks without TLS that there is nothing else here, and ends.
            patience_s: for the whole handshake.
        """
        self._context = context
        self._begin = begin
        self._answer = answer
        self._connections = connections
        self._patience_s = patience_s
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()
        asyncio.sslproto.SSLProtocol.max_size = BUFFER

    def open(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return _Greeting(self)

    def close(self) -> None:
        """Break off what has not come to an agreement."""
        for task in self._tasks:
            task.cancel()

    def greet(self, greeting: "_Greeting") -> asyncio.Task[None]:
        """Shake hands, in a task of this door."""
        task = self._loop.create_task(self._greet(greeting), name="handshake")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def enter(self, greeting: "_Greeting", peer: str | None) -> bool:
        """Give a connection a place, which makes room like any that is idle; say whether there is one."""
        try:
            self._connections.enter(greeting, peer)
        except AppError:
            return False
        return True

    async def _greet(self, greeting: "_Greeting") -> None:
        raw = greeting.transport
        try:
            async with asyncio.timeout(self._patience_s):
                agreed = await self._agree(greeting)
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            logger.debug("a handshake failed: %s", type(error).__name__)
            agreed = None
        except asyncio.CancelledError:
            raw.abort()
            raise
        finally:
            self._connections.leave(greeting)
        if agreed is None or greeting.is_over:
            raw.abort()
        elif agreed is raw:
            self._answer(raw)
            raw.resume_reading()
        else:
            agreed.set_write_buffer_limits(BUFFER)
            greeting.pass_on(agreed, self._begin())

    async def _agree(self, greeting: "_Greeting") -> asyncio.Transport | None:
        """Return the way to speak: over TLS, or the one that is there if the peer does not; None where it has left."""
        raw = greeting.transport
        first = await self._first_byte(raw)
        if first != _HANDSHAKE:
            return None if first is None else raw
        return await self._loop.start_tls(
            raw,
            greeting,
            self._context,
            server_side=True,
            ssl_handshake_timeout=self._patience_s,
            ssl_shutdown_timeout=GOODBYE_S,
        )

    async def _first_byte(self, transport: asyncio.Transport) -> int | None:
        """Wait until something has come, and return its first byte without taking it; None where the peer has left."""
        original: socket.socket = transport.get_extra_info("socket")
        peek = socket.socket(fileno=socket.dup(original.fileno()))
        try:
            while True:
                try:
                    first = peek.recv(1, socket.MSG_PEEK)
                except BlockingIOError:
                    await self._readable(peek)
                else:
                    return first[0] if first else None
        finally:
            peek.close()

    async def _readable(self, peek: socket.socket) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(peek, _set, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(peek)


class _Greeting(asyncio.Protocol):
    """Holds a connection until it is agreed upon how to speak; what comes with the agreement is kept for after it."""

    transport: asyncio.Transport

    def __init__(self, door: Door) -> None:
        self._door = door
        self._early: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not self._door.enter(self, peer[0] if isinstance(peer, tuple) else None):
            self.transport.abort()
            return
        self.transport.pause_reading()
        self._task = self._door.greet(self)

    def data_received(self, data: bytes) -> None:
        self._early.append(data)

    def connection_lost(self, _: BaseException | None) -> None:
        self.is_over = True
        if self._task is not None:
            self._task.cancel()

    def hang_up(self) -> None:
        """End at once: another needs the place."""
        self.transport.abort()

    def pass_on(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        """Let another go on with the connection, from its very beginning."""
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for data in self._early:
            protocol.data_received(data)
        transport.resume_reading()


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
