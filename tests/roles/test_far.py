"""Chunks through a process on another machine: another data folder, which the main one's socket reaches by a tunnel."""

import json
import os
import re
import signal
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from storage.s3.bucket import Bucket
from tests.roles.site import PATIENCE_S, Site, in_bucket, objects, opened, received, until
from tests.storage.conftest import Servers
from tests.storage.servers import part

SIZE = 24 * 1024 * 1024


class Tunnel(socketserver.ThreadingUnixStreamServer):
    """Carries each connection at one socket to another, as `ssh -L` does."""

    daemon_threads = True

    def __init__(self, here: Path, there: Path) -> None:
        self.there = there
        super().__init__(str(here), _Carrier)


class _Carrier(socketserver.BaseRequestHandler):
    server: Tunnel

    def handle(self) -> None:
        with closing(socket.socket(socket.AF_UNIX)) as other, suppress(OSError):
            other.connect(str(self.server.there))
            back = threading.Thread(target=_carry, args=(other, self.request), daemon=True)
            back.start()
            _carry(self.request, other)
            back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * 1024):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def bucket(servers: Servers) -> Bucket:
    return part(servers.get("rclone").bucket, "far")


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the other machine."""
    folder = tmp_path_factory.mktemp("far")
    (folder / "guard").mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket, far: Path) -> Iterator[Site]:
    """What all tests here share."""
    with (
        opened(tmp_path_factory.mktemp("nginx"), environment=in_bucket(bucket)) as site,
        Tunnel(far / "guard" / "chunks.sock", site.main.data / "guard" / "chunks.sock") as tunnel,
    ):
        threading.Thread(target=tunnel.serve_forever, daemon=True).start()
        site.start("chunks", far)
        yield site
        tunnel.shutdown()


def test_an_upload_through_another_machine_goes_on_whichever_process_is_killed(
    site: Site, bucket: Bucket, far: Path, tmp_path: Path
) -> None:
    device, _ = site.log_in(tmp_path / "home")
    source, text = tmp_path / "source", tmp_path / "text"
    source.write_bytes(os.urandom(SIZE))
    text.write_bytes(b"what compresses " * 12_500)

    put = device.begin("put", "--quiet", source, "/large.bin")
    for least, role in ((3, "chunks"), (8, "main")):
        until(lambda: objects(bucket) >= least)  # noqa: B023 - waited for at once
        put.send_signal(signal.SIGSTOP)  # so that it cannot be done before
        if role == "main":
            site.kill_main()
        else:
            site.kill(role)
            site.start(role, far)
        put.send_signal(signal.SIGCONT)
    _, errors = put.communicate(timeout=PATIENCE_S)
    device.ok("put", "--quiet", text, "/text")
    device.ok("get", "--quiet", "/large.bin", tmp_path / "source again")
    device.ok("get", "--quiet", "/text", tmp_path / "text again")

    assert put.returncode == 0, errors
    assert (tmp_path / "source again").read_bytes() == source.read_bytes()
    assert (tmp_path / "text again").read_bytes() == text.read_bytes()
    assert received(site) < SIZE // 100, "the main process took bodies of chunks"
    assert not (far / "store" / "chunks.db").exists()


def test_a_key_that_is_voided_there_is_void_here_within_seconds(site: Site, far: Path, tmp_path: Path) -> None:
    device, token = site.log_in(tmp_path / "home")
    source = tmp_path / "source"
    source.write_bytes(os.urandom(200_000))
    device.ok("put", "--quiet", source, "/a.bin")
    bearer = {"Authorization": f"Bearer {token}"}
    file_id = json.loads(site.ask("GET", "/api/v1/files?path=/a.bin", **bearer)[2])["file_id"]

    def signed() -> str:
        told = json.loads(site.ask("GET", f"/api/v1/download?file_id={file_id}", **bearer)[2])
        return str(told["chunks"][0]["url"])

    url = signed()
    first = site.ask("GET", url)
    device.ok("keys", "rotate", "--now", "--data", site.main.data)
    until(lambda: site.ask("GET", url)[0] == 403)
    fresh = signed()
    until(lambda: site.ask("GET", fresh)[0] == 200)

    names = {path.name for path in (far / "keys").iterdir()}
    assert (first[0], first[2]) == (200, source.read_bytes())
    assert names == {path.name for path in (site.main.data / "keys").glob("*.key")}
    assert {path.stat().st_mode & 0o777 for path in (far / "keys").iterdir()} == {0o600}


def test_what_is_encrypted_goes_through_another_machine_too(site: Site, far: Path, tmp_path: Path) -> None:
    device, _ = site.log_in(tmp_path / "home")
    source, key = tmp_path / "source", tmp_path / "master.key"
    source.write_bytes(os.urandom(SIZE // 8) + b"what compresses " * 100_000)
    check = re.search(r"Check value: (\S+)", device.ok("encrypt", "key", key).out.decode())
    assert check is not None
    site.begin_anew({"CAIRN_ENCRYPTION__KEY_FILE": str(key)}, far)
    device.ok("encrypt", "on", "--check", check[1], "--data", site.main.data)

    device.ok("put", "--quiet", source, "/sealed.bin")
    device.ok("get", "--quiet", "/sealed.bin", tmp_path / "again")

    assert (tmp_path / "again").read_bytes() == source.read_bytes()
    assert received(site) < source.stat().st_size // 100, "the main process took bodies of chunks"
    assert not list((far / "store" / "staging").iterdir())
