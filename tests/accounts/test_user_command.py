import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device import Device
from tests.server import ADMIN, PASSWORD, RunningServer

OTHER = "another-kettle-harbour"


@pytest.fixture
def shell(tmp_path: Path) -> Device:
    """A terminal on the server's machine."""
    return Device(tmp_path / "home")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(data: Path) -> Iterator[RunningServer]:
    running = RunningServer(data).start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def annas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose only user is anna, for commands that change nothing."""
    folder = tmp_path_factory.mktemp("annas")
    add(Device(folder / "home"), folder / "data", "anna", "--admin")
    return folder / "data"


def add(shell: Device, data: Path, name: str, *options: str, password: str = PASSWORD) -> None:
    shell.ok("user", "add", name, *options, "--password-stdin", "--data", data, stdin=f"{password}\n")


def post(server: RunningServer, path: str, body: dict[str, str]) -> int:
    """Call the API as a stranger does; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_first_user_makes_the_data_folder_and_the_server_then_serves(shell: Device, data: Path) -> None:
    add(shell, data, "anna", "--admin")

    server = RunningServer(data, {"CAIRN_ADMIN_USER": ""}).start()
    try:
        shell.login(server, "anna")
    finally:
        server.close()
    assert data.stat().st_mode & 0o777 == 0o700


def test_accounts_are_listed_for_people_and_for_programs(shell: Device, data: Path) -> None:
    add(shell, data, "anna", "--admin")
    add(shell, data, "ben")
    shell.ok("user", "quota", "ben", "20G", "--data", data)
    shell.ok("user", "disable", "ben", "--data", data)

    table = shell.ok("user", "list", "--data", data).out.decode().splitlines()
    listed = shell.ok("user", "list", "--json", "--data", data).json

    assert [line.split() for line in table] == [
        ["NAME", "ROLE", "STATE", "USED", "QUOTA"],
        ["anna", "admin", "enabled", "0", "B", "none"],
        ["ben", "user", "disabled", "0", "B", "20", "GiB"],
    ]
    assert listed == [
        {"username": "anna", "is_admin": True, "disabled": False, "quota": None, "used": 0},
        {"username": "ben", "is_admin": False, "disabled": True, "quota": 20 * 2**30, "used": 0},
    ]


def test_commands_work_beside_a_running_server_and_take_effect_at_once(
    shell: Device, server: RunningServer, tmp_path: Path
) -> None:
    add(shell, server.data, "ben")
    ben = Device(tmp_path / "ben").login(server, "ben")

    shell.ok("user", "disable", "ben", "--data", server.data)
    refused = ben.run("ls", "/")
    shell.ok("user", "enable", "ben", "--data", server.data)
    shell.ok("user", "passwd", "ben", "--password-stdin", "--data", server.data, stdin=f"{OTHER}\n")

    assert refused.code == 3, refused.err
    assert (
        Device(tmp_path / "again")
        .run("login", server.url, "--user", "ben", "--password-stdin", stdin=f"{PASSWORD}\n")
        .code
        == 3
    )
    Device(tmp_path / "new").login(server, "ben", OTHER)


def test_a_new_password_can_leave_the_devices_logged_in(shell: Device, server: RunningServer, tmp_path: Path) -> None:
    ada = Device(tmp_path / "ada").login(server)

    shell.ok("user", "passwd", ADMIN, "--keep-devices", "--password-stdin", "--data", server.data, stdin=f"{OTHER}\n")
    ada.ok("ls", "/")
    shell.ok("user", "passwd", ADMIN, "--password-stdin", "--data", server.data, stdin=f"{PASSWORD}\n")

    assert ada.run("ls", "/").code == 3


def test_the_last_enabled_admin_cannot_be_disabled(shell: Device, data: Path) -> None:
    add(shell, data, "anna", "--admin")
    add(shell, data, "ben", "--admin")
    shell.ok("user", "disable", "ben", "--data", data)

    refused = shell.run("user", "disable", "anna", "--data", data)
    shell.ok("user", "enable", "ben", "--data", data)

    assert refused.code == 1
    assert refused.err.endswith("cairn: anna is the last enabled admin: add or enable another one first.\n")
    shell.ok("user", "disable", "anna", "--data", data)


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "sentence"),
    [
        (("add", "ben", "--password-stdin"), "short\n", 1, "at least 10 characters"),
        (("add", "ben", "--password-stdin"), "qwertyuiop\n", 1, "commonest"),
        (("add", "a b", "--password-stdin"), f"{PASSWORD}\n", 1, "A user name has"),
        (("add", "ANNA", "--password-stdin"), f"{PASSWORD}\n", 1, "already a user of this name"),
        (("add", "ben"), f"{PASSWORD}\n", 2, "--password-stdin"),
        (("passwd", "nobody", "--password-stdin"), f"{PASSWORD}\n", 1, "no user of this name"),
        (("disable", "nobody"), "", 1, "no user of this name"),
        (("quota", "anna", "lots"), "", 2, "'lots' is no size"),
        (("quota", "anna", "-1"), "", 2, ""),
        (("quota", "anna"), "", 2, "size"),
        ((), "", 2, "action"),
    ],
)
def test_what_is_refused_is_refused_with_one_sentence(
    shell: Device, annas: Path, arguments: tuple[str, ...], stdin: str, code: int, sentence: str
) -> None:
    result = shell.run("user", *arguments, *(("--data", annas) if arguments else ()), stdin=stdin)

    assert result.code == code, result.err
    assert sentence in result.err
    assert "Traceback" not in result.err


def test_what_was_refused_has_changed_nothing(shell: Device, annas: Path) -> None:
    shell.run("user", "add", "ben", "--password-stdin", "--data", annas, stdin="short\n")

    accounts = shell.ok("user", "list", "--json", "--data", annas).json

    assert [(account["username"], account["disabled"], account["quota"]) for account in accounts] == [
        ("anna", False, None)
    ]


@pytest.mark.parametrize(("second", "code", "said"), [(PASSWORD, 0, ""), (OTHER, 2, "The two passwords differ.")])
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    shell: Device, data: Path, second: str, code: int, said: str
) -> None:
    command = shell._command(("user", "add", "anna", "--data", data))  # noqa: SLF001 - Device gives it no terminal
    through = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    with subprocess.Popen(
        [sys.executable, "-c", through, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as terminal:
        assert terminal.stdin is not None
        assert terminal.stdout is not None
        shown = b""
        for prompt, answer in ((b"New password: ", PASSWORD), (b"The same again: ", second)):
            while not shown.endswith(prompt):
                piece = os.read(terminal.stdout.fileno(), 4096)
                assert piece, shown
                shown += piece
            terminal.stdin.write(answer.encode() + b"\n")
            terminal.stdin.flush()
        shown += terminal.stdout.read()

    assert terminal.returncode == code, shown
    assert said in shown.decode()
    assert PASSWORD.encode() not in shown


@pytest.mark.parametrize(
    "arguments",
    [("user", "list"), ("user", "disable", "anna"), ("user", "quota", "anna", "none"), ("keys", "rotate", "--now")],
)
def test_a_folder_that_holds_no_cairn_is_left_alone(shell: Device, data: Path, arguments: tuple[str, ...]) -> None:
    result = shell.run(*arguments, "--data", data)

    assert result.code == 1
    assert "There is no Cairn in" in result.err
    assert not data.exists()


def test_a_password_with_spaces_at_its_ends_is_taken_as_it_is(
    shell: Device, server: RunningServer, tmp_path: Path
) -> None:
    password = "  kettle harbour  "
    add(shell, server.data, "ben", password=password)

    ben = Device(tmp_path / "ben")
    ben.login(server, "ben", password)

    assert ben.run("ls").code == 0


def test_the_list_is_json_that_keeps_names_readable(shell: Device, data: Path) -> None:
    add(shell, data, "Zoë")

    out = shell.ok("user", "list", "--json", "--data", data).out.decode()

    assert "Zoë" in out
    assert json.loads(out)[0]["username"] == "Zoë"


def test_an_invitation_is_printed_for_people_and_for_programs(
    shell: Device, server: RunningServer, tmp_path: Path
) -> None:
    shown = shell.ok("user", "invite", "--name", "ben", "--quota", "20G", "--data", server.data)
    made = shell.ok("user", "invite", "--admin", "--days", "2", "--json", "--data", server.data).json

    url = shown.out.decode().strip()
    assert re.fullmatch(r"/invite/[0-9a-v]{21}[A-Za-z0-9_-]{22}", url)
    assert "not shown again" in shown.err
    assert post(server, f"/api/v1{url}", {"password": OTHER}) == 201
    Device(tmp_path / "ben").login(server, "ben", OTHER)
    assert made.keys() == {"invitation_id", "url", "expires_ms"}
    listed = {user["username"]: user for user in shell.ok("user", "list", "--json", "--data", server.data).json}
    assert listed["ben"]["quota"] == 20 * 2**30


def test_a_code_lets_its_holder_choose_a_password(shell: Device, server: RunningServer, tmp_path: Path) -> None:
    add(shell, server.data, "ben")
    first = shell.ok("user", "reset", "ben", "--json", "--data", server.data).json
    code = shell.ok("user", "reset", "ben", "--data", server.data).out.decode().strip()

    assert post(server, "/api/v1/reset", {"username": "ben", "code": code, "password": OTHER}) == 204

    assert first["code"] != code
    Device(tmp_path / "ben").login(server, "ben", OTHER)


def test_roles_change_and_an_account_is_deleted_without_a_server(shell: Device, data: Path) -> None:
    add(shell, data, "anna", "--admin")
    add(shell, data, "ben")

    shell.ok("user", "admin", "ben", "on", "--data", data)
    shell.ok("user", "admin", "anna", "off", "--data", data)
    assert shell.run("user", "delete", "anna", "--files", "delete", "--to", "ben", "--data", data).code == 2
    shell.ok("user", "delete", "anna", "--files", "transfer", "--to", "ben", "--data", data)

    listed = shell.ok("user", "list", "--json", "--data", data).json
    assert [(user["username"], user["is_admin"]) for user in listed] == [("ben", True)]
    assert shell.run("fsck", "--data", data).code == 0
