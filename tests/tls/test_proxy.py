"""Below a path of a real nginx that speaks TLS, set up as docs/reaching.md says: every door, with nothing missing."""

import http.client
import json
import os
import ssl
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from app.tls.authority import Authority
from tests.device import Device
from tests.nginx import in_manual, nginx
from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer, free_port
from tests.tls.conftest import strict

SITE = """
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/pair.pem;
    ssl_certificate_key {folder}/pair.pem;
    {location}
}}
"""


class Outside:
    """What somebody sees for whom the server is https://localhost:PORT/cairn."""

    def __init__(self, port: int, authority: Path) -> None:
        self.url = f"https://localhost:{port}/cairn"
        self.authority = authority

    def call(self, method: str, path: str, body: str | bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
        """Return status, headers and body; `path` begins at the root of the host."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPSConnection(
            "localhost", parts.port or 0, context=strict(self.authority), timeout=60
        )
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    folder, port, now = tmp_path / "nginx", free_port(), datetime.now(UTC)
    folder.mkdir()
    authority = Authority.make("proxy", ["localhost"], now)
    (folder / "pair.pem").write_bytes(authority.issue(["localhost"], now))
    (folder / "ca.crt").write_bytes(authority.certificate_pem)
    found = Outside(port, folder / "ca.crt")
    settings = {"CAIRN_SERVER__PUBLIC_URL": found.url, "CAIRN_SERVER__TRUSTED_PROXIES": "127.0.0.1"}
    server = RunningServer(tmp_path / "data", {**NO_RESERVE, **settings}).start()
    location = in_manual("reaching.md").replace("http://127.0.0.1:8080", server.url)
    try:
        with nginx(folder, SITE.format(folder=folder, port=port, location=location)) as process:
            while not _answers(found) and process.poll() is None:
                pass
            yield found
    finally:
        server.close()


def _answers(outside: Outside) -> bool:
    try:
        return outside.call("GET", "/cairn/healthz")[0] == http.HTTPStatus.OK
    except (OSError, ssl.SSLError):
        return False


def test_devices_browsers_links_and_webdav_work_below_the_path(outside: Outside, tmp_path: Path) -> None:
    device, folder, again = Device(tmp_path / "home"), tmp_path / "folder", tmp_path / "again"
    folder.mkdir()
    (folder / "a b.bin").write_bytes(os.urandom(3_000_000))
    device.ok(
        *("login", outside.url, "--user", ADMIN, "--password-stdin", "--ca", outside.authority), stdin=f"{PASSWORD}\n"
    )
    token = json.loads((tmp_path / "home" / "login.json").read_text())["token"]

    # A device: signed URLs are joined to what it logged in at.
    device.ok("sync", folder, "--once", "--quiet")
    device.ok("get", "/a b.bin", again)
    # A browser: the page names all by the way up, and its cookie is for TLS.
    form = urlencode({"username": ADMIN, "password": PASSWORD, "next": "files"})
    origin = outside.url.removesuffix("/cairn")
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    page = outside.call("GET", "/cairn/files/deep")
    signed_in = outside.call("POST", "/cairn/", form, Origin=origin, **kind)
    foreign = outside.call("POST", "/cairn/", form, Origin="https://localhost", **kind)
    # A link, as it is told to others.
    link = device.ok("link", "/a b.bin", "--json").json["url"]
    linked = outside.call("GET", urlsplit(link).path + "/content")
    # WebDAV.
    basic = "Basic " + b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
    listed = outside.call("PROPFIND", "/cairn/dav/", Depth="1", Authorization=basic)
    moved = outside.call(*("MOVE", "/cairn/dav/a%20b.bin"), Destination=f"{outside.url}/dav/c.bin", Authorization=basic)
    state = outside.call("GET", "/cairn/api/v1/server", Authorization=f"Bearer {token}")

    content = (folder / "a b.bin").read_bytes()
    assert again.read_bytes() == content
    assert b'href="../static/' in page[2]
    assert (signed_in[0], signed_in[1]["Location"]) == (303, "./files")
    assert signed_in[1]["Set-Cookie"].startswith("__Host-cairn=")
    assert "Secure" in signed_in[1]["Set-Cookie"]
    assert foreign[0] == 403
    assert link.startswith(f"{outside.url}/s/")
    assert linked[2] == content
    assert b"href>/cairn/dav/a%20b.bin<" in listed[2]
    assert moved[0] == 201
    assert json.loads(state[2])["notices"] == []
