"""A whole server whose chunks lie on an object server: its own, which lives and dies with it, and one that fails."""

import contextlib
import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device import Device
from tests.server import NO_RESERVE, RunningServer
from tests.storage.faulty import Proxy, faulty
from tests.storage.makers import noise
from tests.storage.servers import BUCKET, KEY, SECRET, program, running

PATIENCE_S = 60.0
LARGE, SMALL = noise(1, 3_000_000), noise(2, 3_000)


def ask(server: RunningServer, method: str, path: str, token: str = "", body: bytes = b"") -> tuple[int, str, bytes]:
    """Return status, Retry-After and body of an answer."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, path, body, {"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After", ""), answer.read()


def reasons(server: RunningServer) -> list[str]:
    reasons: list[str] = json.loads(ask(server, "GET", "/readyz")[2])["reasons"]
    return reasons


def until_ready(server: RunningServer) -> None:
    end = time.monotonic() + PATIENCE_S
    while reasons(server):
        assert time.monotonic() < end
        time.sleep(0.02)  # between two questions to a process that tells its state in no other way


def child_of(server: RunningServer) -> int:
    assert server.process is not None
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    [child] = [int(child) for task in tasks for child in (task / "children").read_text().split() if _is_weed(child)]
    return child


def _is_weed(process: str) -> bool:
    return Path(f"/proc/{process}/comm").read_text().strip() == "weed"


def until_gone(process: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{process}/cmdline").exists() and Path(f"/proc/{process}/cmdline").read_bytes():
        assert time.monotonic() < end
        time.sleep(0.02)  # between two questions about a process that is not ours to wait for


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name, content in (("large", LARGE), ("small", SMALL)):
        (tmp_path / name).write_bytes(content)
    return [tmp_path / "large", tmp_path / "small"]


def test_object_server_of_its_own_lives_and_dies_with_the_server(tmp_path: Path, files: list[Path]) -> None:
    program("weed")
    backend = {"CAIRN_STORAGE__BACKEND": "seaweedfs"}
    server = RunningServer(tmp_path / "data", {**NO_RESERVE, **backend})
    try:
        server.start()
        device = Device(tmp_path / "home").login(server)
        for path in files:
            device.ok("put", path, f"/{path.name}")
        first = child_of(server)
        server.kill()
        until_gone(first)

        server.start()
        second = child_of(server)
        os.kill(second, signal.SIGKILL)
        device.ok("put", files[1], "/again")
        assert [device.ok("cat", path).out for path in ("/small", "/again")] == [SMALL, SMALL]
        until_gone(second)
        while device.run("cat", "/large").out != LARGE:
            assert server.process is not None
        third = child_of(server)
        server.stop()
        until_gone(third)
    finally:
        server.close()
    log = server.log.read_text()
    assert "started again" in log
    assert json.loads((server.data / "object-server" / "access.json").read_text())["secret_key"] not in log


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[tuple[RunningServer, Proxy]]:
    with running("rclone", tmp_path) as own, faulty(own.port) as (proxy, address):
        (tmp_path / "secret").write_text(SECRET)
        s3 = {
            "ENDPOINT": address,
            "BUCKET": BUCKET,
            "PREFIX": "cairn/",
            "ACCESS_KEY": KEY,
            "SECRET_KEY_FILE": str(tmp_path / "secret"),
            "READ_TIMEOUT_S": "2",
        }
        settings = {f"CAIRN_STORAGE__S3__{name}": value for name, value in s3.items()}
        server = RunningServer(tmp_path / "data", {**NO_RESERVE, "CAIRN_STORAGE__BACKEND": "s3", **settings})
        try:
            yield server.start(), proxy
        finally:
            server.close()


def test_server_without_its_object_server_says_so_and_goes_on_without_a_restart(
    failing: tuple[RunningServer, Proxy], tmp_path: Path, files: list[Path]
) -> None:
    server, proxy = failing
    device = Device(tmp_path / "home").login(server)
    for path in files:
        device.ok("put", path, f"/{path.name}")
    token = json.loads((device.home / "login.json").read_text())["token"]
    content = "/api/v1/files/content?path=/other"
    proxy.fail("hung")

    refused = ask(server, "PUT", content, token, LARGE[::-1])
    assert (refused[0], refused[1] != "") == (503, True)
    assert reasons(server) == ["store_unavailable"]
    assert device.ok("ls", "/").out
    assert device.ok("cat", "/small").out == SMALL  # a row of the index
    again = ask(server, "PUT", content, token, LARGE[::-1])
    assert again[0] == 503
    proxy.mend()

    until_ready(server)
    assert ask(server, "PUT", content, token, LARGE[::-1])[0] < 300
    assert device.ok("cat", "/other").out == LARGE[::-1]
    assert device.ok("cat", "/large").out == LARGE
    server.stop()
    assert SECRET not in server.log.read_text()
