"""Encryption at rest as an operator meets it: turned on under way, killed, stolen, without its key, turned off."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.control import ask_server
from app.data_folder import DataFolder
from storage.disk import LocalDisk
from tests.device import Device
from tests.server import NO_RESERVE, RunningServer
from tests.storage.makers import noise
from tests.storage.servers import program

PATIENCE_S = 120.0
CANARIES = {
    "large": noise(1, 3_000_000),
    "small": b"a canary that is short",
    "text": b"a canary that compresses well\n" * 9_000,
}


class Person:
    """Somebody who is signed in, by HTTP, since a command a file would take this test too long."""

    def __init__(self, server: RunningServer, device: Device) -> None:
        self.server = server
        self._token = json.loads((device.login(server).home / "login.json").read_text())["token"]
        self._ids: dict[str, bytes] = {}

    def put_all(self, folder: str) -> None:
        for name, content in CANARIES.items():
            told = self._ask("PUT", f"/api/v1/files/content?path={folder}/{name}&parents=1", content)
            self._ids[json.loads(told)["file_id"]] = content

    def assert_all_there(self) -> None:
        for file_id, content in self._ids.items():
            assert self._ask("GET", f"/api/v1/files/{file_id}/content") == content

    def _ask(self, method: str, target: str, body: bytes = b"") -> bytes:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)) as connection:
            connection.request(method, target, body, {"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            assert answer.status < http.HTTPStatus.MULTIPLE_CHOICES, answer.read()
            return answer.read()


def told_by(server: RunningServer, operation: str, **arguments: str) -> dict[str, Any]:
    """Return what a running server answers to an operation of the command line."""
    told: dict[str, Any] = asyncio.run(ask_server(DataFolder(server.data, LocalDisk()), operation, arguments))
    return told


def until_settled(server: RunningServer) -> None:
    end = time.monotonic() + PATIENCE_S
    while not told_by(server, "encrypt.status")["is_settled"]:
        assert time.monotonic() < end
        time.sleep(0.05)  # between two questions to a process that tells its state in no other way


def assert_stolen_folder_tells_nothing(data: Path, *others: Path) -> None:
    """See that no file under a data folder, the WALs and the bucket among them, and no log shows what was stored."""
    files = [path for path in (*data.rglob("*"), *others) if path.is_file()]
    assert any(path.name == "chunks.db" for path in files)
    for path in files:
        held = path.read_bytes()
        for content in CANARIES.values():
            for at in range(0, len(content) - 16, 100_000):
                assert content[at : at + 16] not in held, path
            digest = hashlib.sha256(content)
            assert digest.hexdigest() not in path.name
            assert digest.hexdigest().encode() not in held, path
    assert not list((data / "keys").glob("columns*"))


def refused(server: RunningServer, environment: Mapping[str, str] | None = None) -> str:
    """Return what a start says that does not come to be."""
    command = [sys.executable, "-m", "client", "serve", "--data", str(server.data), "--port", "0"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    done = subprocess.run(
        command,
        env={**clean, **NO_RESERVE, **(environment or {})},
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr.decode()


def made_key(device: Device, path: Path) -> tuple[dict[str, str], str]:
    """Make a master key; return the environment that names it, and its check value."""
    told = device.ok("encrypt", "key", path).out.decode()
    check = re.search(r"Check value: (\S+)", told)
    assert check is not None
    assert path.stat().st_mode & 0o777 == 0o600
    return {"CAIRN_ENCRYPTION__KEY_FILE": str(path)}, check[1]


def test_store_is_encrypted_under_way_survives_kills_and_tells_a_thief_nothing(tmp_path: Path) -> None:
    data, device = tmp_path / "data", Device(tmp_path / "home")
    environment, check = made_key(device, tmp_path / "master.key")
    assert device.run("encrypt", "key", tmp_path / "master.key").code == 1, "it would overwrite a key"
    server = RunningServer(data, {**NO_RESERVE, **environment})
    plain = RunningServer(data, NO_RESERVE)
    try:
        person = Person(plain.start(), device)
        person.put_all("/before")
        assert "encryption.key_file" in device.run("encrypt", "on", "--check", check, "--data", data).err
        plain.stop()

        person.server = server.start()
        assert "no copy" in device.run("encrypt", "on", "--check", "0000-0000-0000", "--data", data).err
        assert "Encryption:  on" in device.ok("encrypt", "on", "--check", check, "--data", data).out.decode()
        person.put_all("/during")
        server.kill()
        server.start()
        person.put_all("/after")
        until_settled(server)
        assert "on the same volume" in device.ok("encrypt", "status", "--data", data).out.decode()
        person.assert_all_there()
        server.stop()

        server.start()
        assert told_by(server, "encrypt.status")["is_clean"]
        person.put_all("/later")
        person.assert_all_there()
        server.kill()
        assert_stolen_folder_tells_nothing(data, server.log, plain.log)

        said = refused(plain)
        assert check in said
        assert said.count("\n") == 1
        assert device.run("fsck", "--content", "--data", data).code == 5
        assert device.run("fsck", "--data", data).code == 0
        (tmp_path / "cairn.toml").write_text('[encryption]\nkey_file = "master.key"\n')
        assert device.run("fsck", "--content", "--config", tmp_path / "cairn.toml", "--data", data).code == 0
    finally:
        server.close()
        plain.close()


@pytest.mark.soak
def test_keys_are_replaced_and_encryption_is_turned_off_while_all_stays_readable(tmp_path: Path) -> None:
    data, device = tmp_path / "data", Device(tmp_path / "home")
    environment, check = made_key(device, tmp_path / "master.key")
    other, other_check = made_key(device, tmp_path / "other.key")
    first, second, plain = (
        RunningServer(data, {**NO_RESERVE, **named}) for named in (environment, other, dict[str, str]())
    )
    try:
        person = Person(first.start(), device)
        told_by(first, "encrypt.on", check=check)
        person.put_all("/kept")
        told_by(first, "encrypt.rotate")
        until_settled(first)
        device.ok("encrypt", "rewrap", tmp_path / "other.key", "--data", data)
        first.stop()
        assert other_check in refused(first, environment)

        person.server = second.start()
        person.assert_all_there()
        assert told_by(second, "encrypt.off")["is_on"] is False
        until_settled(second)
        person.assert_all_there()
        second.stop()
        person.server = plain.start()
        person.assert_all_there()
        plain.stop()
        assert device.run("fsck", "--content", "--data", data).code == 0
    finally:
        for server in (first, second, plain):
            server.close()


def test_bucket_of_an_encrypted_store_tells_nothing_either(tmp_path: Path) -> None:
    program("weed")
    data, device = tmp_path / "data", Device(tmp_path / "home")
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    told = device.ok("encrypt", "key", tmp_path / "master.key", "--passphrase-file", tmp_path / "passphrase").out
    assert b"correct horse" not in (tmp_path / "master.key").read_bytes()
    environment = {
        "CAIRN_STORAGE__BACKEND": "seaweedfs",
        "CAIRN_ENCRYPTION__KEY_FILE": str(tmp_path / "master.key"),
        "CAIRN_ENCRYPTION__PASSPHRASE_FILE": str(tmp_path / "passphrase"),
    }
    server = RunningServer(data, {**NO_RESERVE, **environment})
    try:
        person = Person(server.start(), device)
        told_by(server, "encrypt.on", check=told.decode().split("Check value: ")[1].split("\n")[0])
        person.put_all("/secret")
        server.kill()
        assert_stolen_folder_tells_nothing(data, server.log)
        server.start()
        person.assert_all_there()
        server.stop()
    finally:
        server.close()
