"""Schemathesis asks a real server whatever the published contract allows and forbids, and holds each answer against it.

All its checks are on: no 5xx, no status, media type, header or body that is not declared, wrong requests refused, right
ones taken, no call without its token, nothing usable after it was deleted. `SCHEMATHESIS_SEED=…` repeats a run.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from secrets import randbelow

import pytest

from tests.server import ADMIN, PASSWORD, RunningServer

CONFIG = Path(__file__).with_name("schemathesis.toml")
SEED = 20
SHORT_S, LONG_S = 30, 300
STOP_S = 120


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server process that has one user, and room on whatever disk this is."""
    environment = {"CAIRN_LIMITS__FREE_DISK_BYTES": "0", "CAIRN_LIMITS__FREE_DISK_PERCENT": "0"}
    running = RunningServer(tmp_path / "data", environment)
    try:
        yield running.start()
    finally:
        running.close()


def call(server: RunningServer, path: str, body: object, token: str | None = None) -> bytes:
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)  # noqa: S310 - our server
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - as above
        answer: bytes = reply.read()
        return answer


def ask_everything(server: RunningServer, seed: int, seconds: int) -> None:
    """Run schemathesis; fail with what it found and how to repeat it."""
    login = {"username": ADMIN, "password": PASSWORD, "device_name": "schemathesis"}
    token = json.loads(call(server, "/api/v1/login", login))["token"]
    for path in ("/a", "/a/b", "/trash"):
        call(server, "/api/v1/folders", {"path": path}, token)
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(CONFIG), "run"]
    command += [f"{server.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}"]
    command += ["--seed", str(seed), "--max-time", str(seconds), "--generation-database", "none"]
    run = subprocess.run(
        command, cwd=server.data.parent, timeout=seconds + STOP_S, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, f"SCHEMATHESIS_SEED={seed}\n{run.stdout[-20_000:]}\n{run.stderr[-2000:]}"
    assert json.loads(call(server, "/api/v1/folders", {"path": "/still with a token that works"}, token))["file_id"]
    server.stop()
    log = server.log.read_text()
    assert "Traceback" not in log, log
    assert "ERROR" not in log, log


def test_a_server_asked_all_that_its_contract_allows_and_forbids_answers_as_declared(server: RunningServer) -> None:
    ask_everything(server, int(os.environ.get("SCHEMATHESIS_SEED", SEED)), SHORT_S)


@pytest.mark.soak
@pytest.mark.timeout(LONG_S + 2 * STOP_S)
def test_a_server_asked_for_five_minutes_answers_as_declared(server: RunningServer) -> None:
    ask_everything(server, int(os.environ.get("SCHEMATHESIS_SEED", randbelow(2**32))), LONG_S)
