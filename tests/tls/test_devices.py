"""Devices and a server that no public authority vouches for: the real programs, and a CA by `cairn tls init`."""

import hashlib
import json
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest

from app.tls.own import OwnCertificate
from storage.disk import LocalDisk
from tests.device import Device
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer, free_port

SECRET = f"{PASSWORD}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with TLS, for all that stands here."""
    folder = tmp_path_factory.mktemp("server")
    Device(folder / "nobody").ok("tls", "init", "localhost", "127.0.0.1", "--data", folder / "data")
    running = RunningServer(folder / "data", NO_RESERVE).start()
    yield running
    running.close()


def fingerprint(server: RunningServer) -> str:
    pem = (server.data / "tls" / "ca.crt").read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def log_in(device: Device, server: RunningServer, *more: str | Path) -> None:
    device.ok("login", server.url, "--user", ADMIN, "--password-stdin", *more, stdin=SECRET)


def test_a_device_pins_the_ca_and_keeps_a_folder_in_step(server: RunningServer, tmp_path: Path) -> None:
    device, folder = Device(tmp_path / "home"), tmp_path / "folder"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"0123456789" * 300_000)
    unasked = device.run("login", server.url, "--user", ADMIN, "--password-stdin", stdin=SECRET)
    wrong = device.run(
        *("login", server.url, "--user", ADMIN, "--password-stdin", "--fingerprint", "00" * 32), stdin=SECRET
    )

    log_in(device, server, "--fingerprint", fingerprint(server))
    device.ok("sync", folder, "--once", "--quiet")
    listed = device.ok("ls", "--json", "/")
    downgraded = device.run(
        *("login", server.url.replace("https", "http"), "--user", ADMIN, "--password-stdin"), stdin=SECRET
    )
    other = Device(tmp_path / "other")
    log_in(other, server, "--ca", server.data / "tls" / "ca.crt")

    assert (unasked.code, wrong.code, downgraded.code) == (3, 3, 3)
    assert fingerprint(server) in unasked.err
    assert "does not show the CA of this fingerprint" in wrong.err
    assert "cairn logout" in downgraded.err
    assert [item["name"] for item in listed.json] == ["a.bin"]
    assert other.ok("ls", "/").out == b"a.bin\n"
    assert server.log.read_text().count("Traceback") == 0


def test_a_signal_lets_a_server_take_up_what_is_new_and_its_operator_sees_what_is_wrong(
    server: RunningServer, tmp_path: Path
) -> None:
    operator, pair = Device(tmp_path / "operator"), server.data / "tls" / "server.pem"
    assert server.process is not None
    whole = pair.read_bytes()
    log_in(operator, server, "--fingerprint", fingerprint(server))

    pair.write_bytes(whole[: whole.index(b"-----BEGIN CERT") + 200] + whole[-1200:])
    server.process.send_signal(signal.SIGHUP)
    until_logged(server, "stays in use")
    served = operator.run("ls", "/")
    operator.ok("tls", "init", "127.0.0.1", "nas.local", "--data", server.data)
    server.process.send_signal(signal.SIGHUP)
    until_logged(server, "taken up")
    told = operator.ok("tls", "status", "--data", server.data)

    assert served.code == 0
    assert b"127.0.0.1" in told.out
    assert b"nas.local" in told.out
    assert fingerprint(server).encode() in told.out
    assert b"Not in use" not in told.out


def test_a_process_for_chunks_alone_takes_up_what_is_new_as_well(server: RunningServer, tmp_path: Path) -> None:
    port, operator = free_port(), Device(tmp_path / "operator")
    command = [sys.executable, "-m", "client", "serve", "--data", str(server.data), "--role", "chunks"]
    with subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            wait_for(process.stderr, b"serves the chunks")
            before = ssl.get_server_certificate(("127.0.0.1", port))
            operator.ok("tls", "init", "127.0.0.1", "--data", server.data)
            process.send_signal(signal.SIGHUP)
            wait_for(process.stderr, b"taken up")

            assert ssl.get_server_certificate(("127.0.0.1", port)) != before
        finally:
            process.terminate()
    assert process.returncode == 0


def wait_for(said: IO[bytes], words: bytes) -> None:
    while words not in (line := said.readline()):
        assert line, "it ended"


def until_logged(server: RunningServer, words: str) -> None:
    """Wait for what a server says of a signal; it tells in no other way."""
    while words not in server.log.read_text():
        time.sleep(0.02)


def test_who_knows_a_server_without_tls_is_told_in_words(server: RunningServer, tmp_path: Path) -> None:
    device, url = Device(tmp_path / "home"), server.url.replace("https", "http")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    login = {"server": url, "username": ADMIN, "device_id": "x", "token": "x"}
    (home / "login.json").write_text(json.dumps(login))

    refused = device.run("ls", "/")

    assert refused.code == 3
    assert "https://" in refused.err


def test_a_device_sends_nothing_to_a_server_of_another_ca(server: RunningServer, tmp_path: Path) -> None:
    device = Device(tmp_path / "home")
    log_in(device, server, "--fingerprint", fingerprint(server))
    server.stop()
    (server.data / "tls" / "ca.key").unlink()
    OwnCertificate(server.data / "tls", LocalDisk()).init(["127.0.0.1"], datetime.now(UTC))
    server.start()

    refused = device.run("ls", "/")

    assert refused.code == 5
    assert "is not trusted" in refused.err
    assert "nothing was sent" in refused.err
