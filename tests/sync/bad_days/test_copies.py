"""A machine, or its state, is copied, or put back from a backup: the server sees two installations with one login."""

import shutil
from pathlib import Path

import msgspec
import pytest

from client.install import Names
from tests.server import RunningServer
from tests.sync.bad_days.conftest import NewMachine
from tests.sync.bad_days.machine import Machine


@pytest.fixture
def laptop(at: NewMachine) -> Machine:
    """A machine that is logged in at the server of this test alone, and in step."""
    machine = at("laptop")
    machine.write("a.txt", "first")
    machine.sync()
    return machine


def copy_of(machine: Machine, base: Path) -> Machine:
    """Return a machine that is what another is now, as a copied disk makes it; its folder lies elsewhere."""
    copied = Machine(base, machine.login, machine.remote)
    shutil.rmtree(copied.home)
    shutil.copytree(machine.home, copied.home, ignore=shutil.ignore_patterns("roots"))
    return copied


def test_a_copied_machine_is_asked_to_log_in_and_the_other_goes_on(
    own_server: RunningServer, laptop: Machine, tmp_path: Path
) -> None:
    copied = copy_of(laptop, tmp_path / "copy")
    laptop.sync()

    refused = copied.sync(3)
    listed = copied.ok("ls", "/").out  # what uses the login without keeping a folder in step goes on
    laptop.sync()

    assert "Another machine uses this login" in refused.err
    assert "Run `cairn login` again." in refused.err
    assert b"a.txt" in listed

    copied.device.login(own_server)
    copied.sync()
    copied.write("b.txt", "from the copy")
    copied.sync()
    laptop.sync()
    assert laptop.tree() == copied.tree() == {"a.txt": b"first", "b.txt": b"from the copy"}
    kinds = [device["kind"] for device in laptop.ok("devices", "--json").json]
    assert kinds.count("device") == 2


def test_of_two_copies_the_one_that_starts_first_is_the_one_that_goes_on(laptop: Machine, tmp_path: Path) -> None:
    copied = copy_of(laptop, tmp_path / "copy")

    copied.sync()

    laptop.sync(3)
    copied.sync()


def test_a_state_from_a_backup_is_a_copy_too(laptop: Machine, tmp_path: Path) -> None:
    backup = tmp_path / "names"
    names = laptop.home / "install_names.json"
    shutil.copyfile(names, backup)
    laptop.sync()

    shutil.copyfile(backup, names)

    laptop.sync(3)


@pytest.mark.parametrize("heard", [False, True])
def test_a_start_that_ended_in_the_midst_of_showing_its_name_shuts_nobody_out(laptop: Machine, *, heard: bool) -> None:
    """The server had the name or not: the next start shows both."""
    path = laptop.home / "install_names.json"
    names = msgspec.json.decode(path.read_bytes(), type=Names)
    if heard:
        names = msgspec.structs.replace(names, is_known=False)
    else:
        newest = msgspec.structs.replace(names.names[-1], name="never-shown")
        names = msgspec.structs.replace(names, names=[*names.names, newest], is_known=False)
    path.write_bytes(msgspec.json.encode(names))

    laptop.sync()
    laptop.sync()


def test_a_login_anew_on_the_same_machine_begins_anew(own_server: RunningServer, laptop: Machine) -> None:
    laptop.device.login(own_server)

    laptop.sync()
    laptop.sync()


def test_a_server_that_was_put_back_knows_its_machines(
    own_server: RunningServer, laptop: Machine, tmp_path: Path
) -> None:
    own_server.stop()
    shutil.copytree(own_server.data, tmp_path / "backup")
    own_server.start()
    for _ in range(3):
        laptop.sync()

    own_server.stop()
    shutil.rmtree(own_server.data)
    shutil.copytree(tmp_path / "backup", own_server.data)
    own_server.start()

    laptop.sync()
