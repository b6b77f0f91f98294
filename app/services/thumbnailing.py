"""Makes thumbnails in a process apart, which is started when one is wanted, watched, and ended when it misbehaves.

Pillow and its decoders are loaded there and never here, so the server's own memory does not grow by them, and a picture
that breaks them breaks that process alone.
"""

import os
import socket
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from app.errors import UnavailableError
from app.repositories.thumbnails import Thumbnail

PATIENCE_S = 20.0
"""How long one picture may take."""
LARGEST = 4 * 1024 * 1024
"""Bytes of an answer that are believed."""
IN_MEMORY = 32 * 1024 * 1024
"""Bytes of a source up to which it lies in memory while it is decoded; a larger one lies on disk, without a name."""
FAILED = Thumbnail(None, b"")

_PROGRAM = Path(__file__).parents[1] / "thumbnailer.py"
_QUESTION = struct.Struct(">H")
_ANSWER = struct.Struct(">BI")
_MEDIA_TYPES = MappingProxyType({1: "image/jpeg", 2: "image/webp"})
_ENVIRONMENT = MappingProxyType({"MALLOC_ARENA_MAX": "1", "LC_ALL": "C.UTF-8"})


class _GoneError(Exception):
    """The process ended before it was asked anything: it does so when it had nothing to do, or has done its share."""


class Thumbnailer:
    """One process, or none while nothing was asked for. Every method blocks; one thread at a time may call them."""

    def __init__(self) -> None:
        """Begin without a process."""
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def make(self, source: BinaryIO, edge: int) -> Thumbnail:
        """Return a picture no longer than `edge` pixels on either side; `FAILED` where none can be made of the source.

        Args:
            source: an open file, of which the process gets a handle of its own.

        Raises:
            UnavailableError: no process can be started.
        """
        for _ in range(2):
            try:
                return self._ask(source, edge)
            except _GoneError:
                self.close()
            except OSError:  # it broke, was ended for its memory or processor time, or took too long
                self.close()
                break
        return FAILED

    @property
    def process_id(self) -> int | None:
        """The system's number of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def dismiss(self) -> None:
        """Let the process end when it has answered, as it does by itself after a while without a question."""
        if self._line is not None:
            self._line.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """End the process, whatever it does; for another thread than the one that waits for it."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process and take leave of it."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._line = None

    def _ask(self, source: BinaryIO, edge: int) -> Thumbnail:
        line = self._line if self._line is not None else self._start()
        os.lseek(source.fileno(), 0, os.SEEK_SET)
        try:
            socket.send_fds(line, [_QUESTION.pack(edge)], [source.fileno()])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _GoneError from error
        kind, size = _ANSWER.unpack(self._receive(line, _ANSWER.size))
        if kind not in _MEDIA_TYPES or size > LARGEST:
            return FAILED
        return Thumbnail(_MEDIA_TYPES[kind], self._receive(line, size))

    def _start(self) -> socket.socket:
        """Start the process: it gets its end of the line, and nothing else of the server's."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - a program of our own
                    [sys.executable, "-I", "-B", str(_PROGRAM), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=dict(_ENVIRONMENT),
                    cwd="/",
                    start_new_session=True,  # a Ctrl-C at the terminal is for the server to answer
                )
            except OSError as error:
                ours.close()
                raise UnavailableError("No thumbnail can be made at the moment.") from error
        ours.settimeout(PATIENCE_S)
        self._line = ours
        return ours

    def _receive(self, line: socket.socket, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            piece = line.recv(size - len(received))
            if not piece:
                process = self._process
                if not received and process is not None and process.wait(PATIENCE_S) == 0:
                    raise _GoneError
                raise ConnectionResetError("the thumbnailer ended in the middle of a picture")
            received += piece
        return bytes(received)


def scratch(size: int, folder: Path) -> BinaryIO:
    """Return an empty file without a name for a source of `size` bytes, gone when it is closed.

    Raises:
        OSError: there is no room for it.
    """
    if size <= IN_MEMORY:
        with suppress(AttributeError):  # Linux alone has it
            return os.fdopen(os.memfd_create("thumbnail"), "w+b", buffering=0)
    return tempfile.TemporaryFile(dir=folder, buffering=0)
