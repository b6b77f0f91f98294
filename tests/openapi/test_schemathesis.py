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
from typing import Any

import pytest

from tests.device import unmeasured
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer

CONFIG = Path(__file__).with_name("schemathesis.toml")
SEED = 20
EXAMPLES, SHORT_S, LONG_S = 6, 60, 300
STOP_S = 120
FURNITURE = 12


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server process that has one user, and room on whatever disk this is."""
    running = RunningServer(tmp_path / "data", NO_RESERVE)
    try:
        yield running.start()
    finally:
        running.close()


class Author:
    """Puts into the server what schemathesis then plays with."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.token: str | None = None
        login = {"username": ADMIN, "password": PASSWORD, "device_name": "schemathesis"}
        self.token = self.call("POST", "/api/v1/login", login)["token"]

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Make one call, with a JSON body or with bytes; return the JSON of the answer."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/octet-stream" if isinstance(body, bytes) else "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - our server
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - as above
            answer = reply.read()
        return json.loads(answer) if answer else None

    def furnish(self) -> dict[str, list[str]]:
        """Make some of everything; return the names of it by the name of the parameter that takes them."""
        names: dict[str, list[str]] = {name: [] for name in ("file_id", "version_id", "upload_id", "trash_id", "path")}
        for number in range(FURNITURE):
            path = f"/made {number}"
            folder = self.call("POST", "/api/v1/folders", {"path": path})
            file = self.call("PUT", f"/api/v1/files/content?path=/made%20{number}/file", b"content " * (number + 1))
            names["file_id"] += [folder["file_id"], file["file_id"]]
            names["version_id"].append(file["version_id"])
            names["path"] += [path, f"{path}/file", f"{path}/new"]
            wish = {"path": f"{path}/sent", "size": number, "append": True}
            names["upload_id"].append(self.call("POST", "/api/v1/uploadRequest", wish)["upload_id"])
            gone = self.call("PUT", f"/api/v1/files/content?path=/made%20{number}/gone", b"gone")["file_id"]
            self.call("DELETE", f"/api/v1/files/{gone}")
            names["trash_id"].append(gone)
        return names


def ask_everything(server: RunningServer, seed: int, seconds: int, *limits: str) -> None:
    """Run schemathesis for at most so long; fail with what it found and how to repeat it."""
    author = Author(server.url)
    values = [f"[dictionaries.{name}]\nvalues = {json.dumps(known)}\n" for name, known in author.furnish().items()]
    config = server.data.with_name("schemathesis.toml")
    config.write_text("\n".join((CONFIG.read_text("utf-8"), *values)), "utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(config), "run"]
    command += [f"{server.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {author.token}"]
    command += ["--seed", str(seed), "--max-time", str(seconds), "--generation-database", "none", *limits]
    run = subprocess.run(
        command,
        cwd=config.parent,
        env=unmeasured(os.environ),
        timeout=seconds + STOP_S,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, f"SCHEMATHESIS_SEED={seed}\n{run.stdout[-20_000:]}\n{run.stderr[-2000:]}"
    author.call("POST", "/api/v1/folders", {"path": "/made with a token that still works"})
    server.stop()
    log = server.log.read_text()
    assert "Traceback" not in log, log
    assert "ERROR" not in log, log


def test_a_server_asked_all_that_its_contract_allows_and_forbids_answers_as_declared(server: RunningServer) -> None:
    # So many calls and not so many seconds of them: a faster machine would make some that nobody has seen answered.
    seed = int(os.environ.get("SCHEMATHESIS_SEED", SEED))
    ask_everything(server, seed, SHORT_S, "--max-examples", str(EXAMPLES))


@pytest.mark.soak
@pytest.mark.timeout(LONG_S + 2 * STOP_S)
def test_a_server_asked_for_five_minutes_answers_as_declared(server: RunningServer) -> None:
    ask_everything(server, int(os.environ.get("SCHEMATHESIS_SEED", randbelow(2**32))), LONG_S)
