"""No secret appears where people and programs look: logs, answers, files that are not for it (security.md, E3, K1)."""

import hashlib
import http.client
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from app.application import route_table
from tests.server import ADMIN, PASSWORD, RunningServer

WRONG = "canary-wrong-password-71"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "data", {"CAIRN_LOG__LEVEL": "debug", "CAIRN_ADMIN_USER": ""}).start()
    yield running
    running.close()


def call(server: RunningServer, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        connection.close()


def test_the_log_at_its_most_talkative_holds_no_secret(server: RunningServer) -> None:
    set_up = re.findall(r"/setup/(\S+) ", server.log.read_text())[0]
    call(server, "POST", "/setup/canary-wrong-token", {"username": ADMIN, "password": WRONG})
    assert call(server, "POST", f"/setup/{set_up}", {"username": ADMIN, "password": PASSWORD})[0] == HTTPStatus.CREATED
    login = {"username": ADMIN, "password": PASSWORD, "device_name": "canary-device", "install_id": "canary-install"}
    token = call(server, "POST", "/api/v1/login", login)[1]["token"]
    assert call(server, "POST", "/api/v1/login", login | {"password": WRONG})[0] == HTTPStatus.UNAUTHORIZED
    assert call(server, "POST", "/api/v1/reauth", {"password": WRONG}, token)[0] == HTTPStatus.UNAUTHORIZED
    assert call(server, "GET", f"/api/v1/me?token={token}")[0] == HTTPStatus.UNAUTHORIZED
    assert call(server, "GET", "/api/v1/me", token=token + "x")[0] == HTTPStatus.UNAUTHORIZED
    chunk = {"sha256": hashlib.sha256(b"canary-content").hexdigest(), "size": 14}
    wish = {"path": "/canary-name.txt", "size": 14, "chunks": [chunk]}
    url = call(server, "POST", "/api/v1/uploadRequest", wish, token)[1]["chunks"][0]["url"]
    assert call(server, "PUT", url + "x", {"not": "canary-content"})[0] == HTTPStatus.FORBIDDEN
    assert call(server, "PUT", url, {"not": "canary-content"})[0] == HTTPStatus.BAD_REQUEST

    server.stop()

    log = server.log.read_text()
    assert "DEBUG" in log
    assert log.count(set_up) == 1  # where it is printed for whoever started the server
    device_id, secret = token.split("_", 2)[1:]
    signatures = [value for value in re.split(r"[?&=]", url) if len(value) >= 43]
    assert signatures
    for canary in (PASSWORD, WRONG, token, secret, "canary-", *signatures):
        assert canary not in log.replace(set_up, ""), canary
    assert device_id not in log


def test_what_the_server_makes_is_for_its_owner_alone_and_holds_no_secret_in_the_clear(server: RunningServer) -> None:
    set_up = re.findall(r"/setup/(\S+) ", server.log.read_text())[0]
    call(server, "POST", f"/setup/{set_up}", {"username": ADMIN, "password": PASSWORD})
    login = {"username": ADMIN, "password": PASSWORD, "device_name": "laptop"}
    token = call(server, "POST", "/api/v1/login", login)[1]["token"]
    made = [server.data, *server.data.rglob("*")]

    assert made
    assert {path: oct(path.lstat().st_mode & 0o077) for path in made if path.lstat().st_mode & 0o077} == {}
    for path in made:
        if path.is_file():
            content = path.read_bytes()
            for canary in (PASSWORD, set_up, token.split("_", 2)[2]):
                assert canary.encode() not in content, path


@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_walk_through_every_route_leaves_no_secret_in_the_log_and_every_line_is_json(
    tmp_path: Path, level: str
) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("canary-metrics-token-" + "7" * 32)
    environment = {
        "CAIRN_LOG__LEVEL": level,
        "CAIRN_LOG__FORMAT": "json",
        "CAIRN_METRICS__TOKEN_FILE": str(token_file),
    }
    server = RunningServer(tmp_path / "data", environment).start()
    try:
        login = {"username": ADMIN, "password": PASSWORD, "device_name": "canary-device"}
        token = call(server, "POST", "/api/v1/login", login)[1]["token"]
        file = call(server, "POST", "/api/v1/folders", {"path": "/canary-name"}, token)[1]
        assert call_as_it_comes(server, "GET", "/metrics", token_file.read_text()) == HTTPStatus.OK
        begun = len(server.log.read_text().splitlines())
        for route in route_table():
            path = re.sub(r"\{\w+\}", file["file_id"], route.path)
            for query in ("", "?path=/canary-name&signature=canary-signature", "?cursor=canary-cursor"):
                for holder in (token, "", "canary-wrong-token"):
                    call_as_it_comes(server, route.method, path + query, holder)
        assert call_as_it_comes(server, "GET", "/canary-path/%00", token) >= HTTPStatus.BAD_REQUEST
        server.stop()
    finally:
        server.close()

    log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()[begun:]]
    assert len(lines) > len(route_table())
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    for canary in (PASSWORD, token, token.split("_", 2)[2], file["file_id"], "canary-"):
        assert canary not in log, canary


def call_as_it_comes(server: RunningServer, method: str, path: str, token: str) -> int:
    """Return the status of whatever answer begins; a stream is not read to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Cookie": "session=canary-cookie", "Referer": "http://h/canary-page"}
    try:
        body = None if method == "GET" else json.dumps({"canary-key": "canary-value", "password": "canary-password"})
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
