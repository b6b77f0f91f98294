"""What people do about their own account, by command, against a real server."""

import base64
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

import pytest

from app.auth import totp
from tests.device import Device
from tests.server import ADMIN, PASSWORD, RunningServer

NEW = "another-kettle-harbour"


def status_of(server: RunningServer, path: str, password: str, method: str = "GET") -> int:
    """Ask as curl does, by Basic; return the status."""
    basic = base64.b64encode(f"{ADMIN}:{password}".encode()).decode()
    request = urllib.request.Request(server.url + path, method=method, headers={"Authorization": f"Basic {basic}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - our server
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_devices_are_listed_and_revoked(device: Device, server: RunningServer, tmp_path: Path) -> None:
    other = Device(tmp_path / "other").login(server)

    items = device.ok("devices", "--json").json
    (theirs,) = [item["device_id"] for item in items if not item["current"]]
    lines = device.ok("devices").out.decode().splitlines()
    device.ok("devices", "revoke", theirs)

    assert len(lines) == 2
    assert sum("(this one)" in line for line in lines) == 1
    assert other.run("ls", "/").code == 3
    assert device.run("devices", "revoke", theirs).code == 1
    assert device.run("devices", "revoke").code == 2


def test_a_second_login_takes_the_place_of_the_first_of_this_installation(
    device: Device, server: RunningServer, tmp_path: Path
) -> None:
    other = Device(tmp_path / "other").login(server)
    (before,) = [item["device_id"] for item in device.ok("devices", "--json").json if item["current"]]

    device.login(server)

    items = device.ok("devices", "--json").json
    assert len(items) == 2
    assert before not in [item["device_id"] for item in items]
    assert other.ok("ls", "/").code == 0


def test_a_copied_machine_becomes_a_device_of_its_own_by_a_logout_and_a_login_on_both(
    device: Device, server: RunningServer, tmp_path: Path
) -> None:
    shutil.copytree(device.home, tmp_path / "copy")
    copy = Device(tmp_path / "copy")

    copy.ok("logout")
    copy.login(server)
    device.login(server)

    assert copy.ok("ls", "/").code == 0
    assert len(device.ok("devices", "--json").json) == 2


def test_an_app_password_is_shown_once_and_keeps_to_its_scope(device: Device, server: RunningServer) -> None:
    device.ok("mkdir", "/photos")
    device.ok("mkdir", "/private")

    made = device.ok("app-password", "gallery", "--read-only", "--folder", "/photos")

    password = made.out.decode().strip()
    assert ADMIN in made.err
    assert status_of(server, "/api/v1/folders/root/children", password) == HTTPStatus.OK
    assert status_of(server, "/api/v1/files?path=/private", password) == HTTPStatus.NOT_FOUND
    assert "reads alone, one folder" in device.ok("devices").out.decode()
    assert password not in device.ok("devices", "--json").out.decode()
    assert device.run("app-password", "gallery", "--folder", "/nowhere").code == 1


def test_passwd_keeps_this_device_and_ends_the_others(device: Device, server: RunningServer, tmp_path: Path) -> None:
    other = Device(tmp_path / "other").login(server)

    wrong = device.run("passwd", "--password-stdin", stdin=f"wrong password\n{NEW}\n")
    device.ok("passwd", "--password-stdin", stdin=f"{PASSWORD}\n{NEW}\n")

    assert wrong.code == 3
    assert device.ok("ls", "/").out == b""
    assert other.run("ls", "/").code == 3
    other.login(server, password=NEW)


def test_a_second_factor_is_asked_for_and_never_taken_from_the_command_line(
    device: Device, server: RunningServer, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "client", "totp", "on", "--totp"]
    environment = {**os.environ, "CAIRN_HOME": str(device.home)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        running.stderr.readline()
        secret = base64.b32decode(running.stderr.readline().split("secret ")[1].split(",")[0])
        step = int(time.time()) // totp.STEP_S
        out, err = running.communicate(totp.code_at(secret, step) + "\n", timeout=60)
    assert running.returncode == 0, err
    codes = out.split()
    other = Device(tmp_path / "other")
    login = ("login", server.url, "--user", ADMIN, "--password-stdin")

    without = other.run(*login, stdin=f"{PASSWORD}\n")
    other.ok(*login, "--totp", stdin=f"{PASSWORD}\n{codes[0]}\n")
    again = other.run(*login, "--totp", stdin=f"{PASSWORD}\n{codes[0]}\n")

    assert len(codes) == totp.RECOVERY_CODES
    assert (without.code, "--totp" in without.err) == (2, True)
    assert again.code == 3
    other.ok("totp", "off", "--totp", stdin=f"{codes[1]}\n")
    Device(tmp_path / "third").login(server)


@pytest.mark.parametrize("command", ["login", "passwd", "totp", "app-password"])
def test_no_command_takes_a_secret_as_an_argument(device: Device, command: str) -> None:
    told = device.ok(command, "--help").out.decode()

    assert "--password-stdin" in told
    assert "--password " not in told
