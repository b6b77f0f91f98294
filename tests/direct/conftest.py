"""Servers whose clients may go to the object server themselves, and what passes through them all the same."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from minio import Minio

from tests.device import Device
from tests.direct.relay import Relay, relayed
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer, free_port
from tests.storage.makers import id_of
from tests.storage.servers import BUCKET, KEY, SECRET, S3Server, running

PREFIX = "cairn/"
PATIENCE_S = 60.0


@dataclass
class World:
    """A server of ours, a relay before it, and an object server, which clients reach under another of its names."""

    server: RunningServer
    relay: Relay
    objects: S3Server
    environment: Mapping[str, str]

    def lying(self, folder: str = "") -> list[str]:
        """Return what lies in the bucket below a folder of our prefix."""
        found = self.sdk.list_objects(BUCKET, prefix=PREFIX + folder, recursive=True)
        return [str(one.object_name).removeprefix(PREFIX) for one in found]

    @property
    def sdk(self) -> Minio:
        host = f"127.0.0.1:{self.objects.port}"
        return Minio(host, access_key=KEY, secret_key=SECRET, secure=False, region="us-east-1")

    def device(self, home: Path) -> Device:
        """Return a device that is logged in by way of the relay."""
        device = Device(home)
        device.ok("login", self.relay.url, "--user", ADMIN, "--password-stdin", stdin=f"{PASSWORD}\n")
        return device

    def fsck(self) -> int:
        """Return what comes of a look at all content."""
        command = [sys.executable, "-m", "client", "fsck", "--content", "--data", str(self.server.data)]
        return subprocess.run(command, env={**os.environ, **self.environment}, check=False, timeout=120).returncode


class Caller:
    """Calls the API with a device's token, and the object server with what that hands out."""

    def __init__(self, made: World, device: Device) -> None:
        self._world = made
        self._token = json.loads((device.home / "login.json").read_text())["token"]
        self._http = urllib3.PoolManager(retries=False, timeout=60)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and document of an answer."""
        answer = self._http.request(
            method,
            self._world.server.url + path,
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        return answer.status, json.loads(answer.data) if answer.data else None

    def get(self, path: str) -> bytes:
        """Return what is there."""
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._http.request("GET", self._world.server.url + path, headers=headers).data

    def upload(self, path: str, *chunks: bytes) -> dict[str, Any]:
        """Open an upload."""
        listed = [{"sha256": id_of(chunk).hex(), "size": len(chunk)} for chunk in chunks]
        status, answer = self.call(
            "POST", "/api/v1/uploadRequest", {"path": path, "size": sum(map(len, chunks)), "chunks": listed}
        )
        assert status == 201, answer
        opened: dict[str, Any] = answer
        return opened

    def put(self, direct: Mapping[str, Any], content: bytes, *, method: str = "PUT", **changed: str) -> int:
        """Use a way past the server; `changed` are other values of headers, by their names with `_` for `-`."""
        headers = {**direct["headers"], **{name.replace("_", "-"): value for name, value in changed.items()}}
        return self._http.request(method, direct["url"], body=content, headers=headers).status

    def fetch(self, direct: Mapping[str, Any]) -> tuple[int, bytes]:
        answer = self._http.request("GET", direct["url"])
        return answer.status, answer.data

    def commit(self, upload: Mapping[str, Any]) -> tuple[int, Any]:
        return self.call("POST", f"/api/v1/uploads/{upload['upload_id']}/commit")


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so at last."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)  # between two looks at a server that tells its state in no other way


@contextlib.contextmanager
def world(kind: str, folder: Path, module: str = "client", **settings: str) -> Iterator[World]:
    """Run all of it for the time of a block; `module` is what runs as our server."""
    port = free_port()
    with running(kind, folder) as objects, relayed(port) as relay:
        s3 = {
            "ENDPOINT": f"http://127.0.0.1:{objects.port}",
            "PUBLIC_ENDPOINT": f"http://localhost:{objects.port}",
            "BUCKET": BUCKET,
            "PREFIX": PREFIX,
            "ACCESS_KEY": KEY,
            "SECRET_KEY": SECRET,
        }
        environment = {
            **NO_RESERVE,
            "CAIRN_LOG__LEVEL": "debug",
            "CAIRN_SERVER__PUBLIC_URL": relay.url,
            "CAIRN_STORAGE__BACKEND": "s3",
            **{f"CAIRN_STORAGE__S3__{name}": value for name, value in s3.items()},
            **settings,
        }
        server = RunningServer(folder / "data", environment, module=module)
        server.port = port
        try:
            yield World(server.start(), relay, objects, environment)
        finally:
            server.close()


@pytest.fixture(scope="module")
def kind() -> str:
    """Which object server it is."""
    return "seaweedfs"


@pytest.fixture(scope="module")
def both(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(kind, tmp_path_factory.mktemp("both")) as made:
        yield made


@pytest.fixture(scope="module")
def device(both: World, tmp_path_factory: pytest.TempPathFactory) -> Device:
    return both.device(tmp_path_factory.mktemp("device"))


@pytest.fixture(scope="module")
def caller(both: World, device: Device) -> Caller:
    return Caller(both, device)
