"""Real S3 servers for tests, each a process of its own on free loopback ports, from the packages of the test extra."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import urllib3
from minio import Minio
from minio.error import MinioException

from storage.s3.bucket import Bucket
from storage.s3.bundled import free_ports

KEY, SECRET, BUCKET = "tester", "a-secret-of-the-tests", "chunks"
START_S = 60.0
STOP_S = 20.0


def program(name: str) -> str:
    """Return the path of a program, or skip the test."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(f"there is no {name} on this machine")
    return found


@dataclass
class S3Server:
    """A server that may be stopped and started again on its port and data."""

    command: list[str]
    port: int
    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def bucket(self) -> Bucket:
        return Bucket(f"http://127.0.0.1:{self.port}", BUCKET, KEY, SECRET)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_S
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < end, "the object server did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_S)
            self.process = None

    def _answers(self) -> bool:
        try:
            urllib3.PoolManager(retries=False, timeout=1.0).request("GET", f"http://127.0.0.1:{self.port}/{BUCKET}/x")
        except urllib3.exceptions.HTTPError:
            return False
        return True


@contextlib.contextmanager
def running(kind: str, folder: Path) -> Iterator[S3Server]:
    """Run a server of a kind for the time of a block; its bucket is there."""
    server = _SERVERS[kind](folder)
    try:
        server.start()
        _make_bucket(server)
        yield server
    finally:
        server.stop()


def _make_bucket(server: S3Server) -> None:
    sdk = Minio(f"127.0.0.1:{server.port}", access_key=KEY, secret_key=SECRET, secure=False, region="us-east-1")
    end = time.monotonic() + START_S
    while True:
        try:
            if not sdk.bucket_exists(BUCKET):
                sdk.make_bucket(BUCKET)
        except (MinioException, urllib3.exceptions.HTTPError, OSError):  # a server answers before it is ready
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def _seaweedfs(folder: Path) -> S3Server:
    data = folder / "weed"
    data.mkdir(exist_ok=True)
    s3, master, filer, volume, admin = free_ports(5)
    ports = [f"-s3.port={s3}", f"-master.port={master}", f"-filer.port={filer}", f"-volume.port={volume}"]
    ports.append(f"-admin.port={admin}")
    off = ["-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command = [program("weed"), "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *ports, *off]
    environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    return S3Server(command, s3, folder / "weed.log", environment)


def _rclone(folder: Path) -> S3Server:
    data = folder / "rclone"
    data.mkdir(exist_ok=True)
    (port,) = free_ports(1)
    address = ["--addr", f"127.0.0.1:{port}", "--vfs-cache-mode", "off"]
    command = [program("rclone"), "serve", "s3", "--auth-key", f"{KEY},{SECRET}", *address, str(data)]
    return S3Server(command, port, folder / "rclone.log", {"RCLONE_CONFIG": str(folder / "none.conf")})


def _minio(folder: Path) -> S3Server:
    data = folder / "minio"
    data.mkdir(exist_ok=True)
    port, console = free_ports(2)
    addresses = ["--address", f"127.0.0.1:{port}", "--console-address", f"127.0.0.1:{console}"]
    environment = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off"}
    return S3Server([program("minio"), "server", *addresses, str(data)], port, folder / "minio.log", environment)


_SERVERS = {"seaweedfs": _seaweedfs, "rclone": _rclone, "minio": _minio}
KINDS = tuple(_SERVERS)


def part(bucket: Bucket, name: str) -> Bucket:
    """Return a part of a bucket that is a test's own."""
    return replace(bucket, prefix=f"{name}/")
