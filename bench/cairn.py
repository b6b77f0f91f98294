"""Runs Cairn as a person would: `cairn serve` as a process, and `cairn put` beside it."""

import json
import os
import resource
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.programs import curl, free_port, wait_until_ready

CAIRN = str(Path(sys.executable).with_name("cairn"))
USER, PASSWORD = "bench", "measured by nobody else"


@dataclass(frozen=True)
class Server:
    """A running server, reached on loopback."""

    url: str
    process: subprocess.Popen[bytes]

    def memory_mib(self, which: str) -> float:
        """Give `VmRSS`, what is resident now, or `VmHWM`, the most there ever was (proc(5))."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines()
        kib = next(line for line in lines if line.startswith(f"{which}:")).split()[1]
        return int(kib) / 1024

    def cpu_s(self) -> float:
        """Give the seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime (proc(5))


@dataclass(frozen=True)
class Device:
    """A device logged in at a server: the command line with a home of its own, and a token for curl."""

    server: Server
    environ: dict[str, str]
    token: str

    def put(self, source: Path, path: str) -> None:
        """Upload a file."""
        self._cairn("put", str(source), path)

    def put_tree(self, source: Path, path: str) -> None:
        """Upload a tree."""
        self._cairn("put", "-r", str(source), path)

    def get_content(self, path: str, target: str = os.devnull) -> None:
        """Download a file's content with curl; the token does not show in the list of processes."""
        file = self._ask(f"/api/v1/files?path={path}")
        header = f'header = "Authorization: Bearer {self.token}"'
        url = f"{self.server.url}/api/v1/files/{file['file_id']}/content"
        curl("--config", "-", "--output", target, url, config=header)

    def make_app_password(self) -> str:
        """Make a password for WebDAV."""
        made = self._ask("/api/v1/app-passwords", {"name": "bench"})
        password: str = made["password"]
        return password

    def _cairn(self, *arguments: str) -> None:
        subprocess.run([CAIRN, *arguments, "--quiet"], env=self.environ, stdout=subprocess.DEVNULL, check=True)

    def _ask(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, data=content, headers=headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def run_cairn(folder: Path, *, admin: bool = True) -> Iterator[Server]:
    """Start a server on a free port with its data in `folder`, made with an admin or without, and end it afterwards.

    Raises:
        NotStartedError: it did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    if admin:
        environ |= {"CAIRN_ADMIN_USER": USER, "CAIRN_ADMIN_PASSWORD": PASSWORD}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [CAIRN, "serve", "--data", folder / "data", "--port", str(port)], env=environ, stderr=log
        )
    try:
        wait_until_ready(process, port, "/readyz", folder / "log")
        yield Server(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait()


def log_in(server: Server, home: Path, *, user: str = USER) -> Device:
    """Make a device with its state in `home`, and a token beside it for what curl fetches."""
    environ = os.environ | {"CAIRN_HOME": str(home)}
    command = [CAIRN, "login", server.url, "--user", user, "--password-stdin", "--quiet"]
    subprocess.run(command, env=environ, input=PASSWORD.encode(), stdout=subprocess.DEVNULL, check=True)
    body = json.dumps({"username": user, "password": PASSWORD, "device_name": "curl"}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/api/v1/login", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        token: str = json.load(answer)["token"]
    return Device(server, environ, token)


def children_cpu_s() -> float:
    """Give the seconds of processor time of all programs that this process has run to their end."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
