"""How a process beside the main one speaks with it: over a local socket that only their user can open.

Messages are MessagePack, each behind its length in 4 bytes. Every question gets one answer, in order; whoever follows
is told behind it of all that changes, and asks nothing more on that connection.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self, TypeVar

import msgspec

from app.auth.endings import Ended
from app.control import short_path
from app.data_folder import DataFolder
from app.errors import AppError, ForbiddenError, NoRoomError, RateLimitedError, UnauthenticatedError
from storage import received
from storage.errors import (
    ChunkAbsentError,
    ChunkDamagedError,
    StorageError,
    StoreFailedError,
    StoreFullError,
    StoreUnavailableError,
)

ANSWER_S = 60.0
MOST = 9 * 1024 * 1024
"""Bytes of a message: the chunk of a process on another machine travels in one."""
BEHIND = 1024 * 1024
"""So many bytes one that follows may leave untaken."""
_KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        *(ForbiddenError, NoRoomError, UnauthenticatedError),
        *(ChunkAbsentError, ChunkDamagedError, StoreFailedError, StoreFullError),
    )
}


class Hello(msgspec.Struct, tag=True, frozen=True):
    """Asks who is there."""


class Admit(msgspec.Struct, tag=True, frozen=True):
    """Asks whether an upload still takes chunks."""

    claim: str


class Received(msgspec.Struct, tag=True, frozen=True):
    """Tells of a chunk that was checked: it is staged under `name`, or here as `data`, in the form that is kept.

    `digest` is that of `StagedFile`.
    """

    claim: str
    chunk_id: bytes
    size: int
    stored_size: int
    encoding: int
    wave: int
    name: str | None
    digest: bytes | None
    data: bytes | None
    seal: tuple[int, bytes] | None

    @classmethod
    def of(cls, chunk: received.Received, wave: int) -> Self:
        """Tell of a chunk that was received after the main process had told of `wave`."""
        return cls(
            claim=chunk.claim,
            chunk_id=chunk.chunk_id,
            size=chunk.size,
            stored_size=chunk.stored_size,
            encoding=int(chunk.encoding),
            wave=wave,
            name=None if chunk.file is None else chunk.file.path.name,
            digest=None if chunk.file is None else chunk.file.digest,
            data=None if chunk.data is None else bytes(chunk.data),
            seal=None if chunk.seal is None else (chunk.seal.key_number, chunk.seal.name),
        )


class Locate(msgspec.Struct, tag=True, frozen=True):
    """Asks where a chunk lies, from another machine."""

    chunk_id: bytes


class Copy(msgspec.Struct, tag=True, frozen=True):
    """Asks for the files by which a process on another machine is one of this server."""


class Used(msgspec.Struct, tag=True, frozen=True):
    """Tells that a credential was used: its row, and from which network."""

    actor_id: int
    network: str | None


class TryBasic(msgspec.Struct, tag=True, frozen=True):
    """Asks to judge what Basic showed, and to count it where all such tries are counted."""

    username: str
    password: str
    network: str

    def __repr__(self) -> str:
        """Show no secret, whatever this lands in."""
        return f"TryBasic({self.username!r})"


class Follow(msgspec.Struct, tag=True, frozen=True):
    """Asks to be told from now on of each change and each ending."""


class Done(msgspec.Struct, tag=True, frozen=True):
    """Answers well. `wave` goes back with what is staged from now on."""

    wave: int


class Here(msgspec.Struct, tag=True, frozen=True):
    """Answers who is there: the server, its journal, and the program's version."""

    instance: str
    epoch: str
    version: str


class Located(msgspec.Struct, tag=True, frozen=True):
    """Answers where a chunk lies; the fields are those of `StoredChunk`, a blob by its hash and form in the bucket."""

    size: int
    stored_size: int
    encoding: int
    data: bytes | None
    blob: tuple[bytes, str] | None
    start: int
    seal: tuple[int, bytes] | None
    sealed: bytes | None


class Copied(msgspec.Struct, tag=True, frozen=True):
    """Answers with files, by their paths in the data folder."""

    files: dict[str, bytes]

    def __repr__(self) -> str:
        """Show no secret, whatever this lands in."""
        return f"Copied({list(self.files)})"


class Refused(msgspec.Struct, tag=True, frozen=True):
    """Answers with an error."""

    kind: str
    words: str
    retry_after_s: int | None = None


class Changed(msgspec.Struct, tag=True, frozen=True):
    """Tells which spaces have something new in their feeds."""

    space_ids: tuple[int, ...]


class Over(msgspec.Struct, tag=True, frozen=True):
    """Tells that a credential has ended, or all of a user where none is named."""

    user_id: int
    actor_id: int | None


Question = Hello | Admit | Received | Locate | Copy | Used | TryBasic | Follow
Answer = Done | Here | Located | Copied | Refused
News = Changed | Over
A = TypeVar("A", bound=Answer)

_questions = msgspec.msgpack.Decoder(Question)
_answers = msgspec.msgpack.Decoder(Answer)
_news = msgspec.msgpack.Decoder(News)


class Link:
    """The way to the main process, for use from many threads: each has a connection of its own. All calls block."""

    def __init__(self, folder: DataFolder) -> None:
        """Name the folder of the server; nothing is connected yet."""
        self._folder = folder
        self._local = threading.local()
        self._open: set[socket.socket] = set()
        self._is_closed = False
        self.wave = -1
        """As it was told last."""

    def get(self, question: Question, kind: type[A]) -> A:
        """Return an answer of a kind; raises as `ask` does."""
        answer = self._answer(question)
        if not isinstance(answer, kind):
            raise StoreUnavailableError("The main process of this server is of another version.")
        return answer

    def ask(self, question: Question) -> None:
        """Ask, and be done. An answer that is lost is asked for again: to tell the same twice is harmless.

        Raises:
            AppError, StorageError: the main process refuses, or does not answer.
        """
        answer = self._answer(question)
        if isinstance(answer, Done):
            self.wave = answer.wave

    def close(self) -> None:
        """Hang up, whatever is being asked; nothing is asked any more."""
        self._is_closed = True
        for connection in list(self._open):
            with suppress(OSError):  # a thread is hanging up itself
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _answer(self, question: Question) -> Answer:
        data = _framed(question)
        try:
            answer = self._exchange(data)
        except (OSError, EOFError):  # the main process may have begun anew meanwhile
            self._hang_up()
            answer = self._exchange_again(data)
        if isinstance(answer, Refused):
            if answer.retry_after_s is not None:
                raise RateLimitedError(answer.words, answer.retry_after_s)
            raise _KINDS.get(answer.kind, StoreUnavailableError)(answer.words)
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
            connection = self._connect()
        connection.sendall(data)
        size = int.from_bytes(_read(connection, 4), "big")
        answer: Answer = _answers.decode(_read(connection, size))
        return answer

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._open.add(connection)
        self._local.connection = connection
        if self._is_closed:
            raise ConnectionAbortedError("this process stops")
        connection.settimeout(ANSWER_S)
        with short_path(self._folder.link) as path:
            connection.connect(path)
        return connection

    def _hang_up(self) -> None:
        connection: socket.socket | None = getattr(self._local, "connection", None)
        if connection is not None:
            self._open.discard(connection)
            connection.close()
        self._local.connection = None


class Followers:
    """Those who are told of changes and endings, each over a connection of its own."""

    def __init__(self) -> None:
        """Begin with none."""
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._writers)

    def changed(self, space_ids: frozenset[int]) -> None:
        """Tell of a change."""
        self._tell(Changed(tuple(space_ids)))

    def ended(self, ended: Ended) -> None:
        """Tell of an ending."""
        self._tell(Over(ended.user_id, ended.actor_id))

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell one more, until it leaves."""
        self._writers.add(writer)
        try:
            await reader.read(1)
        finally:
            self._writers.discard(writer)

    def _tell(self, news: News) -> None:
        for writer in list(self._writers):
            if writer.transport.get_write_buffer_size() > BEHIND:
                self._writers.discard(writer)
                writer.transport.abort()  # it takes nothing; once it does, it comes back and looks at everything anew
            else:
                writer.write(_framed(news))


@asynccontextmanager
async def serve_link(
    folder: DataFolder, here: Here, followers: Followers, answer: Callable[[Question], Awaitable[Answer]]
) -> AsyncIterator[None]:
    """Answer the processes beside this one while entered.

    Args:
        answer: does what is asked; raises AppError or StorageError to refuse.
    """
    writers: set[asyncio.StreamWriter] = set()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
                while not isinstance(question := _questions.decode(await _frame(reader)), Follow):
                    writer.write(_framed(await _answer_to(question, here, answer)))
                    await writer.drain()
                writer.write(_framed(here))
                await followers.lead(reader, writer)  # from this turn of the loop on, so that nothing is missed
        finally:
            writers.discard(writer)
            writer.close()

    folder.link.unlink(missing_ok=True)
    with short_path(folder.link) as path:
        server = await asyncio.start_unix_server(speak, path, limit=BEHIND)
    folder.link.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        with suppress(OSError):
            folder.link.unlink(missing_ok=True)


async def _answer_to(question: Question, here: Here, answer: Callable[[Question], Awaitable[Answer]]) -> Answer:
    try:
        return here if isinstance(question, Hello) else await answer(question)
    except (AppError, StorageError) as error:
        retry_after_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
        return Refused(type(error).__name__, str(error), retry_after_s)


@asynccontextmanager
async def following(folder: DataFolder) -> AsyncIterator[tuple[Here, Callable[[], Awaitable[News]]]]:
    """Give who is there, and what waits for the next thing that happens there.

    Raises:
        OSError, EOFError: the main process is away, or goes away.
        msgspec.DecodeError: it is of another version.
    """
    async with asyncio.timeout(ANSWER_S):
        with short_path(folder.link) as path:
            reader, writer = await asyncio.open_unix_connection(path, limit=BEHIND)

    async def hear() -> News:
        news: News = _news.decode(await _frame(reader))
        return news

    try:
        writer.write(_framed(Follow()))
        async with asyncio.timeout(ANSWER_S):
            here = _answers.decode(await _frame(reader))
        if not isinstance(here, Here):
            raise ConnectionAbortedError("that is no answer to this question")
        yield here, hear
    finally:
        writer.close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > MOST:
        raise ConnectionAbortedError("no message is so long")
    return await reader.readexactly(size)


def _framed(message: Question | Answer | News) -> bytes:
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(4, "big") + data


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
