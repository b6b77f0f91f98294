"""How commands speak to the process that syncs a root: one line of JSON each way, over a socket of its user alone.

The socket lies in the root's state folder (0700). A path of a socket holds some 100 bytes, and that folder may lie
deeper: then the way leads through /proc/self/fd, or where there is none through a folder of ours in the system's place
for temporary files, to which a link in the state folder points.
"""

import os
import selectors
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec

from client.errors import ClientError
from client.sync.status import Status, encode

NAME = "control"
MOST_BYTES = 4 << 20  # of a request or reply
WAIT_S = 2.0  # for a whole request to come, or to connect to a process that is just starting
MOST_AT_ONCE = 16  # requests
ANSWER_S = 60.0  # for a reply
_LONGEST = 100  # bytes of a path: sockaddr_un has 104 or 108
_PIECE = 1 << 16


class Request(msgspec.Struct, frozen=True):
    """What a command asks: `status`, `reload` (of the settings), `stop`, or what else the process knows to do."""

    do: str
    path: str = ""
    how: str = ""


class Reply(msgspec.Struct, frozen=True):
    """The answer. `message` is a sentence for a person, where `done` is false the reason."""

    done: bool = True
    message: str = ""
    status: Status | None = None


class Control:
    """The listening side: a thread that listens, and one for each request under way, until it is closed."""

    def __init__(self, folder: Path, answer: Callable[[Request], Reply], *, through_proc: bool | None = None) -> None:
        """Listen in the state folder, whose lock this process holds; what an earlier one left there is removed.

        Args:
            folder: the state folder of the root.
            answer: is called in threads of ours, of several requests at once.
            through_proc: whether a long path is reached through /proc; by default where there is one.
        """
        self._path = folder / NAME
        self._answer = answer
        _remove(self._path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._wake, self._woken = socket.socketpair()
        try:
            with _place(self._path, through_proc=_has_proc() if through_proc is None else through_proc) as place:
                self._listener.bind(place)
            self._path.chmod(0o600)  # follows the link where there is one
            self._listener.listen(16)
        except OSError:
            self._close_sockets()
            raise
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Answer no more; return once the requests under way are answered."""
        self._wake.send(b"\0")
        self._thread.join()
        for _ in range(MOST_AT_ONCE):
            self._free.acquire()
        _remove(self._path)
        self._close_sockets()

    def _close_sockets(self) -> None:
        for each in (self._listener, self._wake, self._woken):
            each.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._woken in ready:
                    return
                try:
                    connection, _ = self._listener.accept()
                except OSError:  # the peer has gone, or this process has too many files open for the moment
                    time.sleep(0.05)
                    continue
                self._free.acquire()  # a client that says nothing is waited for no longer than WAIT_S
                threading.Thread(target=self._serve_one, args=(connection,), name="control", daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):  # whoever asked has gone, or says nothing
                self._answer_one(connection)
        finally:
            self._free.release()

    def _answer_one(self, connection: socket.socket) -> None:
        line = _read_line(connection, time.monotonic() + WAIT_S)
        try:
            reply = self._answer(msgspec.json.decode(line, type=Request))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reply = Reply(done=False, message=f"This is no request: {error}.")
        except Exception as error:  # noqa: BLE001 -- the root of a thread: a fault ends neither it nor the sync
            reply = Reply(done=False, message=f"{error}" or type(error).__name__)
        connection.settimeout(WAIT_S)
        connection.sendall(encode(reply) + b"\n")


def ask(folder: Path, request: Request, is_held: Callable[[], bool]) -> Reply | None:
    """Ask the process that syncs a root; return None if none does, and remove what one that is gone left.

    Args:
        folder: the state folder of the root.
        request: what to ask.
        is_held: whether a process has the root's lock, which alone decides (Root.is_held).

    Raises:
        ClientError: one does, and does not answer.
    """
    deadline_s = time.monotonic() + WAIT_S
    while True:
        connection = _connect(folder / NAME)
        if connection is not None:
            break
        if not is_held():
            return None
        if time.monotonic() > deadline_s:
            raise ClientError("The process that keeps this folder in step does not answer.")
        time.sleep(0.05)  # it has just started: its lock comes before its socket
    with connection:
        try:
            connection.sendall(encode(request) + b"\n")
            return msgspec.json.decode(_read_line(connection, time.monotonic() + ANSWER_S), type=Reply)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            if not is_held():  # it has just ended
                return None
            raise ClientError(f"The process that keeps this folder in step gave no answer: {error}.") from error


def _connect(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(WAIT_S)
    try:
        with _place(path, through_proc=_has_proc(), there=True) as place:
            connection.connect(place)
    except OSError:
        connection.close()
        return None
    return connection


def _read_line(connection: socket.socket, deadline_s: float) -> bytes:
    """Return what comes up to a line end or the peer's end; raise OSError if it is too long or too slow."""
    content = bytearray()
    while not content.endswith(b"\n"):
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or len(content) > MOST_BYTES:
            raise TimeoutError("it took too long, or said too much")
        connection.settimeout(left_s)
        piece = connection.recv(_PIECE)
        if not piece:
            break
        content += piece
    return bytes(content)


@contextmanager
def _place(path: Path, *, through_proc: bool, there: bool = False) -> Iterator[str]:
    """Give a name of the socket that is short enough to bind or (`there`) to connect to."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
    elif there and path.is_symlink():
        yield str(_checked(path.readlink()))
    elif through_proc:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{descriptor}/{path.name}"
        finally:
            os.close(descriptor)
    elif not there:
        short = Path(tempfile.mkdtemp(prefix="cairn-")) / NAME
        path.symlink_to(short)
        yield str(short)
    else:
        raise FileNotFoundError(path)


def _checked(short: Path) -> Path:
    """Return the socket behind a link; raise OSError if its folder is another user's by now."""
    status = short.parent.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise PermissionError(short)
    return short


def _remove(path: Path) -> None:
    """Remove a socket and, where it lies behind a link, its folder."""
    if path.is_symlink():
        with suppress(OSError):
            shutil.rmtree(_checked(path.readlink()).parent)
    path.unlink(missing_ok=True)


def _has_proc() -> bool:
    return sys.platform == "linux" and Path("/proc/self/fd").is_dir()
