"""`cairn store`: what it tells, and what it refuses in one sentence before anything has changed."""

import json
import subprocess
import sys
from pathlib import Path

from tests.device import Device
from tests.server import NO_RESERVE, RunningServer
from tests.storage.conftest import Servers
from tests.storage.servers import part


def test_a_move_that_cannot_be_is_refused_in_one_sentence(tmp_path: Path, servers: Servers) -> None:
    server = RunningServer(tmp_path / "data", NO_RESERVE).start()
    device = Device(tmp_path / "home")
    data = ("--data", str(server.data))
    try:
        told = device.ok("store", "status", *data).out.decode()
        assert told.startswith("local: 0 chunks, 0 B, new chunks are put here\n")
        assert told.endswith("Nothing is to be done.\n")
        for command, sentence in (
            (("migrate", "--to", "local"), "Chunks lie in files already; from one bucket to another leads by way of"),
            (("migrate", "--to", "s3"), "needs storage.s3.endpoint, access_key, and secret_key or secret_key_file"),
            (("migrate", "--undo"), "No move is under way"),
            (("empty",), "There is no old store to empty"),
        ):
            refused = device.run("store", *command, *data)
            assert (refused.code, refused.out) == (1, b"")
            assert sentence in refused.err
            assert refused.err.count("\n") == 1
    finally:
        server.stop()

    bucket = part(servers.get("rclone").bucket, "command")
    config = tmp_path / "cairn.toml"
    config.write_text(
        f'[storage.s3]\nendpoint = "{bucket.endpoint}"\nbucket = "{bucket.name}"\nprefix = "{bucket.prefix}"\n'
        f'access_key = "{bucket.access_key}"\nsecret_key = "{bucket.secret_key}"\n'
    )
    given = ("--config", str(config), *data)
    server = RunningServer(server.data, {**NO_RESERVE, "CAIRN_STORAGE__S3__ENDPOINT": "http://127.0.0.1:9"})
    server.start()  # its bucket is out of reach
    serving = [sys.executable, "-m", "client", "serve", "--role", "chunks", *given, "--port", "0"]
    try:
        with subprocess.Popen(serving, stderr=subprocess.PIPE) as chunks:
            assert chunks.stderr is not None
            assert b"serves the chunks" in chunks.stderr.readline()
            beside = device.run("store", "migrate", "--to", "s3", *given)
            chunks.terminate()
        assert "stop those with --role chunks" in beside.err
    finally:
        server.stop()

    began = device.ok("store", "migrate", "--to", "s3", *given)  # without a server: the next one goes on with it
    assert "as long as the server runs" in began.out.decode()
    assert json.loads(device.ok("store", "status", "--json", *given).out)["move"]["stage"] == "copy"
    again = device.run("store", "migrate", "--to", "s3", *given)
    assert "Chunks move already" in again.err
    device.ok("store", "migrate", "--undo", *given)
    assert device.ok("fsck", *given).code == 0
