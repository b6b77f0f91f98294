"""The Dockerfile says what an image of Cairn must be; `test_running.py` builds and runs it where that can be done."""

import json
import os
import re
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from app.config import Server, Settings
from app.healthcheck import ask
from tests.image.builder import OBJECT_SERVER, ROOT
from tests.server import RunningServer, free_port

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the image listens on
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
IGNORED = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
PIN = re.compile(r"^(\S+==\S+).*\\$|^    (--hash=\S+)", re.MULTILINE)


def instructions() -> list[tuple[str, str]]:
    """Give the instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


INSTRUCTIONS = instructions()
STAGES: dict[str, list[tuple[str, str]]] = {"": []}
for instruction in INSTRUCTIONS:
    if instruction[0] == "FROM":
        STAGES[instruction[1].partition(" AS ")[2]] = []
    list(STAGES.values())[-1].append(instruction)
SERVER = STAGES["server"]


def of_server(name: str) -> str:
    """Give what the stage that both targets stand on says once."""
    [value] = [rest for found, rest in SERVER if found == name]
    return value


def pins(lock: str) -> dict[str, set[str]]:
    """Give the hashes of a lock by package and version."""
    found: dict[str, set[str]] = {}
    name = ""
    for match in PIN.finditer((ROOT / lock).read_text("utf-8")):
        name = match[1] or name
        found.setdefault(name, set()).update([match[2]] if match[2] else [])
    return found


def test_every_stage_stands_on_one_pinned_python_and_the_last_one_is_the_server_alone() -> None:
    arguments = dict(rest.split("=", 1) for name, rest in STAGES[""] if name == "ARG")
    stages = [rest for name, rest in INSTRUCTIONS if name == "FROM"]

    assert re.fullmatch(r"python:3\.1[1-4]-slim-[a-z]+(@sha256:[0-9a-f]{64})?", arguments["PYTHON_IMAGE"])
    assert stages[:3] == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE} AS system", "scratch AS server"]
    assert stages[-1] == "server AS cairn"
    assert len(STAGES["cairn"]) == 1


def test_the_object_server_comes_from_an_image_of_a_named_release_with_its_licence() -> None:
    arguments = dict(rest.split("=", 1) for name, rest in STAGES[""] if name == "ARG")
    copied = [rest for name, rest in STAGES["cairn-minio"] if name == "COPY"]

    assert arguments["MINIO_IMAGE"] == OBJECT_SERVER
    assert re.search(r":RELEASE\.2026-[0-9TZ-]+(@sha256:[0-9a-f]{64})?$", OBJECT_SERVER)
    assert STAGES["cairn-minio"][0] == ("FROM", "server AS cairn-minio")
    assert copied == [
        "--from=object-server /licenses /usr/share/doc/minio",
        "--from=object-server ${MINIO_BINARY} /usr/local/bin/minio",
    ]


def test_the_image_runs_as_a_numbered_user_who_is_not_root_with_data_in_a_volume() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", of_server("USER"))
    assert of_server("VOLUME") == "/data"
    assert of_server("WORKDIR") == "/"
    assert "CAIRN_DATA__FOLDER=/data" in of_server("ENV")
    assert f"CAIRN_SERVER__HOST={EVERYWHERE}" in of_server("ENV")
    assert of_server("CMD") == '["serve"]'


def test_whatever_the_image_begins_gives_up_root_first_and_needs_no_shell() -> None:
    become = ["python", "-I", "-m", "app.container"]
    check = of_server("HEALTHCHECK").partition("CMD ")[2]

    assert json.loads(of_server("ENTRYPOINT")) == [*become, "tini", "-s", "--", "python", "-I", "-m", "client"]
    assert json.loads(check) == [*become, "python", "-I", "-m", "app.healthcheck"]


def test_the_image_takes_a_trimmed_system_and_what_was_installed_and_runs_nothing() -> None:
    copied = [rest for name, rest in SERVER if name in {"COPY", "ADD"}]

    assert copied == ["--from=system / /", "--from=build /opt/cairn /opt/cairn"]
    assert not [rest for name, rest in SERVER if name == "RUN"]


def test_all_that_is_copied_is_there_and_not_ignored_and_nothing_else_is_sent_to_the_builder() -> None:
    copied = [
        source
        for name, rest in INSTRUCTIONS
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]

    assert all((ROOT / source).exists() for source in copied)
    assert IGNORED[0] == "*"
    assert sorted(line[1:] for line in IGNORED if line.startswith("!")) == sorted(copied)


def test_packages_are_installed_from_the_lock_with_hashes_and_from_wheels_alone() -> None:
    for name, rest in INSTRUCTIONS:
        if name == "RUN" and "--requirement" in rest:
            assert "--require-hashes" in rest
            assert "--only-binary :all:" in rest


def test_older_builders_take_the_file() -> None:
    assert "<<" not in (ROOT / "Dockerfile").read_text("utf-8")


def test_the_label_tells_the_version_of_the_package() -> None:
    assert of_server("ARG") == f"VERSION={PROJECT['project']['version']}"
    assert 'org.opencontainers.image.version="${VERSION}"' in of_server("LABEL")


def test_the_lock_of_the_image_is_that_part_of_the_whole_lock_which_a_server_needs() -> None:
    whole, server = pins("requirements.lock"), pins("requirements-server.lock")
    needed = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["server"]
    named = {pin.partition("==")[0] for pin in server}

    assert len(server) > len(needed)
    assert server == {pin: whole[pin] for pin in server}
    assert {re.split(r"[<>=]", line)[0].lower() for line in needed} <= named
    assert not named & {"pytest", "ruff", "mypy", "setuptools"}


def check_health(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    command = [sys.executable, "-m", "app.healthcheck"]
    return subprocess.run(
        command, env=clean | environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_health_check_finds_the_server_by_the_same_settings(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data", {"CAIRN_SERVER__HOST": EVERYWHERE}).start()
    try:
        there = check_health({"CAIRN_SERVER__HOST": EVERYWHERE, "CAIRN_SERVER__PORT": str(server.port)})
        server.stop()
        gone = check_health({"CAIRN_SERVER__PORT": str(server.port)})
    finally:
        server.close()

    assert (there.returncode, there.stdout) == (0, '200 {"status":"ok","reasons":[]}\n')
    assert gone.returncode == 1
    assert gone.stdout.startswith(f"no answer from 127.0.0.1, port {server.port}: ")


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (200, '{"status":"ok"}', '200 {"status":"ok"}'),
        (503, '{"status":503,"detail":"The disk has failed."}', "503 The disk has failed."),
        (502, "<html>", "502 <html>"),
        (503, "[]", "503 []"),
    ],
)
def test_the_health_check_says_what_the_server_says(status: int, body: str, line: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = Thread(target=other.handle_request)
        thread.start()
        answer = ask(Settings(server=Server(port=other.server_port)))
        thread.join()

    assert answer == (status == 200, line)


def test_a_wrong_setting_is_not_healthy() -> None:
    wrong = check_health({"CAIRN_SERVER__PORT": str(free_port()), "CAIRN_LOG__LEVEL": "loud"})

    assert wrong.returncode == 1
    assert "CAIRN_LOG__LEVEL must be debug" in wrong.stdout
