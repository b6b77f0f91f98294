"""Measures what this machine can do at most, so that the other figures can be read on another one."""

import hashlib
import multiprocessing
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import zstandard

from bench.inputs import MIB
from bench.results import Result

_SYNCS = 200
_CONNECT_TIMEOUT_S = 20


def measure_limits(folder: Path, *, size: int, rounds: int) -> list[Result]:
    """Measure hashing, compression, loopback and disk, each `rounds` times over `size` bytes (a multiple of 2 MiB)."""
    noise = os.urandom(MIB)
    text = b"".join(path.read_bytes() for path in sorted(Path(os.__file__).parent.glob("*.py")))[:MIB]

    def rate(name: str, act: Callable[[], float]) -> Result:
        return Result(name, "MiB/s", [size / MIB / act() for _ in range(rounds)])

    return [
        rate("SHA-256, one thread", lambda: _timed(lambda: _hash(noise, size))),
        rate("SHA-256, two threads", lambda: _timed(lambda: _hash_in_two_threads(noise, size))),
        rate("zstd level 1, random bytes", lambda: _timed(lambda: _compress(noise, size))),
        rate("zstd level 1, source text", lambda: _timed(lambda: _compress(text, size))),
        rate("TCP over loopback, one connection", lambda: _loopback_s(size)),
        rate("write one file, then fsync", lambda: _write_s(folder / "written", noise, size)),
        Result("append 4 KiB, then fdatasync", "ms", [_sync_ms(folder / "synced") for _ in range(rounds)]),
    ]


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _hash(piece: bytes, size: int) -> None:
    for _ in range(size // len(piece)):
        hashlib.sha256(piece).digest()


def _hash_in_two_threads(piece: bytes, size: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_hash, (piece, piece), (size // 2, size // 2)))


def _compress(piece: bytes, size: int) -> None:
    compressor = zstandard.ZstdCompressor(level=1)
    for _ in range(size // len(piece)):
        compressor.compress(piece)


def _loopback_s(size: int) -> float:
    """Receive `size` bytes from another process; give the seconds from its first byte on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_CONNECT_TIMEOUT_S)
        sender = multiprocessing.get_context("spawn").Process(target=_send, args=(listener.getsockname(), size))
        sender.start()
        connection, _ = listener.accept()
        with connection:
            passed = _timed(lambda: _drain(connection))
        sender.join()
    return passed


def _drain(connection: socket.socket) -> None:
    buffer = bytearray(MIB)
    while connection.recv_into(buffer):
        pass


def _send(address: tuple[str, int], size: int) -> None:
    piece = bytes(MIB)
    with socket.create_connection(address) as connection:
        for _ in range(size // MIB):
            connection.sendall(piece)


def _write_s(path: Path, piece: bytes, size: int) -> float:
    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for _ in range(size // len(piece)):
                file.write(piece)
            os.fsync(file.fileno())

    passed = _timed(write)
    path.unlink()
    return passed


def _sync_ms(path: Path) -> float:
    """Append and sync some times; give the mean time of one, in milliseconds."""
    piece = os.urandom(4096)
    with path.open("wb", buffering=0) as file:

        def append() -> None:
            for _ in range(_SYNCS):
                file.write(piece)
                os.fdatasync(file.fileno())

        passed = _timed(append)
    path.unlink()
    return passed / _SYNCS * 1000
