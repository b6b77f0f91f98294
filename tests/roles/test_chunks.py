"""Chunks through processes of their own, behind a real nginx set up as docs/roles.md says, and killed under way."""

import http.client
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.device import Device
from tests.nginx import in_manual, nginx
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer, free_port

SIZE = 48 * 1024 * 1024
PATIENCE_S = 90.0


@dataclass
class Site:
    """A main process, two that serve chunks, and nginx before them."""

    main: RunningServer
    port: int
    chunk_port: int
    chunks: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start_chunks(self) -> None:
        """Start one more that serves chunks, and wait until it does."""
        command = [sys.executable, "-m", "client", "serve", "--data", str(self.main.data), "--role", "chunks"]
        self.chunks.append(
            subprocess.Popen([*command, "--port", str(self.chunk_port)], env={**os.environ}, stderr=subprocess.PIPE)
        )
        said = self.chunks[-1].stderr
        assert said is not None
        while b"serves the chunks" not in (line := said.readline()):
            assert line, "it ended"

    def kill_chunks(self) -> None:
        """End one that serves chunks as a crash does, and start another."""
        self.chunks[0].kill()
        self.chunks.pop(0).communicate()
        self.start_chunks()

    def kill_main(self) -> None:
        """End the main process as a crash does, and start it again."""
        self.main.kill()
        self.main.start()

    def ask(self, method: str, target: str, **headers: str) -> tuple[int, Any, bytes]:
        """Return status, headers and body, through nginx."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, headers={name.replace("_", "-"): text for name, text in headers.items()})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def staged(self) -> int:
        """Return how many chunks lie in staging or in place."""
        store = self.main.data / "store"
        return sum(1 for folder in ("staging", "chunks") for path in (store / folder).rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What all tests here share."""
    folder, port, chunk_port = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    main = RunningServer(folder / "data", {**NO_RESERVE, "CAIRN_METRICS__OPEN": "true"}).start()
    documented = (
        re.sub(r" *ssl_certificate.*\n", "", in_manual("roles.md"))
        .replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
        .replace("127.0.0.1:8080", f"127.0.0.1:{main.port}")
        .replace("127.0.0.1:8081", f"127.0.0.1:{chunk_port}")
        .replace("/var/cache/nginx/cairn", str(folder / "cache"))
    )
    built = Site(main, port, chunk_port)
    try:
        with nginx(folder, documented):
            built.start_chunks()
            built.start_chunks()
            until(lambda: _is_up(built))
            yield built
    finally:
        for one in built.chunks:
            one.kill()
            one.communicate()
        main.close()


def _is_up(site: Site) -> bool:
    try:
        return site.ask("GET", "/healthz")[0] == http.HTTPStatus.OK
    except OSError:
        return False


def until(holds: Callable[[], bool]) -> None:
    """Wait for what other processes bring about, and tell nobody."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def log_in(site: Site, home: Path) -> tuple[Device, str]:
    device = Device(home)
    url = f"http://127.0.0.1:{site.port}"
    device.ok("login", url, "--user", ADMIN, "--password-stdin", stdin=f"{PASSWORD}\n")
    return device, json.loads((home / "login.json").read_text())["token"]


def test_an_upload_goes_on_whichever_process_is_killed(site: Site, tmp_path: Path) -> None:
    device, _ = log_in(site, tmp_path / "home")
    source, again = tmp_path / "source", tmp_path / "again"
    source.write_bytes(os.urandom(SIZE))

    put = device.begin("put", "--quiet", source, "/large.bin")
    for stored, kill in ((3, site.kill_chunks), (8, site.kill_main), (14, site.kill_chunks)):
        until(lambda: site.staged() >= stored)  # noqa: B023 - waited for at once
        put.send_signal(signal.SIGSTOP)  # so that it cannot be done before
        kill()
        put.send_signal(signal.SIGCONT)
    _, errors = put.communicate(timeout=PATIENCE_S)
    taken = re.search(rb"cairn_received_bytes_total (\d+)", site.ask("GET", "/metrics")[2])
    device.ok("get", "--quiet", "/large.bin", again)
    site.chunks[-1].send_signal(signal.SIGTERM)
    checked = device.ok("fsck", "--content", "--data", site.main.data)

    assert put.returncode == 0, errors
    assert again.read_bytes() == source.read_bytes()
    assert taken is not None
    assert int(taken[1]) < SIZE // 100, "the main process took bytes of chunks"
    assert stat.S_IMODE((site.main.data / "guard" / "chunks.sock").stat().st_mode) == 0o600
    assert site.chunks[-1].wait(PATIENCE_S) == 0
    assert checked.code == 0


def test_a_cache_gives_chunks_to_those_alone_who_show_a_signature(site: Site, tmp_path: Path) -> None:
    device, token = log_in(site, tmp_path / "home")
    source, text = tmp_path / "source", tmp_path / "text"
    source.write_bytes(os.urandom(200_000))
    text.write_bytes(b"what compresses " * 12_500)
    device.ok("put", "--quiet", source, "/a.bin")
    device.ok("put", "--quiet", text, "/a.txt")
    bearer = {"Authorization": f"Bearer {token}"}

    def signed(path: str) -> str:
        file_id = json.loads(site.ask("GET", f"/api/v1/files?path={path}", **bearer)[2])["file_id"]
        told = json.loads(site.ask("GET", f"/api/v1/download?file_id={file_id}", **bearer)[2])
        return str(told["chunks"][0]["url"])

    url, packed = signed("/a.bin"), signed("/a.txt")
    first, second = site.ask("GET", url), site.ask("GET", url)
    part = site.ask("GET", url, Range="bytes=10-19")
    as_stored, plain = site.ask("GET", packed, Accept_Encoding="zstd"), site.ask("GET", packed)
    bare = site.ask("GET", urlsplit(url).path)
    forged = site.ask("GET", url[:-1] + ("A" if url[-1] != "A" else "B"))
    device.ok("keys", "rotate", "--now", "--data", site.main.data)
    voided, fresh = site.ask("GET", url), site.ask("GET", signed("/a.bin"))

    assert [first[1]["X-Cache"], second[1]["X-Cache"], fresh[1]["X-Cache"]] == ["MISS", "HIT", "HIT"]
    assert first[2] == second[2] == fresh[2] == source.read_bytes()
    assert (part[0], part[2]) == (206, first[2][10:20])
    assert (as_stored[1]["Content-Encoding"], plain[2]) == ("zstd", text.read_bytes())
    assert [bare[0], forged[0], voided[0]] == [403, 403, 403]
    assert json.loads(voided[2])["code"] == "bad_signature"
