"""Which versions a rule takes, and that nothing else ever goes (decision 0018)."""

import random
from http import HTTPStatus
from typing import Any

import pytest

from app.config import History
from app.db.transaction import Snapshot, Transaction
from app.repositories import retention
from app.repositories.retention import Age, Kept
from app.services.fsck import Level, check
from app.services.keeper import Keeper
from app.services.retention import DAY_MS, DAY_S, HOUR_MS, Ages, Rule, taken
from app.services.uptime import Uptime
from storage.disk import LocalDisk
from tests.accounts.api import PASSWORD
from tests.api.conftest import Running
from tests.api.people import Person

NOW_MS = 1_764_000_000_000
RULE = Rule(newest=0, hourly_days=1, daily_days=30, weekly_days=365)


class AllOld(Ages):
    """Ages by the clock alone."""

    def __init__(self) -> None:
        """Look from NOW_MS."""
        self._now_ms = NOW_MS

    def age(self, _days: int) -> Age:
        """Return that the server has run for ever."""
        return Age(2**62, 2**62)


def made(*ages_ms: int, labelled: int | None = None) -> list[Kept]:
    """Return versions of these ages, the newest first."""
    return [Kept(1000 - at, NOW_MS - age, at == labelled, 1) for at, age in enumerate(ages_ms)]


def test_of_each_hour_day_and_week_the_last_stays() -> None:
    versions = [Kept(10_000 - n, NOW_MS - n * HOUR_MS // 4, is_labelled=False, size=1) for n in range(4 * 24 * 500)]

    gone = {version.id for version in taken(versions, RULE, AllOld())}

    left = [NOW_MS - version.created_ms for version in versions if version.id not in gone]
    assert 24 <= sum(age < DAY_MS for age in left) <= 25
    assert 28 <= sum(DAY_MS <= age < 30 * DAY_MS for age in left) <= 30
    assert 46 <= sum(30 * DAY_MS <= age < 365 * DAY_MS for age in left) <= 49
    assert not any(age >= 365 * DAY_MS for age in left)


def test_the_newest_and_the_labelled_stay_whatever_their_age() -> None:
    versions = made(*(n * 1000 * DAY_MS for n in range(1, 9)), labelled=6)

    assert [version.id for version in taken(versions, Rule(2, 0, 0, 0), AllOld())] == [998, 997, 996, 995, 993]


@pytest.mark.parametrize("seed", range(5))
def test_thinning_again_takes_no_more_and_going_on_in_steps_takes_the_same(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's choices
    versions = made(*sorted(chance.randrange(400 * DAY_MS) for _ in range(500)))
    rule = Rule(5, 1, 30, 365)
    gone = set(taken(versions, rule, AllOld()))
    left = [version for version in versions if version not in gone]

    assert list(taken(left, rule, AllOld())) == []

    some = set(list(taken(versions, rule, AllOld()))[:100])
    assert some | set(taken([v for v in versions if v not in some], rule, AllOld())) == gone


class Clock:
    """A wall clock and an uptime that a test sets."""

    def __init__(self) -> None:
        """Begin now."""
        self.ms = NOW_MS
        self.s = 0

    def now_ms(self) -> int:
        """Return the time."""
        return self.ms

    def now_s(self) -> int:
        """Return the uptime."""
        return self.s

    def pass_days(self, days: int) -> None:
        """Let days pass by both."""
        self.ms += days * DAY_MS
        self.s += days * DAY_S


class SetUptime(Uptime):
    """An uptime that a test sets."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock."""
        self._clock = clock

    def now_s(self) -> int:
        """Return it."""
        return self._clock.s


def keeper_of(server: Running, clock: Clock, settings: History) -> Keeper:
    """Return a keeper that goes by a clock of the test."""
    return Keeper(server.cairn.database, server.cairn.jobs, SetUptime(clock), settings, clock.now_ms)


async def date_versions(server: Running, clock: Clock) -> None:
    """Let everything have been made by now, one version an hour."""

    def work(tx: Transaction) -> None:
        tx.execute(
            "UPDATE versions SET created_ms = :now - :h * (SELECT count(*) FROM versions v WHERE v.id > versions.id)",
            {"now": clock.ms, "h": HOUR_MS},
        )
        tx.execute("UPDATE nodes SET dead_ms = :now WHERE dead_ms IS NOT NULL", {"now": clock.ms})

    await server.cairn.database.write(work)


async def versions_of(person: Person, file_id: str) -> list[dict[str, Any]]:
    """Return the versions of a file, the newest first."""
    reply = await person.get(f"/api/v1/files/{file_id}/versions")
    assert reply.status == HTTPStatus.OK, reply.body
    return list(reply.json["items"])


async def show_password(person: Person) -> None:
    """Prove anew who one is: the token is as old as this run of the tests."""
    assert (await person.post("/api/v1/reauth", {"password": PASSWORD})).status == HTTPStatus.NO_CONTENT


async def write_versions(person: Person, count: int, path: str = "/diary.txt") -> str:
    """Write a file so many times and return its id."""
    file_id, base = "", None
    for number in range(count):
        file = await person.upload(path, f"{path} {number}".encode(), base_version=base, parents=True)
        file_id, base = file["file_id"], file["version_id"]
    return file_id


async def work_off(server: Running) -> None:
    """Do all jobs."""
    while await server.cairn.jobs.advance():
        pass


def is_sound(server: Running) -> bool:
    """Tell whether fsck finds nothing, sums of what is used included."""
    from app.data_folder import DataFolder  # noqa: PLC0415 - used here alone

    damage = list(check(DataFolder(server.folder, LocalDisk()), LocalDisk(), Level.REFERENCES))
    assert damage == []
    return True


async def test_old_versions_go_and_stay_listed_and_labels_and_the_present_stay(server: Running, ada: Person) -> None:
    clock, rule = Clock(), History(newest=1)
    file_id = await write_versions(ada, 6)
    await date_versions(server, clock)
    labelled = (await versions_of(ada, file_id))[4]["version_id"]
    path = f"/api/v1/files/{file_id}/versions/{labelled}"
    assert (await ada.call("PATCH", path, json={"label": "first draft"})).status == HTTPStatus.NO_CONTENT
    used = (await ada.get("/api/v1/me")).json["used"]
    keeper = keeper_of(server, clock, rule)
    await keeper.tend()
    assert {item["content"] for item in await versions_of(ada, file_id)} == {"kept"}

    clock.pass_days(400)
    await keeper.tend()

    items = await versions_of(ada, file_id)
    assert [item["content"] for item in items] == ["kept", "kept", "gone", "gone", "kept", "gone"]
    assert items[4]["label"] == "first draft"
    gone = sum(item["size"] for item in items if item["content"] == "gone")
    assert (await ada.get("/api/v1/me")).json["used"] == used - gone
    refused = await ada.post(f"/api/v1/files/{file_id}/versions/{items[2]['version_id']}/restore")
    assert refused.status == HTTPStatus.NOT_FOUND
    refused = await ada.call("PATCH", f"/api/v1/files/{file_id}/versions/{items[2]['version_id']}", json={"label": "x"})
    assert refused.status == HTTPStatus.NOT_FOUND
    assert (await ada.content(file_id)).status == HTTPStatus.OK
    assert is_sound(server)


@pytest.mark.parametrize("jumps", ["clock", "uptime"])
async def test_a_clock_that_jumps_ten_years_removes_nothing(server: Running, ada: Person, jumps: str) -> None:
    clock = Clock()
    file_id = await write_versions(ada, 5)
    trashed = await ada.upload("/old.txt", b"x")
    await ada.delete(f"/api/v1/files/{trashed['file_id']}")
    await date_versions(server, clock)
    keeper = keeper_of(server, clock, History(newest=0))
    await keeper.tend()

    if jumps == "clock":
        clock.ms += 3650 * DAY_MS
        clock.s += DAY_S // 2
    else:
        clock.s += 3650 * DAY_S
    await keeper.tend()
    await work_off(server)

    assert {item["content"] for item in await versions_of(ada, file_id)} == {"kept"}
    assert len((await ada.get("/api/v1/trash")).json["items"]) == 1


async def test_trash_is_emptied_after_its_days_and_not_before(server: Running, ada: Person) -> None:
    clock = Clock()
    keeper = keeper_of(server, clock, History())
    await ada.upload("/folder/old.txt", b"content", parents=True)
    await ada.delete(f"/api/v1/files/{(await ada.at('/folder')).json['file_id']}")
    await date_versions(server, clock)
    await keeper.tend()
    clock.pass_days(29)
    await keeper.tend()
    assert len((await ada.get("/api/v1/trash")).json["items"]) == 1

    clock.pass_days(2)
    await server.cairn.database.write(keeper._begin)  # noqa: SLF001 - the step before the one looked at
    more = await server.cairn.database.write(keeper._empty_trash)  # noqa: SLF001
    await work_off(server)

    assert not more
    assert (await ada.get("/api/v1/trash")).json["items"] == []
    assert (await ada.get("/api/v1/me")).json["used"] == 0
    assert is_sound(server)


async def test_the_nearest_folder_with_a_rule_counts_and_only_owners_set_one(
    server: Running, ada: Person, bob: Person
) -> None:
    clock = Clock()
    kept_id = await write_versions(ada, 4, "/keep/inner/a.txt")
    thinned_id = await write_versions(ada, 4, "/b.txt")
    await date_versions(server, clock)
    folder = (await ada.at("/keep")).json["file_id"]
    path = f"/api/v1/folders/{folder}/retention"
    rule = {"newest": 1000, "hourly_days": 0, "daily_days": 0, "weekly_days": 0}
    assert (await ada.get(path)).json["own"] is False
    for person in (ada, bob):
        await show_password(person)
    assert (await bob.call("PUT", path, json=rule)).status == HTTPStatus.NOT_FOUND
    assert (await ada.call("PUT", path, json=rule)).json == {**rule, "own": True}
    inner = (await ada.at("/keep/inner")).json["file_id"]
    assert (await ada.get(f"/api/v1/folders/{inner}/retention")).json == {**rule, "own": False}
    keeper = keeper_of(server, clock, History(newest=1))
    await keeper.tend()
    clock.pass_days(500)
    await keeper.tend()

    assert [item["content"] for item in await versions_of(ada, kept_id)] == ["kept"] * 4
    assert [item["content"] for item in await versions_of(ada, thinned_id)] == ["kept", "kept", "gone", "gone"]

    await ada.delete(path)
    clock.pass_days(1)
    await keeper.tend()
    assert [item["content"] for item in await versions_of(ada, kept_id)] == ["kept", "kept", "gone", "gone"]


async def test_a_rule_is_set_by_a_device_that_has_just_shown_the_password_and_by_no_app_password(
    server: Running, ada: Person
) -> None:
    await server.cairn.database.write(lambda tx: tx.execute("UPDATE actors SET proved_ms = 1"))
    folder = await ada.make_folder("/photos")
    path = f"/api/v1/folders/{folder['file_id']}/retention"
    nothing = {"newest": 0, "hourly_days": 0, "daily_days": 0, "weekly_days": 0}
    before = (await ada.get(path)).json

    unproven = [await ada.call("PUT", path, json=nothing), await ada.delete(path)]
    await show_password(ada)
    made = await ada.post("/api/v1/app-passwords", {"name": "scanner"})
    scanner = Person(ada.client, made.json["password"])
    by_scanner = [await scanner.call("PUT", path, json=nothing), await scanner.delete(path)]

    assert [(reply.status, reply.code) for reply in unproven] == [(HTTPStatus.FORBIDDEN, "reauth_required")] * 2
    assert [(reply.status, reply.code) for reply in by_scanner] == [(HTTPStatus.FORBIDDEN, "forbidden")] * 2
    assert (await scanner.get(path)).json == before
    assert (await ada.call("PUT", path, json=nothing)).json == {**nothing, "own": True}


async def test_a_round_that_was_cut_off_goes_on_from_its_place(server: Running, ada: Person) -> None:
    clock = Clock()
    files = [await write_versions(ada, 3, f"/{number}.txt") for number in range(4)]
    await date_versions(server, clock)
    keeper = keeper_of(server, clock, History(newest=0))
    await keeper.tend()
    clock.pass_days(500)
    await server.cairn.database.write(keeper._begin)  # noqa: SLF001
    await server.cairn.database.write(keeper._thin)  # noqa: SLF001

    def place(tx: Snapshot) -> list[int] | None:
        return retention.place_of(tx, "versions")

    assert await server.cairn.database.read(place) is not None
    await keeper_of(server, clock, History(newest=0)).tend()

    assert await server.cairn.database.read(place) is None
    for file_id in files:
        assert [item["content"] for item in await versions_of(ada, file_id)] == ["kept", "gone", "gone"]


async def test_states_before_the_horizon_go_and_younger_ones_stay(server: Running, ada: Person) -> None:
    def count(tx: Snapshot) -> int:
        return int(tx.execute("SELECT count(*) FROM past").fetchone()[0])

    file = await ada.upload("/a.txt", b"x")
    clock = Clock()
    clock.ms = file["modified_ms"] + DAY_MS
    keeper = keeper_of(server, clock, History(horizon_days=100))
    for name in ("b.txt", "c.txt"):
        await ada.change(file["file_id"], name=name)
    await keeper.tend()
    await ada.change(file["file_id"], name="d.txt")
    clock.pass_days(99)
    await keeper.tend()
    assert await server.cairn.database.read(count) == 3

    clock.pass_days(2)
    await keeper.tend()

    assert await server.cairn.database.read(count) == 1
    assert is_sound(server)


async def test_a_folder_whose_versions_were_thinned_can_be_shared_and_the_sums_agree(
    server: Running, ada: Person, bob: Person
) -> None:
    clock = Clock()
    file_id = await write_versions(ada, 4, "/shared/a.txt")
    await date_versions(server, clock)
    keeper = keeper_of(server, clock, History(newest=1))
    await keeper.tend()
    clock.pass_days(500)
    await keeper.tend()
    used = (await ada.get("/api/v1/me")).json["used"]

    folder = (await ada.at("/shared")).json["file_id"]
    shared = await ada.post(f"/api/v1/files/{folder}/members", {"username": "bob", "role": "editor"})
    assert shared.status in {HTTPStatus.OK, HTTPStatus.CREATED}, shared.body
    await work_off(server)

    assert (await ada.get("/api/v1/me")).json["used"] == used
    assert [item["content"] for item in await versions_of(bob, file_id)] == ["kept", "kept", "gone", "gone"]
    found = (await bob.get("/api/v1/search", params={"q": "shared"})).json["items"]
    assert [(item["path"], item["file_id"]) for item in found] == [("/shared", folder)]
    found = (await bob.get("/api/v1/search", params={"q": "a.t"})).json["items"]
    assert [item["path"] for item in found] == ["/shared/a.txt"]
    assert is_sound(server)
