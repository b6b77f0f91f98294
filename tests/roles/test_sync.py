"""The feed through a process of its own: as fresh, as strict, and without a way to write.

The main process runs with --role api here, so nothing but the other one can have answered what is asked of the feed.
"""

import base64
import http.client
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Reads
from storage.errors import StoreFailedError
from tests.device import Device
from tests.roles.site import PATIENCE_S, Site, opened, until
from tests.server import ADMIN, PASSWORD

MEDIAN_S = 0.5
SOON_S = 20.0
"""At once, on a machine that does much else; who waits in vain waits for a minute."""
HOUR_MS = 3600 * 1000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What all tests here share."""
    with opened(tmp_path_factory.mktemp("nginx"), "chunks", "sync", main="api") as site:
        yield site


class Person:
    """Somebody who asks with a token, through nginx."""

    def __init__(self, site: Site, home: Path, user: str = ADMIN) -> None:
        self.site = site
        self.device, self.token = site.log_in(home, user)
        self.bearer = {"Authorization": f"Bearer {self.token}"}
        self._open = ExitStack()

    def close(self) -> None:
        """Hang up."""
        self._open.close()

    def make_folder(self, path: str) -> None:
        assert self.site.ask("POST", "/api/v1/folders", {"path": path}, **self.bearer)[0] == 201

    def feed(self, cursor: str | None = None) -> Any:
        """Return all that is behind a cursor, as one page."""
        behind = "" if cursor is None else f"&cursor={cursor}"
        status, _, body = self.site.ask("GET", f"/api/v1/sync?limit=10000{behind}", **self.bearer)
        assert status == 200, body
        return json.loads(body)

    def poll(self, cursor: str) -> http.client.HTTPConnection:
        """Begin a long poll, and give it time to wait: others that were asked later are answered."""
        begun = self._begin(f"/api/v1/sync?cursor={cursor}&wait=60")
        for _ in range(3):
            self.feed(cursor)
        return begun

    def listen(self) -> http.client.HTTPResponse:
        """Return a stream of events that has begun."""
        response = self._open.enter_context(closing(self._begin("/api/v1/events").getresponse()))
        assert (response.status, response.readline(), response.readline()) == (200, b":\n", b"\n")
        return response

    def _begin(self, target: str) -> http.client.HTTPConnection:
        return self._open.enter_context(closing(self.site.begin("GET", target, **self.bearer)))

    def id_of_device(self) -> str:
        """Return the id of the device that asks."""
        items = json.loads(self.site.ask("GET", "/api/v1/devices", **self.bearer)[2])["items"]
        return str(next(item["device_id"] for item in items if item["current"]))


@pytest.fixture
def ada(site: Site, tmp_path: Path) -> Iterator[Person]:
    with closing(Person(site, tmp_path / "laptop")) as person:
        yield person


@pytest.fixture
def phone(site: Site, tmp_path: Path) -> Iterator[Person]:
    """Ada's other device."""
    with closing(Person(site, tmp_path / "phone")) as person:
        yield person


@pytest.fixture
def bob(site: Site, ada: Person, tmp_path: Path) -> Iterator[Person]:
    """Somebody else."""
    ada.device.ok("user", "add", "bob", "--password-stdin", "--data", site.main.data, stdin=f"{PASSWORD}\n")
    with closing(Person(site, tmp_path / "bob", "bob")) as person:
        yield person


def read(begun: http.client.HTTPConnection) -> tuple[int, Any]:
    """Return status and JSON of what was begun."""
    response = begun.getresponse()
    return response.status, json.loads(response.read())


def told(page: Any) -> list[str]:
    return [change["file"]["path"] for change in page["changes"]]


def test_a_change_ends_a_poll_and_is_in_the_events_well_within_a_second(ada: Person, phone: Person) -> None:
    cursor, stream, polls, events = phone.feed()["cursor"], phone.listen(), [], []
    for number in range(9):
        poll = phone.poll(cursor)
        ada.make_folder(f"/fresh {number}")
        begun_s = time.perf_counter()
        while not (line := stream.readline()).startswith(b"event"):
            pass
        events.append(time.perf_counter() - begun_s)
        status, page = read(poll)
        polls.append(time.perf_counter() - begun_s)
        assert (line, status, told(page)) == (b"event: change\n", 200, [f"/fresh {number}"])
        cursor = page["cursor"]

    assert (statistics.median(polls) < MEDIAN_S, statistics.median(events) < MEDIAN_S) == (True, True)


def test_a_revoked_device_hears_nothing_more_from_that_moment_on(ada: Person, phone: Person) -> None:
    number, cursor = phone.id_of_device(), phone.feed()["cursor"]
    poll, stream = phone.poll(cursor), phone.listen()

    revoked = ada.site.ask("DELETE", f"/api/v1/devices/{number}", **ada.bearer)[0]
    after = ada.site.ask("GET", "/api/v1/sync", **phone.bearer)[0]
    begun_s = time.perf_counter()
    status, problem = read(poll)
    rest = stream.read()

    assert (revoked, after, status, problem["code"]) == (204, 401, 401, "unauthenticated")
    assert (rest, time.perf_counter() - begun_s < SOON_S) == (b"", True)
    assert ada.site.ask("GET", "/api/v1/events", **phone.bearer)[0] == 401


def test_what_a_command_ends_while_the_main_process_is_away_is_cut_too(site: Site, ada: Person, bob: Person) -> None:
    poll, stream = bob.poll(bob.feed()["cursor"]), bob.listen()

    site.main.kill()
    read_meanwhile = told(ada.feed())
    ada.device.ok("user", "disable", "bob", "--data", site.main.data)
    begun_s = time.perf_counter()
    status, rest, took_s = read(poll)[0], stream.read(), time.perf_counter() - begun_s
    site.main.start()

    assert (status, rest, took_s < SOON_S) == (401, b"", True)
    assert "/" in read_meanwhile


def test_a_poll_outlives_a_crash_of_the_main_process(site: Site, ada: Person, phone: Person) -> None:
    poll = phone.poll(phone.feed()["cursor"])

    site.kill_main()
    ada.make_folder("/after a crash")
    status, page = read(poll)

    assert (status, told(page)) == (200, ["/after a crash"])


def test_the_feed_is_back_after_a_crash_of_its_process(site: Site, ada: Person, phone: Person) -> None:
    cursor = phone.feed()["cursor"]
    poll = phone.poll(cursor)
    (process,) = site.beside["sync"]

    site.kill("sync")
    cut = poll.getresponse().status
    ada.make_folder("/while the feed was away")
    site.start("sync")
    until(lambda: site.ask("GET", "/api/v1/sync", **phone.bearer)[0] == 200)

    assert (process.returncode, cut) == (-9, 502)
    assert told(phone.feed(cursor)) == ["/while the feed was away"]


def test_it_takes_up_the_database_that_was_put_in_place_of_the_one_it_has(site: Site, ada: Person) -> None:
    database = site.main.data / "metadata.db"
    (process,) = site.beside["sync"]

    site.main.stop()
    for name in ("metadata.db", "metadata.db-wal", "metadata.db-shm"):
        found = database.with_name(name)
        if found.exists():
            shutil.copy(found, found.with_suffix(".copy"))
            found.unlink()
            if name == "metadata.db":
                found.with_suffix(".copy").rename(found)
    site.main.start()
    site.hear("sync", process)
    ada.make_folder("/in the other file")

    assert "/in the other file" in told(ada.feed())


def test_its_connections_cannot_write(site: Site, ada: Person) -> None:
    ada.feed()
    (process,) = site.beside["sync"]
    held = [path for path in Path(f"/proc/{process.pid}/fd").iterdir() if path.readlink().name == "metadata.db"]
    modes = {_flags(process.pid, path.name) & os.O_ACCMODE for path in held}

    assert modes == {os.O_RDONLY}


async def test_a_write_through_such_a_connection_fails(site: Site) -> None:
    reads = await Reads.open_reads(site.main.data / "metadata.db")
    try:
        with pytest.raises(StoreFailedError, match="READONLY"):
            await reads.read(lambda tx: tx.execute("UPDATE meta SET seq = seq"))
    finally:
        await reads.close()


def _flags(pid: int, descriptor: str) -> int:
    lines = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))


def test_the_main_process_notes_the_uses_that_the_other_saw(site: Site, ada: Person, phone: Person) -> None:
    number = phone.id_of_device()
    site.main.stop()
    long_ago_ms = time.time_ns() // 1_000_000 - 2 * HOUR_MS
    with closing(sqlite3.connect(site.main.data / "metadata.db")) as connection, connection:
        connection.execute("UPDATE actors SET last_used_ms = ?", (long_ago_ms,))
    site.main.start()

    phone.feed()

    def is_noted() -> bool:
        items = json.loads(site.ask("GET", "/api/v1/devices", **ada.bearer)[2])["items"]
        return any(item["device_id"] == number and item["last_used_ms"] > long_ago_ms + HOUR_MS for item in items)

    until(is_noted)


def test_wrong_app_passwords_are_counted_with_those_at_other_doors(site: Site, ada: Person) -> None:
    made = json.loads(site.ask("POST", "/api/v1/app-passwords", {"name": "reader"}, **ada.bearer)[2])["password"]
    ada.device.ok("user", "add", "eve", "--password-stdin", "--data", site.main.data, stdin=f"{PASSWORD}\n")

    statuses = [site.ask("GET", "/api/v1/sync", **_basic("eve", f"wrong {number}"))[0] for number in range(6)]
    elsewhere = site.ask("GET", "/api/v1/folders/root/children", **_basic("eve", "wrong again"))
    right = site.ask("GET", "/api/v1/sync", **_basic(ADMIN, made))[0]

    assert statuses == [401] * 5 + [429]
    assert (elsewhere[0], int(elsewhere[1]["Retry-After"]) > 1, right) == (429, True, 200)


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize("role", ["chunks", "sync"])
def test_a_container_with_one_role_is_well(site: Site, role: str) -> None:
    environment = {**os.environ, "CAIRN_SERVER__PORT": str(site.ports[role])}

    asked = subprocess.run([sys.executable, "-m", "app.healthcheck"], env=environment, capture_output=True, check=False)

    assert (asked.returncode, asked.stdout.startswith(b"200")) == (0, True)


def test_the_main_process_says_what_it_leaves_to_others(site: Site, ada: Person) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.main.port, timeout=PATIENCE_S)
    with closing(connection):
        connection.request("GET", "/api/v1/sync")
        stranger = connection.getresponse()
        stranger.read()
        connection.request("GET", "/api/v1/sync", headers=ada.bearer)
        status, problem = (answer := connection.getresponse()).status, json.loads(answer.read())
        connection.request("GET", f"/chunks/{'0' * 64}")
        chunk = (answer := connection.getresponse()).status, json.loads(answer.read())["code"]

    assert (stranger.status, status, chunk) == (401, 503, (503, "unavailable"))
    assert "--role api" in problem["detail"]


def test_two_devices_keep_in_step_through_all_roles_whichever_is_killed(
    site: Site, ada: Person, tmp_path: Path
) -> None:
    ada.make_folder("/Shared")
    folders = [tmp_path / name for name in ("one", "two")]
    devices: list[Device] = []
    for folder in folders:
        folder.mkdir()
        devices.append(site.log_in(tmp_path / f"home {folder.name}")[0])
    engines = [
        device.begin("sync", folder, "--remote", "/Shared") for device, folder in zip(devices, folders, strict=True)
    ]
    try:
        for number, kill in enumerate((lambda: None, lambda: site.kill("sync"), site.kill_main)):
            kill()
            content = os.urandom(300_000)
            (folders[number % 2] / f"{number}.bin").write_bytes(content)
            if not site.beside["sync"]:
                site.start("sync")
            other = folders[1 - number % 2] / f"{number}.bin"
            until(lambda: other.exists() and other.read_bytes() == content)  # noqa: B023 - waited for at once
    finally:
        for engine in engines:
            engine.terminate()
            engine.communicate(timeout=PATIENCE_S)
