"""`cairn store`: what it tells, and what it refuses in one sentence before anything has changed."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.control import ControlError, ask_server
from app.data_folder import DataFolder
from storage.disk import LocalDisk
from tests.device import Device
from tests.server import NO_RESERVE, RunningServer
from tests.storage.conftest import Servers
from tests.storage.servers import part


def test_a_move_that_cannot_be_is_refused_in_one_sentence(tmp_path: Path, servers: Servers) -> None:
    server = RunningServer(tmp_path / "data", NO_RESERVE).start()
    device, data = Device(tmp_path / "home"), ("--data", str(server.data))

    def refusal(operation: str, **arguments: Any) -> str:
        with pytest.raises(ControlError) as caught:
            asyncio.run(ask_server(DataFolder(server.data, LocalDisk()), operation, arguments))
        return str(caught.value)

    try:
        told = device.ok("store", "status", *data).out.decode()
        assert told.startswith("local: 0 chunks, 0 B, new chunks are put here\n")
        assert told.endswith("Nothing is to be done.\n")
        refused = device.run("store", "migrate", "--to", "local", *data)
        assert (refused.code, refused.err.count("\n")) == (1, 1)
        assert "Chunks lie in files already" in refused.err
        assert "No move is under way" in refusal("store.migrate", to=None, undo=True)
        assert "no old store to empty" in refusal("store.empty")
        serving = [sys.executable, "-m", "client", "serve", "--role", "chunks", *data, "--port", "0"]
        with subprocess.Popen(serving, stderr=subprocess.PIPE) as chunks:
            assert chunks.stderr is not None
            assert b"serves the chunks" in chunks.stderr.readline()
            assert "stop those with --role chunks" in refusal("store.migrate", to="s3", undo=False)
            chunks.terminate()
        assert "needs storage.s3.endpoint" in refusal("store.migrate", to="s3", undo=False)
    finally:
        server.stop()

    bucket = part(servers.get("rclone").bucket, "command")
    config = tmp_path / "cairn.toml"
    config.write_text(
        f'[storage.s3]\nendpoint = "{bucket.endpoint}"\nbucket = "{bucket.name}"\nprefix = "{bucket.prefix}"\n'
        f'access_key = "{bucket.access_key}"\nsecret_key = "{bucket.secret_key}"\n'
    )
    given = ("--config", str(config), *data)
    began = device.ok("store", "migrate", "--to", "s3", *given)  # without a server: the next one goes on with it
    assert "as long as the server runs" in began.out.decode()
    assert json.loads(device.ok("store", "status", "--json", *given).out)["move"]["stage"] == "copy"
    device.ok("store", "migrate", "--undo", *given)
