"""Many files: a stop in the middle, what is not sent twice, and what takes one request."""

import pytest

from client.sync.loop.work import SMALL_FILES
from tests.server import RunningServer
from tests.sync.bad_days.conftest import NewMachine
from tests.sync.bad_days.machine import Machine, requests

MANY = 1500
SIZE = 3000
START = "POST /api/v1/installation"
"""What each start of the program says."""


@pytest.fixture
def laptop(at: NewMachine) -> Machine:
    """A machine that is logged in at the server of this test alone."""
    return at("laptop")


def test_a_first_sync_killed_in_the_middle_goes_on_and_sends_little_twice(
    own_server: RunningServer, laptop: Machine, at: NewMachine
) -> None:
    for number in range(MANY):
        laptop.write(f"folder {number % 20}/{number}.txt", f"{number:010} ".encode() * (SIZE // 11))
    with laptop.daemon() as daemon:
        daemon.until(lambda _: requests(own_server)["POST /api/v1/uploads/commit"] >= 1)
        daemon.kill()
    before = requests(own_server)
    committed = _files(laptop)
    laptop.sync()
    after = requests(own_server)

    assert 0 < committed < MANY, "the kill came in the middle"
    assert _files(laptop) == MANY
    # What was committed before the stop is not sent again, and little else is.
    lots = -(-(MANY - committed) // SMALL_FILES) + 1
    assert (after - before)["POST /api/v1/uploads/commit"] <= lots
    assert (after - before)["PUT /bundles/{bundle}"] <= lots
    desk = at("desk")
    desk.sync()
    assert desk.tree() == laptop.tree()
    sent = requests(own_server)
    laptop.sync()
    desk.sync()
    more = requests(own_server) - sent
    assert set(more) <= {START, *(route for route in more if route.startswith("GET "))}, more


def test_a_first_fetch_killed_in_the_middle_goes_on_without_a_conflict(laptop: Machine, at: NewMachine) -> None:
    for number in range(MANY):
        laptop.write(f"folder {number % 20}/{number}.txt", f"{number:010} ".encode() * (SIZE // 11))
    laptop.sync()
    desk = at("desk")
    with desk.daemon() as daemon:
        daemon.until(lambda _: len(desk.names()) > 300)
        daemon.kill()
    had = len(desk.names())
    desk.sync()

    assert had < MANY
    assert desk.tree() == laptop.tree()
    assert desk.here("conflicts").out.decode() == "There are no conflict copies.\n"


def test_the_rename_of_a_folder_with_many_files_is_one_request_and_moves_no_byte(
    own_server: RunningServer, laptop: Machine, at: NewMachine
) -> None:
    desk = at("desk")
    for number in range(300):
        laptop.write(f"old/{number % 7}/{number}.txt", f"content of {number}")
    laptop.sync()
    desk.sync()
    kept = (desk.folder / "old/3/3.txt").stat().st_ino
    before = requests(own_server)
    (laptop.folder / "old").rename(laptop.folder / "new")
    laptop.sync()
    desk.sync()
    made = requests(own_server) - before

    assert desk.tree() == laptop.tree()
    assert (desk.folder / "new/3/3.txt").stat().st_ino == kept
    changes = {route: number for route, number in made.items() if not route.startswith("GET ") and route != START}
    assert changes == {"PATCH /api/v1/files/{file_id}": 1}
    assert set(made) <= {"PATCH /api/v1/files/{file_id}", "GET /api/v1/sync", "GET /metrics", "GET /readyz", START}


def _files(machine: Machine) -> int:
    """Return how many files the server holds in the folders at the top."""
    folders = [each for each in machine.ok("ls", "--json", "/").json if each["kind"] == "folder"]
    return sum(len(machine.ok("ls", "--json", each["path"]).json) for each in folders)
