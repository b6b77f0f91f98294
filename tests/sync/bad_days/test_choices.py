"""What a person chose for one device: left out, ignored, paused; and what others allow."""

import io
import shutil
from pathlib import Path

import pytest

from client.home import Login
from tests.server import RunningServer
from tests.sync.bad_days.conftest import NewMachine, login_at
from tests.sync.bad_days.machine import Machine, codes, eventually, server_command

GUEST = "bob"
GUEST_PASSWORD = "meadow-lantern-orbit-7"


def test_a_folder_left_out_goes_here_alone_and_comes_back_when_taken(laptop: Machine, desk: Machine) -> None:
    for path in ("Photos/2019/a.jpg", "Photos/2020/b.jpg", "c.txt"):
        laptop.write(path, f"content of {path}")
    laptop.sync()
    desk.sync()
    whole = desk.tree()

    laptop.here("select", "leave", f"{laptop.remote}/Photos/2019")
    laptop.write("Photos/2019/new here.jpg", "the server does not hold it")
    laptop.sync(None)
    desk.write("Photos/2019/more.jpg", "more")
    desk.sync()
    laptop.sync(None)

    assert "Photos/2019/a.jpg" not in laptop.names()
    assert "Photos/2019/more.jpg" not in laptop.names()
    kept = [path for path in laptop.folder.rglob("new here.jpg") if ".cairn" not in path.parts]
    assert [path.read_bytes() for path in kept] == [b"the server does not hold it"]
    assert desk.tree().items() >= whole.items()

    laptop.ok("mv", f"{laptop.remote}/Photos/2019", f"{laptop.remote}/Photos/old")
    laptop.sync(None)
    assert "Photos/old/a.jpg" not in laptop.names()
    laptop.here("select", "take", f"{laptop.remote}/Photos/old")
    laptop.sync()
    desk.sync()
    laptop.sync()

    assert laptop.read("Photos/old/a.jpg") == b"content of Photos/2019/a.jpg"
    assert laptop.read("Photos/old/more.jpg") == b"more"
    assert laptop.tree() == desk.tree()


def test_rules_that_come_and_go_delete_nothing_on_either_side(laptop: Machine, desk: Machine) -> None:
    for path in ("a.iso", "build/x.o", "c.txt"):
        laptop.write(path, f"content of {path}")
    laptop.sync()
    desk.sync()
    whole = desk.tree()

    laptop.here("ignore", "add", "*.iso", "build/")
    laptop.sync()
    desk.sync()
    assert laptop.tree() == desk.tree() == whole
    laptop.write("b.iso", "here alone")
    desk.write("build/y.o", "there alone")
    desk.sync()
    laptop.sync()
    desk.sync()
    assert "b.iso" not in desk.names()
    assert "build/y.o" not in laptop.names()
    (laptop.folder / "a.iso").unlink()
    laptop.sync()
    desk.sync()
    assert "a.iso" in desk.names()

    laptop.here("ignore", "remove", "*.iso", "build/")
    laptop.sync()
    desk.sync()

    assert laptop.tree() == desk.tree() == {**whole, "b.iso": b"here alone", "build/y.o": b"there alone"}


def test_a_rule_for_all_devices_is_a_file_and_counts_everywhere(laptop: Machine, desk: Machine) -> None:
    laptop.write("a.tmp", "kept")
    laptop.sync()
    desk.sync()
    laptop.write(".cairnignore", "*.tmp\n")
    laptop.sync()
    desk.sync()
    desk.write("b.tmp", "of the desk alone")
    (desk.folder / "a.tmp").unlink()
    desk.sync()
    laptop.sync()

    assert laptop.tree() == {".cairnignore": b"*.tmp\n", "a.tmp": b"kept"}
    assert desk.tree() == {".cairnignore": b"*.tmp\n", "b.tmp": b"of the desk alone"}


def _there(machine: Machine) -> list[str]:
    """Return the names at the server, which rules hide from no one."""
    return machine.ok("ls", machine.remote).out.decode().split()


def test_a_device_that_joins_sends_nothing_that_the_rules_at_the_server_leave_out(
    laptop: Machine, desk: Machine
) -> None:
    """Uploads began before the file with the rules had been fetched."""
    laptop.write(".cairnignore", "*.key\nbuilt/\n")
    laptop.sync()
    desk.write("secret.key", "of the desk alone")
    desk.write("built/a.o", "of the desk alone")
    desk.write("a.txt", "sent")

    desk.sync()

    assert _there(desk) == [".cairnignore", "a.txt"]
    assert desk.read("secret.key") == b"of the desk alone"


def test_rules_that_a_link_stands_for_stay_as_they_were(laptop: Machine, tmp_path: Path) -> None:
    laptop.write(".cairnignore", "*.key\n")
    laptop.write("secret.key", "of the laptop alone")
    laptop.sync()
    (laptop.folder / ".cairnignore").rename(tmp_path / "rules")
    (laptop.folder / ".cairnignore").symlink_to(tmp_path / "rules")

    told = laptop.sync(1)

    assert "The rules of what is left out stay as they were." in told.err
    assert _there(laptop) == [".cairnignore"]


def test_what_was_confirmed_allows_no_later_deletes_though_a_file_is_in_the_way(laptop: Machine, desk: Machine) -> None:
    """With one file in the way both sides never agree, and what was confirmed once stayed allowed for good."""
    for number in range(30):
        laptop.write(f"first/{number}", "x")
    laptop.write("bad\nname", "stays here")
    laptop.sync(1)
    shutil.rmtree(laptop.folder / "first")
    laptop.sync(1)
    laptop.here("held", "confirm")
    laptop.sync(1)
    assert laptop.root.settings.may_delete is None
    for number in range(25):
        laptop.write(f"second/{number}", "x")
    laptop.sync(1)
    shutil.rmtree(laptop.folder / "second")

    laptop.sync(1)
    desk.sync()

    assert [each["files"] for each in laptop.status()["held"]] == [25]
    assert len(desk.names()) == 26


def test_what_was_confirmed_covers_no_more_than_was_shown_and_ends_with_that(laptop: Machine) -> None:
    for number in range(32):
        laptop.write(f"{'first' if number < 30 else 'second'}/{number}", "x")
    laptop.write("a.txt", "kept")
    laptop.sync()
    shutil.rmtree(laptop.folder / "first")
    laptop.sync(1)
    laptop.here("held", "confirm")
    shutil.rmtree(laptop.folder / "second")

    laptop.sync(1)

    assert {each["files"] for each in laptop.status()["held"]} == {32}
    assert laptop.root.settings.may_delete is None


def test_what_was_confirmed_and_came_back_by_itself_is_allowed_no_more(laptop: Machine, tmp_path: Path) -> None:
    for number in range(30):
        laptop.write(f"first/{number}", "x")
    laptop.write("bad\nname", "stays here")
    laptop.sync(1)
    (laptop.folder / "first").rename(tmp_path / "first")
    laptop.sync(1)
    laptop.here("held", "confirm")
    (tmp_path / "first").rename(laptop.folder / "first")

    laptop.sync(1)

    assert laptop.root.settings.may_delete is None
    assert (laptop.status()["held"], len(laptop.names())) == ([], 32)


def test_a_paused_folder_rests_over_restarts_and_goes_on_when_resumed(laptop: Machine) -> None:
    laptop.write("a.txt", "first")
    with laptop.daemon() as daemon:
        daemon.in_step()
        laptop.here("pause")
        daemon.until(lambda status: status["state"] == "paused")
    laptop.write("b.txt", "made while it rests")
    with laptop.daemon() as daemon:
        daemon.until(lambda status: status["state"] == "paused" and status["not_safe"] == ["b.txt"])
        assert b"b.txt" not in laptop.ok("ls", laptop.remote).out
        laptop.here("resume")
        daemon.until(lambda status: status["state"] == "in_step" and not status["not_safe_files"])

    assert b"b.txt" in laptop.ok("ls", laptop.remote).out


@pytest.fixture(scope="module")
def guest(server: RunningServer) -> Login:
    """A login of somebody else at the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{GUEST_PASSWORD}\n".encode())))
        server_command(server, "user", "add", GUEST, "--password-stdin")
    return login_at(server, "guest", GUEST, GUEST_PASSWORD)


def test_an_edit_where_one_may_only_read_is_kept_beside_and_told(laptop: Machine, guest: Login, tmp_path: Path) -> None:
    laptop.write("Shared/plan.txt", "of the owner")
    laptop.write("Shared/deep/other.txt", "of the owner")
    laptop.sync()
    laptop.ok("share", f"{laptop.remote}/Shared", GUEST, "--role", "viewer")
    reader = Machine(tmp_path / "reader", guest, "/")
    reader.sync()
    assert reader.read("Shared/plan.txt") == b"of the owner"

    reader.write("Shared/plan.txt", "of the reader")
    reader.write("Shared/new.txt", "new of the reader")
    (reader.folder / "Shared/deep/other.txt").unlink()
    told = reader.sync(None)
    laptop.sync()

    assert reader.read("Shared/plan.txt") == b"of the owner"
    assert reader.read("Shared/new.txt") == b"new of the reader"
    assert reader.read("Shared/deep/other.txt") == b"of the owner"
    (copy,) = [name for name in reader.names() if "(conflict from " in name]
    assert reader.read(copy) == b"of the reader"
    assert codes(reader.status()) == {(copy, "read_only"), ("Shared/new.txt", "read_only")}
    assert told.code == 1
    assert "Shared/new.txt: " in told.err
    assert laptop.tree() == {
        "Shared": None,
        "Shared/deep": None,
        "Shared/plan.txt": b"of the owner",
        "Shared/deep/other.txt": b"of the owner",
    }

    # The right ends: what the reader had not changed goes from there, and from nowhere else.
    laptop.ok("share", "remove", f"{laptop.remote}/Shared", GUEST)
    reader.sync(None)
    laptop.sync()
    assert sorted(content for content in reader.tree().values() if content) == [b"new of the reader", b"of the reader"]
    assert laptop.read("Shared/plan.txt") == b"of the owner"


def test_a_daemon_takes_over_choices_while_it_runs(laptop: Machine, new: NewMachine) -> None:
    desk = new("desk")
    for path in ("Photos/a.jpg", "c.txt"):
        laptop.write(path, f"content of {path}")
    laptop.sync()
    desk.sync()
    with laptop.daemon() as daemon:
        daemon.in_step()
        laptop.here("select", "leave", f"{laptop.remote}/Photos")
        eventually(lambda: laptop.names() == ["c.txt"], "the folder that is left out goes here")
        laptop.here("select", "take", f"{laptop.remote}/Photos")
        eventually(lambda: "Photos/a.jpg" in laptop.names(), "it is here again")
        laptop.here("ignore", "add", "*.log")
        laptop.write("x.log", "left out")
        laptop.write("y.txt", "not left out")
        eventually(lambda: b"y.txt" in laptop.ok("ls", laptop.remote).out, "what is not left out is sent")
        daemon.in_step()
    desk.sync()

    assert desk.names() == ["Photos", "Photos/a.jpg", "c.txt", "y.txt"]
