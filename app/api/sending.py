"""Sends stored content: raw chunks straight from their files to the socket, decoded ones from memory.

A chunk's file is opened and sent in a worker thread, for either may wait for a disk. A thread waits for a slow reader
only a moment; after that the event loop does, which costs nothing.
"""

import asyncio
import os
import select
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from app.services.budget import Lease
from app.services.downloads import DownloadService
from storage.base import Encoding, StoredChunk
from storage.errors import ChunkDamagedError
from storage.offload import Offload

SENDERS = 8
QUEUE = 1024
PATIENCE_MS = 20
SLICE = 256 * 1024
Part = tuple[StoredChunk, int, int]


class Sender:
    """Owns the threads that send files."""

    def __init__(self, stall_s: float) -> None:
        """Start with idle threads.

        Args:
            stall_s: how long a reader may take nothing.
        """
        self._stall_s = stall_s
        self._offload = Offload("send", threads=SENDERS, queue=QUEUE)

    def close(self) -> None:
        """End the threads."""
        self._offload.close()

    async def send(
        self,
        request: web.Request,
        response: web.StreamResponse,
        parts: AsyncIterator[Part],
        downloads: DownloadService,
        lease: Lease,
    ) -> None:
        """Write the parts to a response that is prepared and whose length is announced.

        Args:
            lease: holds what is in memory of them: a part that has to be decoded, until the reader has it.

        Whatever fails from here on closes the connection, so that nobody takes the bytes for complete.
        """
        transport = request.transport
        raw = None if transport is None or transport.get_extra_info("sslcontext") else _socket_of(transport)
        try:
            async for stored, start, stop in parts:
                at = start
                if raw is not None and stored.path is not None and stored.encoding is Encoding.RAW:
                    await _drain(request, transport)
                    at = await self._send_file(raw, stored.path, start, stop)
                if at < stop:
                    await lease.take(stored.size)
                    data = memoryview(await downloads.load(stored))[at:stop]
                    for piece in range(0, len(data), SLICE):  # a whole one would be copied, and stay until it is taken
                        await response.write(data[piece : piece + SLICE])
                    lease.keep(0)
        except BaseException as error:
            if transport is not None:
                reset(transport)
            if isinstance(error, TimeoutError):
                raise ConnectionResetError("the reader stalled") from error
            raise
        finally:
            if raw is not None:
                raw.close()

    async def _send_file(self, raw: socket.socket, path: Path, start: int, stop: int) -> int:
        """Send bytes of a file; return where it stands, which is `stop` unless the file is there no more."""
        while start < stop:
            at = start
            try:
                start = await self._offload.run(lambda: _send_some(raw, path, at, stop))  # noqa: B023 - awaited at once
            except FileNotFoundError:  # its chunk was brought into another form meanwhile
                return start
            if start < stop:
                await self._writable(raw)
        return start

    async def _writable(self, raw: socket.socket) -> None:
        """Wait until a slow reader has taken something."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_writer(raw, _set, ready)
        try:
            async with asyncio.timeout(self._stall_s):
                await ready
        finally:
            loop.remove_writer(raw)


def reset(transport: asyncio.Transport) -> None:
    """Break a connection off at once: what the kernel holds for the peer is dropped, and the peer is told (RST)."""
    if not transport.is_closing():
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _send_some(raw: socket.socket, path: Path, at: int, stop: int) -> int:
    """Send from `at` on until all is sent or the reader is slow; return where it stands. Blocks."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ChunkDamagedError(f"a chunk's file cannot be opened: {error.strerror}") from error
    poll = select.poll()
    poll.register(raw, select.POLLOUT)
    try:
        while at < stop:
            try:
                sent = os.sendfile(raw.fileno(), file, at, stop - at)
            except BlockingIOError:
                if not poll.poll(PATIENCE_MS):
                    break
                continue
            if sent == 0:
                raise ChunkDamagedError("a chunk's file is shorter than the index says")
            at += sent
    finally:
        os.close(file)
    return at


def _socket_of(transport: asyncio.Transport) -> socket.socket | None:
    """Return a second handle on the connection: it stays ours even if the transport closes meanwhile."""
    if not hasattr(os, "sendfile"):
        return None
    original = transport.get_extra_info("socket")
    return None if original is None else socket.socket(fileno=os.dup(original.fileno()))


async def _drain(request: web.Request, transport: asyncio.Transport | None) -> None:
    """Wait until what was written before has left the transport, so that nothing overtakes it."""
    if transport is not None and transport.get_write_buffer_size():
        transport.set_write_buffer_limits(0)
        try:
            await request.writer.drain()
        finally:
            transport.set_write_buffer_limits()
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the reader is gone")


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
