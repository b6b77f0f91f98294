"""How a process that serves chunks speaks with the main one: over a local socket that only their user can open.

Messages are MessagePack, each behind its length in 4 bytes; every question gets one answer, in order.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from app.control import short_path
from app.data_folder import DataFolder
from app.errors import AppError, ForbiddenError, NoRoomError
from storage.errors import StorageError, StoreFailedError, StoreFullError, StoreUnavailableError

ANSWER_S = 60.0
MOST = 1024 * 1024
"""Bytes of a message: a small chunk travels in one."""
_KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (ForbiddenError, NoRoomError, StoreFailedError, StoreFullError)
}


class Hello(msgspec.Struct, tag=True, frozen=True):
    """Asks who is there."""


class Admit(msgspec.Struct, tag=True, frozen=True):
    """Asks whether an upload still takes chunks."""

    claim: str


class Received(msgspec.Struct, tag=True, frozen=True):
    """Tells of a chunk that was checked: it is staged under `name`, or here as `data`, in the form that is kept."""

    claim: str
    chunk_id: bytes
    size: int
    stored_size: int
    encoding: int
    wave: int
    name: str | None
    data: bytes | None
    seal: tuple[int, bytes] | None


class Done(msgspec.Struct, tag=True, frozen=True):
    """Answers well. `wave` goes back with what is staged from now on."""

    instance: str
    wave: int


class Refused(msgspec.Struct, tag=True, frozen=True):
    """Answers with an error."""

    kind: str
    words: str


Question = Hello | Admit | Received
Answer = Done | Refused

_questions = msgspec.msgpack.Decoder(Question)
_answers = msgspec.msgpack.Decoder(Answer)


class Link:
    """The way to the main process, for use from many threads: each has a connection of its own. All calls block."""

    def __init__(self, folder: DataFolder) -> None:
        """Name the folder of the server; nothing is connected yet."""
        self._folder = folder
        self._local = threading.local()
        self.wave = -1
        """As it was told last."""

    def ask(self, question: Question) -> Done:
        """Return the answer. One that is lost is asked for again: to tell the same twice is harmless.

        Raises:
            AppError, StorageError: the main process refuses, or does not answer.
        """
        data = msgspec.msgpack.encode(question)
        try:
            answer = self._exchange(data)
        except (OSError, EOFError):  # the main process may have begun anew meanwhile
            self._hang_up()
            answer = self._exchange_again(data)
        if isinstance(answer, Refused):
            raise _KINDS.get(answer.kind, StoreUnavailableError)(answer.words)
        self.wave = answer.wave
        return answer

    def _exchange_again(self, data: bytes) -> Answer:
        try:
            return self._exchange(data)
        except (OSError, EOFError) as error:
            self._hang_up()
            raise StoreUnavailableError("The main process of this server does not answer.") from error

    def _exchange(self, data: bytes) -> Answer:
        connection: socket.socket | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        connection.sendall(len(data).to_bytes(4, "big") + data)
        size = int.from_bytes(_read(connection, 4), "big")
        answer: Answer = _answers.decode(_read(connection, size))
        return answer

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ANSWER_S)
        with short_path(self._folder.link) as path:
            connection.connect(path)
        return connection

    def _hang_up(self) -> None:
        connection: socket.socket | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None


@asynccontextmanager
async def serve_link(
    folder: DataFolder, instance: str, answer: Callable[[Question], Awaitable[int]]
) -> AsyncIterator[None]:
    """Answer the processes beside this one while entered.

    Args:
        answer: does what is asked, and returns the wave.
    """
    writers: set[asyncio.StreamWriter] = set()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
                while True:
                    await _answer_one(reader, writer, instance, answer)
        finally:
            writers.discard(writer)
            writer.close()

    folder.link.unlink(missing_ok=True)
    with short_path(folder.link) as path:
        server = await asyncio.start_unix_server(speak, path, limit=MOST)
    folder.link.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        with suppress(OSError):
            folder.link.unlink(missing_ok=True)


async def _answer_one(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    instance: str,
    answer: Callable[[Question], Awaitable[int]],
) -> None:
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > MOST:
        raise ConnectionAbortedError("no message is so long")
    reply: Answer
    try:
        question = _questions.decode(await reader.readexactly(size))
        reply = Done(instance, await answer(question))
    except (AppError, StorageError) as error:
        reply = Refused(type(error).__name__, str(error))
    data = msgspec.msgpack.encode(reply)
    writer.write(len(data).to_bytes(4, "big") + data)
    await writer.drain()


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
