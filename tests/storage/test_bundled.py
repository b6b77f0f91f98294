"""The object server that Cairn starts itself: for this machine alone, durable, and started again when it dies."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from storage.disk import LocalDisk
from storage.errors import BadStoreError, StorageError, StoreUnavailableError
from storage.s3 import reach
from storage.s3.bucket import Bucket
from storage.s3.bundled import ObjectServer, object_server
from storage.s3.client import SdkClient
from storage.s3.medium import S3Medium
from tests.storage.makers import noise, opened, put
from tests.storage.servers import program

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
LISTENS = "0A"
SETTINGS = b"\x04"
GRPC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + SETTINGS + bytes(5)
"""How a stranger begins to speak gRPC (RFC 9113, 3.4); who listens answers with settings of its own."""


class ToldDisk(LocalDisk):
    """A disk that tells of each syncfs, and what lay in the store then."""

    def __init__(self) -> None:
        self.synced = 0

    def can_syncfs(self, path: Path) -> bool:  # noqa: ARG002 - of any file system
        return True

    def syncfs(self, descriptor: int) -> None:
        self.synced += 1
        super().syncfs(descriptor)


@pytest.fixture(scope="module")
def disk() -> ToldDisk:
    return ToldDisk()


@pytest.fixture(scope="module", params=["seaweedfs", "minio"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, disk: ToldDisk
) -> Iterator[tuple[ObjectServer, Bucket, Path]]:
    program({"seaweedfs": "weed"}.get(request.param, request.param))
    folder = tmp_path_factory.mktemp("beside") / "object-server"
    with object_server(request.param, folder, disk) as (server, bucket):
        yield server, bucket, folder


def listened_by(process: int) -> list[tuple[str, int]]:
    """Return the addresses at which a process listens, as the kernel writes them, and the ports."""
    held = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(str(descriptor.readlink()))
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{name}").read_text("ascii").splitlines()
    ]
    ends = [parts[1].split(":") for parts in lines if parts[3] == LISTENS and f"socket:[{parts[9]}]" in held]
    return [(address, int(port, 16)) for address, port in ends]


def said_at(port: int, text: bytes) -> bytes:
    """Return what a port answers to somebody who has nothing to show; nothing where it ends the connection."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(text)
        return connection.recv(65_536)
    return b""


def test_it_is_for_this_machine_and_those_with_its_secret_alone(
    running: tuple[ObjectServer, Bucket, Path],
) -> None:
    server, bucket, folder = running
    process = server.process_id
    assert process is not None

    assert {address for address, _ in listened_by(process)} <= LOOPBACK
    assert bucket.secret_key.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
    files = [path for path in folder.iterdir() if path.is_file()]
    assert {"access.json", "lock"} <= {path.name for path in files}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (folder.stat().st_mode | (folder / "data").stat().st_mode) & 0o077 == 0
    with pytest.raises(StoreUnavailableError, match="another process"):
        ObjectServer("seaweedfs", folder, LocalDisk()).start()


def test_nobody_gets_past_its_secret_by_another_of_its_ports(running: tuple[ObjectServer, Bucket, Path]) -> None:
    server, bucket, _ = running
    process = server.process_id
    assert process is not None
    client = SdkClient(bucket)
    client.put("kept", b"what nobody else is to have")

    for _, port in listened_by(process):
        for path in ("/buckets/cairn/kept", "/cairn/kept", "/col/delete?collection=cairn"):
            answer = said_at(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            assert b"HTTP/1.1 2" not in answer, (port, path)
        assert said_at(port, GRPC)[3:4] != SETTINGS, port

    assert client.get("kept") == b"what nobody else is to have"


async def test_chunk_is_durable_there_and_what_dies_is_started_again(
    running: tuple[ObjectServer, Bucket, Path], disk: ToldDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, bucket, _ = running
    monkeypatch.setattr(reach, "FIRST_PROBE_S", 0.05)
    open_medium = partial(S3Medium.open, bucket=bucket, settle=server.settle)
    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium, flush_after_s=0.1) as store:
        first = await put(store, "u", noise(1))
        before = disk.synced
        await store.barrier(["u"])
        assert disk.synced == before + 1

        process = server.process_id
        assert process is not None
        os.kill(process, signal.SIGKILL)
        second = await put(store, "u", noise(2))
        async with asyncio.timeout(60):
            while second not in await store.present([second]):
                with contextlib.suppress(StorageError):
                    await store.barrier(["u"])
                await asyncio.sleep(0.01)

        assert server.process_id != process
        assert [await store.read(chunk_id) for chunk_id in (first, second)] == [noise(1), noise(2)]


def test_program_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    with pytest.raises(BadStoreError, match="no program weed"):
        ObjectServer("seaweedfs", tmp_path / "object-server", LocalDisk()).start()
