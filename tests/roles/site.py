"""A server whose roles run in processes of their own, behind a real nginx set up as docs/roles.md says."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.s3.bucket import Bucket
from storage.s3.client import SdkClient
from storage.s3.keys import OBJECTS
from tests import server as processes
from tests.device import Device
from tests.nginx import in_manual, nginx
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer, free_port

PATIENCE_S = 90.0
SAID = {"chunks": b"serves the chunks", "sync": b"serves the feed"}


class Site:
    """A main process, those beside it, and nginx before them."""

    def __init__(self, main: RunningServer, environment: Mapping[str, str]) -> None:
        """Take a main process, and in what environment others run; nothing stands beside it yet."""
        self.main = main
        self._environment = {**os.environ, **environment}
        self.port = free_port()
        self.ports = {role: free_port() for role in SAID}
        self.beside: dict[str, list[subprocess.Popen[bytes]]] = {role: [] for role in SAID}

    def start(self, role: str, data: Path | None = None) -> None:
        """Start one more process of a role, by default on the main one's data folder; wait until it serves."""
        command = [sys.executable, "-m", "client", "serve", "--data", str(data or self.main.data), "--role", role]
        started = subprocess.Popen(
            [*command, "--port", str(self.ports[role])], env=self._environment, stderr=subprocess.PIPE
        )
        self.beside[role].append(started)
        self.hear(role, started)

    def hear(self, role: str, process: "subprocess.Popen[bytes]") -> None:
        """Wait until a process says that it serves."""
        assert process.stderr is not None
        while SAID[role] not in (line := process.stderr.readline()):
            assert line, "it ended"

    def kill(self, role: str) -> None:
        """End the oldest process of a role as a crash does."""
        self.beside[role][0].kill()
        self.beside[role].pop(0).communicate()

    def kill_main(self) -> None:
        """End the main process as a crash does, and start it again."""
        self.main.kill()
        self.main.start()

    def begin_anew(self, environment: Mapping[str, str], data: Path | None = None) -> None:
        """End all of them well, and start them with further settings, those beside the main one on their folder."""
        counts = {role: len(running) for role, running in self.beside.items()}
        for one in (*self.beside["chunks"], *self.beside["sync"]):
            one.terminate()
            one.communicate(timeout=PATIENCE_S)
        self.beside = {role: [] for role in self.beside}
        self.main.stop()
        self._environment |= environment
        self.main.environment |= environment
        self.main.start()
        for role, count in counts.items():
            for _ in range(count):
                self.start(role, data)

    def close(self) -> None:
        """End all of them."""
        for one in (*self.beside["chunks"], *self.beside["sync"]):
            one.kill()
            one.communicate()
        self.main.close()

    def ask(self, method: str, target: str, body: object = None, **headers: str) -> tuple[int, Any, bytes]:
        """Return status, headers and body, through nginx."""
        connection = self.begin(method, target, body, **headers)
        try:
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def begin(self, method: str, target: str, body: object = None, **headers: str) -> http.client.HTTPConnection:
        """Send a request through nginx, and leave its answer to the caller; a body is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        data = None if body is None else json.dumps(body)
        connection.request(method, target, data, sent if body is None else {"Content-Type": "application/json", **sent})
        return connection

    def log_in(self, home: Path, user: str = ADMIN) -> tuple[Device, str]:
        """Return a device that has logged in through nginx, and its token."""
        device = Device(home)
        url = f"http://127.0.0.1:{self.port}"
        device.ok("login", url, "--user", user, "--password-stdin", stdin=f"{PASSWORD}\n")
        return device, json.loads((home / "login.json").read_text())["token"]

    @property
    def is_up(self) -> bool:
        """Whether the main process answers through nginx."""
        try:
            return self.ask("GET", "/healthz")[0] == http.HTTPStatus.OK
        except OSError:
            return False


@contextmanager
def opened(folder: Path, *roles: str, main: str = "all", environment: Mapping[str, str] = NO_RESERVE) -> Iterator[Site]:
    """Run a site while entered.

    Args:
        folder: for all its files.
        roles: of the processes beside the main one, one each.
        main: the role of that.
        environment: of all of them.
    """
    data = folder / "data"
    environment = {**processes.STORE(data), **environment, "CAIRN_METRICS__OPEN": "true"}
    server = RunningServer(data, environment, role=main).start()
    site = Site(server, environment)
    documented = (
        re.sub(r" *ssl_certificate.*\n", "", in_manual("roles.md"))
        .replace("listen 443 ssl", f"listen 127.0.0.1:{site.port}")
        .replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
        .replace("127.0.0.1:8081", f"127.0.0.1:{site.ports['chunks']}")
        .replace("127.0.0.1:8082", f"127.0.0.1:{site.ports['sync']}")
        .replace("/var/cache/nginx/cairn", str(folder / "cache"))
    )
    if main == "api":
        documented = re.sub(r" server \S+ backup;", "", documented)
    try:
        with nginx(folder, documented):
            for role in roles:
                site.start(role)
            until(lambda: site.is_up)
            yield site
    finally:
        site.close()


def in_bucket(bucket: Bucket) -> dict[str, str]:
    """Return the settings of a server whose chunks lie in a bucket."""
    return {
        **NO_RESERVE,
        "CAIRN_STORAGE__BACKEND": "s3",
        "CAIRN_STORAGE__S3__ENDPOINT": bucket.endpoint,
        "CAIRN_STORAGE__S3__BUCKET": bucket.name,
        "CAIRN_STORAGE__S3__PREFIX": bucket.prefix,
        "CAIRN_STORAGE__S3__ACCESS_KEY": bucket.access_key,
        "CAIRN_STORAGE__S3__SECRET_KEY": bucket.secret_key,
    }


def objects(bucket: Bucket) -> int:
    """Return how many objects of chunks there are."""
    return sum(1 for _ in SdkClient(bucket).keys(OBJECTS))


def received(site: Site) -> int:
    """Return how many bytes of bodies the main process has read."""
    found = re.search(rb"cairn_received_bytes_total (\d+)", site.ask("GET", "/metrics")[2])
    assert found is not None
    return int(found[1])


def until(holds: Callable[[], bool]) -> None:
    """Wait for what other processes bring about, and tell nobody."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
