"""The commands about a synced folder, as a person calls them, where no daemon need run; one is played by a thread."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from client.cli import main
from client.sync.device.control import Control, Reply, Request
from client.sync.device.roots import Root, Roots
from client.sync.known import Confirmed, Held
from client.sync.status import Status, Trouble, encode
from tests.device import Device

AddRoot = Callable[..., Root]


@contextmanager
def daemon(root: Root, status: Status | None = None) -> Iterator[list[str]]:
    """Hold a root and answer as a daemon does; gives what was asked."""
    asked: list[str] = []

    def answer(request: Request) -> Reply:
        asked.append(request.do)
        return Reply(status=status if request.do == "status" else None)

    with root.hold(), Control(root.state, answer):
        yield asked


def status_of(root: Root, **changes: object) -> Status:
    settings = root.settings
    status = Status(root=settings.root, remote="/", server=settings.server, state="in_step", since_ms=1, last_sync_ms=1)
    return msgspec.structs.replace(status, **changes)


HELD = [Held("held_deletes", "there", 600, 1_000, ["a.txt", "b.txt"])]


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands that are called in this process be those of the device."""
    monkeypatch.setenv("CAIRN_HOME", str(home))


COMMANDS = ["status", "pause", "resume", "conflicts", "ignore", "select", "held", "damaged", "limit"]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_root_each_command_says_how_to_begin(
    at_home: None, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code = main([command])

    assert code == 2
    assert capsys.readouterr().err == "cairn: No folder of this device is kept in step: `cairn sync DIR` begins that.\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_no_root_is_wrong_use(
    at_home: None, capsys: pytest.CaptureFixture[str], add_root: AddRoot, tmp_path: Path, command: str
) -> None:
    add_root()
    code = main([command, str(tmp_path / "elsewhere")])

    assert code == 2
    assert "is not kept in step" in capsys.readouterr().err


def test_among_several_roots_the_one_around_the_current_folder_is_meant(
    device: Device, add_root: AddRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = add_root("first"), add_root("second")

    unclear = device.run("pause")
    (second.folder / "deep").mkdir()
    monkeypatch.chdir(second.folder / "deep")
    device.ok("pause")

    assert unclear.code == 2
    assert str(first.folder) in unclear.err
    assert (first.settings.paused, second.settings.paused) == (False, True)


def test_pause_and_resume_are_kept_and_told_to_the_daemon(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    alone = device.ok("pause").out.decode()
    paused = root.settings
    with daemon(root) as asked:
        together = device.ok("resume", root.folder).out.decode()

    resumed = root.settings
    assert [(each.paused, each.number) for each in (paused, resumed)] == [(True, 1), (False, 2)]
    assert asked == ["reload"]
    assert "No process keeps it in step now" in alone
    assert together == f"{root.folder} goes on.\n"
    assert device.ok("pause", "--json").json == {"root": str(root.folder), "paused": True, "running": False}


def test_status_comes_from_the_daemon_while_one_runs(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    with daemon(root, status_of(root)):
        text = device.ok("status").out.decode()
        told = device.ok("status", "--json").json

    assert text.splitlines()[1] == "In step with the server."
    assert (told["state"], told["held"], told["blocked"], told["unknown"]) == ("in_step", [], [], [])


def test_status_without_a_daemon_tells_what_the_last_run_left(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    assert device.ok("status", "--json").json["state"] == "stopped"
    trouble = Trouble("a.txt", "busy", "it is in use.", 5)
    root.write("last.json", encode(status_of(root, state="blocked", problems=[trouble], rate_up=5)))

    told = device.ok("status", "--json").json

    assert (told["state"], told["rate_up"]) == ("stopped", 0)
    assert [each["path"] for each in told["blocked"]] == ["a.txt"]
    assert "a.txt: it is in use." in device.ok("status").out.decode()


def test_status_of_all_roots_is_one_object_a_line(device: Device, add_root: AddRoot) -> None:
    add_root("a")
    add_root("b")

    lines = device.ok("status", "--json").out.splitlines()

    assert [Path(msgspec.json.decode(line)["root"]).name for line in lines] == ["a", "b"]


def test_what_the_daemon_does_not_do_fails_with_its_sentence(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    with root.hold(), Control(root.state, lambda _: Reply(done=False, message="not now.")):
        result = device.run("status")

    assert result.code == 1
    assert result.err == f"cairn: The process that keeps {root.folder} in step: not now.\n"


def test_ignore_adds_lists_and_removes_patterns_of_this_device(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    device.ok("ignore", root.folder, "add", "*.iso", "build/")
    device.ok("ignore", "add", "*.iso")
    assert device.ok("ignore").out.decode() == "*.iso\nbuild/\n"
    with daemon(root) as asked:
        device.ok("ignore", "remove", "*.iso")
    assert asked == ["reload"]
    assert device.ok("ignore", "list", "--json").json == ["build/"]


@pytest.mark.parametrize(
    "wrong", [("remove", "*.iso"), ("add", " "), ("add", "a\nb"), ("add",), ("list", "x"), ("nonsense", "add")]
)
def test_patterns_that_make_no_sense_are_wrong_use(at_home: None, add_root: AddRoot, wrong: tuple[str, ...]) -> None:
    root = add_root()

    assert main(["ignore", *wrong]) == 2
    assert root.settings.number == 0


def test_held_deletes_are_listed_confirmed_by_their_number_or_refused(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    assert device.ok("held").out == b"Nothing is held.\n"
    assert device.run("held", "confirm").code == 1
    with daemon(root, status_of(root, held=HELD)) as asked:
        text = device.ok("held").out.decode()
        device.ok("held", "confirm")
        confirmed = root.settings
        device.ok("held", root.folder, "refuse")

    assert text.startswith("Deletes: 600 of 1,000 files; they are gone here")
    assert (confirmed.confirmed, confirmed.bring_back) == ([Confirmed("held_deletes", "there", 600)], False)
    assert (root.settings.may_delete, root.settings.bring_back) == (None, True)
    assert asked == ["status", "status", "reload", "status", "reload"]


def test_damaged_files_are_listed_and_fetched(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    troubles = [Trouble("a.jpg", "decayed", "It changed.", 1), Trouble("b", "busy", "It is in use.", 1)]
    assert device.ok("damaged").out == b"Nothing is known to be damaged.\n"
    assert device.run("damaged", "fetch").code == 1
    with daemon(root, status_of(root, problems=troubles)) as asked:
        listed = device.ok("damaged").out
        device.ok("damaged", root.folder, "fetch")

    assert listed == b"a.jpg\n"
    assert root.settings.fetch_decayed
    assert asked == ["status", "status", "reload"]


def test_held_deletes_of_a_run_that_has_ended_can_be_decided(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    root.write("last.json", encode(status_of(root, held=HELD)))

    assert device.ok("held", "--json").json[0]["files"] == 600
    assert "with the next `cairn sync`" in device.ok("held", "confirm").out.decode()
    assert root.settings.confirmed == [Confirmed("held_deletes", "there", 600)]


def test_a_number_alone_that_an_older_version_kept_is_read_and_allows_nothing(add_root: AddRoot) -> None:
    root = add_root()
    kept = root.state / "settings.json"
    kept.write_text(kept.read_text().replace('"may_delete":null', '"may_delete":600'))

    assert root.settings.may_delete == 600
    assert root.settings.confirmed == []


def test_limits_are_set_by_time_of_day_each_way_for_itself(device: Device, add_root: AddRoot) -> None:
    root = add_root()
    assert device.ok("limit").out == b"No limits.\n"
    device.ok("limit", "--up", "2M")
    device.ok("limit", "--down", "500K")
    device.ok("limit", root.folder, "--up", "1.5m", "--between", "22:00-6:30")
    listed = device.ok("limit").out.decode().splitlines()
    told = device.ok("limit", "--json").json
    device.ok("limit", "--up", "none", "--between", "22:00-06:30")
    left = device.ok("limit", "--json").json

    assert listed == [
        "22:00-06:30  up 1.5 MiB/s, down no limit",
        "always       up 2.0 MiB/s, down 500.0 KiB/s",
    ]
    assert told[0] == {"up": 1_572_864, "down": None, "from_minute": 1320, "to_minute": 390}
    assert left == told[1:]
    assert device.ok("limit", "none", "--json").json == []


@pytest.mark.parametrize(
    "wrong",
    [
        ("--up", "fast"),
        ("--up", "0"),
        ("--up", "-1"),
        ("--between", "10:00-11:00"),
        ("--up", "1M", "--between", "10:00-10:00"),
        ("--up", "1M", "--between", "00:00-24:00"),
        ("--up", "1M", "--between", "10:60-11:00"),
        ("--up", "1M", "--between", "10:00-24:01"),
        ("none", "--up", "1M"),
    ],
)
def test_limits_that_make_no_sense_are_wrong_use(at_home: None, add_root: AddRoot, wrong: tuple[str, ...]) -> None:
    root = add_root()

    assert main(["limit", *wrong]) == 2
    assert root.settings.number == 0


def test_forget_ends_a_root_and_keeps_its_files(device: Device, add_root: AddRoot, roots: Roots) -> None:
    root = add_root()
    (root.folder / "file").write_bytes(b"content")
    folder = root.folder
    with daemon(root):
        refused = device.run("sync", folder, "--forget")
    device.ok("sync", folder, "--forget")

    assert refused.code == 1
    assert roots.list() == []
    assert (folder / "file").exists()


def test_sync_without_a_login_ends_with_3(device: Device, tmp_path: Path) -> None:
    assert device.run("sync", tmp_path).code == 3


# Conflict copies

COPY = "a (conflict from desk 2026-11-23 14-05-09).txt"


@pytest.fixture
def conflict(add_root: AddRoot) -> Root:
    root = add_root()
    (root.folder / "deep").mkdir()
    (root.folder / "deep" / "a.txt").write_bytes(b"theirs")
    (root.folder / "deep" / COPY).write_bytes(b"mine")
    return root


def content(root: Root) -> dict[str, bytes]:
    """Return all files below a root, the trash without its day."""
    found = {}
    for path in root.folder.rglob("*"):
        parts = path.relative_to(root.folder).parts
        if path.is_file() and path.name != "lock":
            found["/".join(("trash", *parts[3:]) if parts[:2] == (".cairn", "trash") else parts)] = path.read_bytes()
    return found


def test_conflict_copies_are_listed_with_the_file_beside_them(device: Device, conflict: Root) -> None:
    (conflict.folder / "b (conflict from desk 2026-11-23 14-05-09)").write_bytes(b"alone")
    (conflict.folder / ".cairn" / COPY).write_bytes(b"private")

    told = device.ok("conflicts", "--json").json

    assert [(each["copy"], each["path"], each["copy_size"], each["size"]) for each in told] == [
        ("b (conflict from desk 2026-11-23 14-05-09)", "b", 5, None),
        (f"deep/{COPY}", "deep/a.txt", 4, 6),
    ]
    assert COPY in device.ok("conflicts", conflict.folder, "list").out.decode()


@pytest.mark.parametrize("named", ["a.txt", COPY])
def test_mine_makes_the_copy_the_file_and_keeps_what_was_there(device: Device, conflict: Root, named: str) -> None:
    device.ok("conflicts", "mine", conflict.folder / "deep" / named)

    assert content(conflict) == {"deep/a.txt": b"mine", f"trash/deep/{COPY}": b"theirs"}


def test_theirs_puts_the_copy_away(device: Device, conflict: Root) -> None:
    device.ok("conflicts", "theirs", conflict.folder / "deep" / COPY)

    assert content(conflict) == {"deep/a.txt": b"theirs", f"trash/deep/{COPY}": b"mine"}


def test_both_gives_the_copy_a_plain_free_name(device: Device, conflict: Root) -> None:
    (conflict.folder / "deep" / "a 2.txt").write_bytes(b"other")

    result = device.ok("conflicts", "both", conflict.folder / "deep" / COPY)

    assert result.out == b"Kept deep/a 3.txt.\n"
    assert content(conflict) == {"deep/a.txt": b"theirs", "deep/a 2.txt": b"other", "deep/a 3.txt": b"mine"}


def test_a_copy_whose_file_is_gone_takes_its_name_and_is_never_put_away(device: Device, conflict: Root) -> None:
    (conflict.folder / "deep" / "a.txt").unlink()

    assert device.run("conflicts", "theirs", conflict.folder / "deep" / COPY).code == 4
    device.ok("conflicts", "mine", conflict.folder / "deep" / COPY)
    assert content(conflict) == {"deep/a.txt": b"mine"}


def test_a_folder_or_link_under_the_plain_name_is_never_replaced(
    device: Device, conflict: Root, tmp_path: Path
) -> None:
    plain = conflict.folder / "deep" / "a.txt"
    plain.unlink()
    plain.symlink_to(tmp_path / "outside")
    (tmp_path / "outside").write_bytes(b"outside")

    assert device.run("conflicts", "mine", conflict.folder / "deep" / COPY).code == 4
    assert plain.is_symlink()
    assert (conflict.folder / "deep" / COPY).read_bytes() == b"mine"


def test_a_file_with_several_copies_wants_one_named(device: Device, conflict: Root) -> None:
    (conflict.folder / "deep" / COPY.replace("desk", "lap")).write_bytes(b"third")

    assert device.run("conflicts", "mine", conflict.folder / "deep" / "a.txt").code == 2
    device.ok("conflicts", "theirs", conflict.folder / "deep" / COPY)
    assert len(content(conflict)) == 3


def test_what_is_no_conflict_is_left_alone(device: Device, conflict: Root, tmp_path: Path) -> None:
    before = content(conflict)

    assert device.run("conflicts", "mine", conflict.folder / "deep" / "nothing").code == 1
    assert device.run("conflicts", "mine", tmp_path / COPY).code == 2
    assert device.run("conflicts", "mine").code == 2
    assert content(conflict) == before


# At login


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where units go, with a `systemctl` that writes down how it is called."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "systemctl").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/called\n')
    (tools / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "systemd" / "user"


def test_a_service_is_installed_and_uninstalled(config: Path, home: Path, add_root: AddRoot, tmp_path: Path) -> None:
    device, root = Device(home), add_root('a "b" %h $HOME')
    device.ok("service", "install")
    (unit,) = config.iterdir()
    text = unit.read_text()
    device.ok("service", root.folder, "uninstall")

    assert unit.name == f"cairn-sync-{root.id}.service"
    (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert line.endswith('"sync" "' + str(tmp_path) + '/a \\"b\\" %%h $$HOME"')
    assert "RestartPreventExitStatus=2 3" in text
    assert f'Environment="CAIRN_HOME={home}"' in text
    assert list(config.iterdir()) == []
    assert (tmp_path / "called").read_text().splitlines() == [
        "--user daemon-reload",
        f"--user enable --now {unit.name}",
        f"--user disable --now {unit.name}",
    ]
    assert device.run("service", "uninstall").code == 1


def test_where_the_system_takes_nothing_up_it_is_said_what_to_run(config: Path, home: Path, add_root: AddRoot) -> None:
    root = add_root()
    (config.parents[2] / "bin" / "systemctl").write_text("#!/bin/sh\nexit 1\n")

    result = Device(home).ok("service", "install")

    assert f"`systemctl --user enable --now cairn-sync-{root.id}.service`" in result.err
    assert len(list(config.iterdir())) == 1


@pytest.mark.parametrize("kind", ["launchd", "windows"])
def test_units_of_other_systems_are_well_formed_and_hold_the_folder(
    device: Device, add_root: AddRoot, kind: str
) -> None:
    import xml.etree.ElementTree as ET  # noqa: PLC0415 -- only here, and what it reads is ours

    root = add_root("a & <b>")
    tree = ET.fromstring(device.ok("service", "show", "--for", kind).out.decode().partition("\n")[2])  # noqa: S314

    assert any(str(root.folder) in (element.text or "") for element in tree.iter())


def test_service_wants_to_be_told_what_to_do(device: Device, add_root: AddRoot) -> None:
    root = add_root()

    assert device.run("service").code == 2
    assert device.run("service", root.folder).code == 2
    assert device.run("service", "install", "--for", "launchd").code == 2
