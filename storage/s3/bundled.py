"""An object server beside Cairn, as a child process: started, watched, started again, and stopped after all else.

It listens on this machine alone, under a name and a secret that are made at its first start and go to it in its
environment. It dies with us, whatever we die of.
"""

import contextlib
import fcntl
import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from storage.disk import Disk, replace_file
from storage.errors import BadStoreError, StoreUnavailableError
from storage.s3.bucket import Bucket
from storage.s3.privacy import keep_private

BUCKET = "cairn"
START_S = 60.0
STOP_S = 8.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
STEADY_S = 60.0
"""After so long a run the next wait is the first one again."""
_POLL_S = 0.1
_LAST_LINES = 20
_TWIN = 10_000  # SeaweedFS listens for its own kind at each of its ports and so much above it
_FIRST_PORT, _PORTS = 12_000, 20_000
_HOST = "127.0.0.1"
_DIES_WITH_US = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """How to run a kind of object server: its command, what goes into its environment, and what is set up once."""

    command: Sequence[str]
    environment: Mapping[str, str]
    port: int
    set_up: tuple[Sequence[str], str] | None = None


class ObjectServer:
    """One object server on a folder of its own; two of them on one folder cannot be."""

    def __init__(self, kind: str, folder: Path, disk: Disk) -> None:
        """Prepare; nothing runs yet.

        Args:
            kind: minio or seaweedfs.
            folder: where it keeps its things, and we its secret.
        """
        self._kind = kind
        self._folder = folder
        self._disk = disk
        self._data = folder / "data"
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._lock: int | None = None
        self._synced: int | None = None

    def start(self) -> Bucket:
        """Start it, and return its bucket once it can be used. Blocks.

        Raises:
            BadStoreError: its program is not there, or it does not come up.
            StoreUnavailableError: another one runs on the folder.
        """
        for made in (self._folder, self._data):
            self._disk.make_folder(made)
        self._lock = _locked(self._folder / "lock")
        self._synced = self._disk.open_folder(self._data)
        access_key, secret_key = self._secrets()
        if self._kind == "seaweedfs":
            keep_private(self._folder.absolute(), self._disk)
        program = _PROGRAMS[self._kind](self._data, access_key, secret_key)
        self._thread = threading.Thread(target=self._keep_running, args=(program,), name="object server", daemon=True)
        self._thread.start()
        bucket = Bucket(f"http://{_HOST}:{program.port}", BUCKET, access_key, secret_key)
        try:
            self._wait(bucket)
            self._set_up(program)
        except BaseException:
            self.close()
            raise
        _log.info("%s runs beside the server, for this machine alone", self._kind)
        return bucket

    def settle(self) -> None:
        """Make durable what it has written: it answers a put before its own index of objects is on the disk."""
        if self._synced is not None and self._disk.can_syncfs(self._data):
            self._disk.syncfs(self._synced)

    @property
    def process_id(self) -> int | None:
        """Of the child that runs, None while there is none."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """Stop it, in time or else at once."""
        self._closing.set()
        process = self._process
        if process is not None:
            process.terminate()
        if self._thread is not None:
            self._thread.join(STOP_S)
            if self._thread.is_alive() and self._process is not None:
                self._process.kill()
            self._thread.join()
        for descriptor in (self._lock, self._synced):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._synced = None

    def _keep_running(self, program: Program) -> None:
        """Run it again and again until it is to stop. The child hangs by this thread, which lives as long as it may."""
        wait = FIRST_WAIT_S
        while not self._closing.is_set():
            begun = time.monotonic()
            code = self._run(program)
            if self._closing.is_set():
                return
            if time.monotonic() - begun > STEADY_S:
                wait = FIRST_WAIT_S
            _log.error("the object server ended with %d and is started again: %s", code, " | ".join(self._lines))
            self._closing.wait(wait)
            wait = min(LONGEST_WAIT_S, wait * 2)

    def _run(self, program: Program) -> int:
        launcher = [sys.executable, "-I", "-S", "-c", _DIES_WITH_US, str(os.getpid()), *program.command]
        with subprocess.Popen(  # noqa: S603 - a program that the operator installed
            launcher,
            env=self._environment(program),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            self._process = process
            if self._closing.is_set():
                process.terminate()
            if process.stdout is not None:
                for line in process.stdout:
                    self._lines.append(_masked(line, program.environment))
        self._process = None
        return process.returncode

    def _environment(self, program: Program) -> dict[str, str]:
        return {"PATH": os.defpath, "HOME": str(self._folder.absolute()), **program.environment}

    def _wait(self, bucket: Bucket) -> None:
        """Wait until the bucket is there."""
        http = urllib3.PoolManager(retries=False, timeout=5.0)
        host = bucket.endpoint.removeprefix("http://")
        sdk = Minio(
            host,
            access_key=bucket.access_key,
            secret_key=bucket.secret_key,
            secure=False,
            region=bucket.region,
            http_client=http,
        )
        end = time.monotonic() + START_S
        while True:
            try:
                if not sdk.bucket_exists(BUCKET):
                    sdk.make_bucket(BUCKET)
            except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
                if time.monotonic() > end:
                    told = " | ".join(self._lines) or str(error)
                    raise BadStoreError(f"The object server {self._kind} does not come up: {told}") from error
                self._closing.wait(_POLL_S)
            else:
                return

    def _set_up(self, program: Program) -> None:
        """Do once what it has to be told after its first start."""
        done = self._folder / "set-up"
        if program.set_up is None or done.exists():
            return
        command, told = program.set_up
        try:
            subprocess.run(  # noqa: S603 - as above
                command,
                input=told.encode(),
                check=True,
                capture_output=True,
                timeout=START_S,
                env=self._environment(program),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise BadStoreError(f"The object server {self._kind} cannot be set up: {error}") from error
        replace_file(self._disk, done, b"1\n")

    def _secrets(self) -> tuple[str, str]:
        """Return name and secret, made at the first start."""
        path = self._folder / "access.json"
        try:
            known = json.loads(self._disk.read(path))
        except FileNotFoundError:
            known = {"access_key": secrets.token_hex(10), "secret_key": secrets.token_urlsafe(30)}
            replace_file(self._disk, path, json.dumps(known).encode())
        return str(known["access_key"]), str(known["secret_key"])


def _seaweedfs(data: Path, access_key: str, secret_key: str) -> Program:
    weed = _found("weed")
    s3, master, filer, volume, admin = free_ports(5)
    command = [
        *(weed, "mini", f"-dir={data}", f"-ip={_HOST}", f"-ip.bind={_HOST}", f"-bucket={BUCKET}"),
        *(f"-s3.port={s3}", f"-master.port={master}", f"-filer.port={filer}"),
        *(f"-volume.port={volume}", f"-admin.port={admin}"),
        *("-admin.ui=false", "-disableHttp", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]
    shell = [weed, "shell", f"-master={_HOST}:{master}", f"-filer={_HOST}:{filer}"]
    told = f"lock\nfs.configure -locationPrefix=/buckets/{BUCKET} -fsync=true -apply\nunlock\n"
    environment = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    return Program(command, environment, s3, (shell, told))


def _minio(data: Path, access_key: str, secret_key: str) -> Program:
    port, console = free_ports(2)
    addresses = ("--address", f"{_HOST}:{port}", "--console-address", f"{_HOST}:{console}")
    environment = {"MINIO_ROOT_USER": access_key, "MINIO_ROOT_PASSWORD": secret_key, "MINIO_BROWSER": "off"}
    return Program((_found("minio"), "server", *addresses, str(data)), environment, port)


_PROGRAMS = {"seaweedfs": _seaweedfs, "minio": _minio}


def _found(name: str) -> str:
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if path is None:
        raise BadStoreError(f"There is no program {name} on this machine: install it, or set storage.s3.endpoint.")
    return path


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, nor at their twins, and that the system gives to nobody who asks for any."""
    found: list[int] = []
    while len(found) < count:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        if port not in found and _is_free(port) and _is_free(port + _TWIN):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as one:
        try:
            one.bind((_HOST, port))
        except OSError:
            return False
    return True


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreUnavailableError("the object server of this folder is run by another process") from error
    return descriptor


def _masked(line: bytes, secret: Mapping[str, str]) -> str:
    text = line.decode("utf-8", "replace").rstrip()
    for value in secret.values():
        text = text.replace(value, "…")
    return text


@contextlib.contextmanager
def object_server(kind: str, folder: Path, disk: Disk) -> Iterator[tuple[ObjectServer, Bucket]]:
    """Run an object server for the time of a block; raises as `start` does."""
    server = ObjectServer(kind, folder, disk)
    try:
        yield server, server.start()
    finally:
        server.close()
