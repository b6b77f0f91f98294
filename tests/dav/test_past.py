"""Time in the path: the view as it was, read like the present, changed by nobody, and no more than one may see now."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest

from app import foundation
from app.clock import now_ms
from app.dav.routes import routes
from app.db.transaction import Transaction
from app.services import past
from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import Dav, app_password

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Clock:
    """The clock of the database: it begins at noon of the day after today, and each look at it is a millisecond later.

    So no change is of the same time as another, and no test depends on the hour at which it runs.
    """

    def __init__(self) -> None:
        """Begin."""
        self._ticks: Iterator[int] = itertools.count((now_ms() // DAY_MS + 1) * DAY_MS + 12 * HOUR_MS)
        self._ahead_ms = 0

    def __call__(self) -> int:
        """Return the time."""
        return next(self._ticks) + self._ahead_ms

    def pass_ms(self, more: int) -> None:
        """Let time pass."""
        self._ahead_ms += more

    def text(self, time_ms: int | None = None) -> str:
        """Return a time as a path names it, now if none is given, to the millisecond."""
        shown = datetime.fromtimestamp((self() if time_ms is None else time_ms) / 1000, UTC)
        return shown.isoformat(timespec="milliseconds").removesuffix("+00:00")

    def day(self) -> str:
        """Return the day of now."""
        return self.text()[:10]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the server, which is made after it."""
    clock = Clock()
    monkeypatch.setattr(foundation, "now_ms", clock)
    monkeypatch.setattr(past, "now_ms", clock)
    return clock


async def walked(dav: Dav, top: str) -> dict[str, tuple[str, str, str]]:
    """Return what a walk of PROPFINDs finds below a folder: length, checksum and time of each file by its path."""
    found: dict[str, tuple[str, str, str]] = {}
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        answer = await dav.propfind(folder, depth="1")
        assert answer.status == 207, (folder, answer.body)
        sums = await dav.propfind(folder, "oc:checksums", "d:getcontentlength", "d:getlastmodified", depth="1")
        for href in answer.hrefs[1:]:
            if href.endswith("/"):
                waiting.append(href)
                continue
            shown = sums.of(href)
            text = ("".join(shown[name].itertext()) for name in ("d:getcontentlength", "oc:checksums"))
            found[href.removeprefix(top)] = (*text, shown["d:getlastmodified"].text or "")  # type: ignore[assignment]
    return found


async def put(person: Person, path: str, data: bytes) -> None:
    """Put a file, over what is there."""
    reply = await person.call("PUT", "/api/v1/files/content", params={"path": path, "parents": "1"}, data=data)
    assert reply.status in (200, 201), reply.body


async def trash(person: Person, path: str) -> None:
    file = (await person.at(path)).json
    assert (await person.delete(f"/api/v1/files/{file['file_id']}")).status == 204


async def share(server: Running, owner: Person, path: str, *, role: str = "editor") -> Any:
    folder = (await owner.at(path)).json
    reply = await owner.post(f"/api/v1/files/{folder['file_id']}/members", {"username": "bob", "role": role})
    assert reply.status == HTTPStatus.CREATED, reply.body
    await server.cairn.jobs.wait_idle()
    return folder


async def test_a_walk_of_now_against_then_finds_exactly_the_edits_since(dav: Dav, ada: Person, clock: Clock) -> None:
    for name in ("same", "edited", "renamed", "deleted", "moved"):
        await put(ada, f"/Photos/2026/{name}.jpg", name.encode())
    await ada.make_folder("/Elsewhere")
    before = clock.text()
    clock.pass_ms(HOUR_MS)
    await put(ada, "/Photos/2026/edited.jpg", b"others")
    await trash(ada, "/Photos/2026/deleted.jpg")
    await ada.change((await ada.at("/Photos/2026/renamed.jpg")).json["file_id"], name="new name.jpg")
    elsewhere = (await ada.at("/Elsewhere")).json["file_id"]
    await ada.change((await ada.at("/Photos/2026/moved.jpg")).json["file_id"], parent_id=elsewhere)
    await put(ada, "/Photos/added.jpg", b"added")

    now, then = await walked(dav, "/dav/"), await walked(dav, f"/dav/@{before}/")

    assert set(then) == {f"Photos/2026/{name}.jpg" for name in ("same", "edited", "renamed", "deleted", "moved")}
    assert set(then) - set(now) == {f"Photos/2026/{name}.jpg" for name in ("deleted", "moved", "renamed")}
    assert set(now) - set(then) == {"Photos/added.jpg", "Elsewhere/moved.jpg", "Photos/2026/new%20name.jpg"}
    assert [path for path in set(now) & set(then) if now[path] != then[path]] == ["Photos/2026/edited.jpg"]


async def test_a_file_is_read_as_it_was_whole_in_ranges_and_under_conditions(
    dav: Dav, ada: Person, clock: Clock
) -> None:
    await put(ada, "/f.bin", b"0123456789")
    then = clock.text()
    await put(ada, "/f.bin", b"others")
    path = f"/dav/@{then}/f.bin"

    whole = await dav.call("GET", path)
    part = await dav.call("GET", path, Range="bytes=2-4")
    known = await dav.call("GET", path, If_None_Match=whole.headers["etag"])
    head = await dav.call("HEAD", path)
    shown = (await dav.propfind(path)).of(path)

    assert (whole.status, whole.body) == (200, b"0123456789")
    assert (part.status, part.body) == (206, b"234")
    assert (known.status, head.status, head.headers["content-length"]) == (304, 200, "10")
    assert shown["d:getetag"].text == whole.headers["etag"]
    assert shown["d:getlastmodified"].text == whole.headers["last-modified"]
    assert (await dav.call("GET", "/dav/f.bin")).headers["etag"] != whole.headers["etag"]


async def test_the_etag_of_what_was_is_that_of_the_version_and_stays(dav: Dav, ada: Person, clock: Clock) -> None:
    await put(ada, "/f", b"one")
    version_id = (await ada.at("/f")).json["version_id"]
    then = clock.text()
    await put(ada, "/f", b"two")
    first = (await dav.propfind(f"/dav/@{then}/f")).of(f"/dav/@{then}/f")
    folder = (await dav.propfind(f"/dav/@{then}/")).of(f"/dav/@{then}/")["d:getetag"].text
    await put(ada, "/g", b"more")
    again = (await dav.propfind(f"/dav/@{then}/f")).of(f"/dav/@{then}/f")

    assert first["d:getetag"].text == again["d:getetag"].text == f'"{version_id}"'
    assert folder == (await dav.propfind(f"/dav/@{then}/")).of(f"/dav/@{then}/")["d:getetag"].text


async def test_days_on_which_something_changed_are_listed_newest_first_and_entered_by_name(
    dav: Dav, ada: Person, clock: Clock
) -> None:
    days = []
    for number in range(3):
        await put(ada, "/f", f"day {number}".encode())
        days.append(clock.day())
        clock.pass_ms(2 * DAY_MS)

    listed = await dav.propfind("/dav/@/", depth="1")
    entered = [await dav.call("GET", f"/dav/@/@{day}/f") for day in days]
    named = [await dav.call("GET", f"/dav/@{day}/f") for day in days]
    page = await dav.call("GET", "/dav/@/")

    assert listed.status == 207
    assert listed.hrefs[:4] == ["/dav/@/", *(f"/dav/@/@{day}/" for day in reversed(days))]
    assert listed.of(f"/dav/@/@{days[0]}/")["d:displayname"].text == f"@{days[0]}"
    assert [answer.body for answer in entered] == [b"day 0", b"day 1", b"day 2"]
    assert [answer.body for answer in named] == [b"day 0", b"day 1", b"day 2"]
    assert f'href="/dav/@/@{days[1]}/"'.encode() in page.body
    assert (await dav.propfind("/dav/@")).hrefs == ["/dav/@/"]


async def test_days_of_others_are_not_told(dav: Dav, ada: Person, bob: Person, bob_dav: Dav, clock: Clock) -> None:
    await put(ada, "/f", b"1")
    shared_day = clock.day()
    clock.pass_ms(DAY_MS)
    await put(bob, "/g", b"1")
    own_day = clock.day()
    clock.pass_ms(DAY_MS)

    assert f"/dav/@/@{own_day}/" not in (await dav.propfind("/dav/@/", depth="1")).hrefs
    hrefs = (await bob_dav.propfind("/dav/@/", depth="1")).hrefs
    assert f"/dav/@/@{own_day}/" in hrefs
    assert f"/dav/@/@{shared_day}/" not in hrefs


async def test_a_day_ends_where_the_zone_says_and_a_time_may_be_written_in_several_ways(
    dav: Dav, ada: Person, clock: Clock
) -> None:
    day = clock.day()
    clock.pass_ms(11 * HOUR_MS)
    await put(ada, "/f", b"late")  # at 23:00 UTC, in Berlin it is the next day
    clock.pass_ms(DAY_MS)

    async def status(when: str) -> int:
        return (await dav.call("GET", f"/dav/@{when}/f")).status

    assert await status(day) == await status(f"{day}Z") == 200
    assert await status(f"{day}+01:00") == 404
    assert await status(f"{day}T22:59") == await status(f"{day}T225959Z") == 404
    assert await status(f"{day}T23:01") == await status(f"{day}T23:01:30.5Z") == await status(f"{day}T2301") == 200
    assert await status(f"{day}T23:30+01:00") == 404
    assert await status(quote(f"{day}T22:01:00-01:00", safe="")) == 200


@pytest.mark.parametrize(
    "method", sorted({route.method for route in routes} - {"OPTIONS", "GET", "PROPFIND", "REPORT", "COPY"})
)
async def test_nothing_of_the_past_can_be_changed(dav: Dav, ada: Person, clock: Clock, method: str) -> None:
    await put(ada, "/f", b"one")
    then = clock.text()

    answer = await dav.call(
        method, f"/dav/@{then}/f", b"", Destination=f"/dav/@{then}/g", If_Match="*", Lock_Token="<urn:uuid:x>"
    )

    assert answer.status == 403
    assert b"it can only be read" in answer.body
    assert (await dav.call("GET", f"/dav/@{then}/f")).body == b"one"


async def test_options_of_the_past_name_reading_alone(dav: Dav) -> None:
    answer = await dav.call("OPTIONS", "/dav/@2026-01-01/")

    assert answer.status == 200
    assert "2" not in answer.headers["dav"]
    assert not {"PUT", "DELETE", "LOCK"} & set(answer.headers["allow"].split(", "))


async def test_what_has_such_a_name_now_comes_before_the_past(dav: Dav, ada: Person, clock: Clock) -> None:
    day = clock.day()
    await put(ada, f"/@{day}/mine", b"mine")
    await put(ada, "/@", b"a file")
    await put(ada, "/@2024 trip", b"no time")

    assert (await dav.propfind(f"/dav/@{day}/", depth="1")).hrefs == [f"/dav/@{day}/", f"/dav/@{day}/mine"]
    assert (await dav.call("GET", "/dav/@")).body == b"a file"
    assert (await dav.call("GET", "/dav/@2024%20trip")).body == b"no time"
    clock.pass_ms(DAY_MS)
    assert (await dav.call("GET", f"/dav/@{day}T23:59:59/@{day}/mine")).body == b"mine"


async def test_a_time_that_has_not_come_or_is_before_all_is_not_there(dav: Dav, ada: Person, clock: Clock) -> None:
    await put(ada, "/f", b"1")

    assert (await dav.propfind("/dav/@2999-01-01/")).status == 404
    assert (await dav.propfind("/dav/@2001-01-01/")).status == 404
    assert (await dav.propfind("/dav/@2026-13-01/")).status == 404
    assert (await dav.propfind("/dav/@/2026/")).status == 404
    assert (await dav.call("GET", f"/dav/@{clock.day()}/f")).body == b"1"


async def test_a_large_folder_of_then_is_listed_whole(dav: Dav, ada: Person, clock: Clock) -> None:
    for number in range(3):
        await ada.make_folder(f"/many/sub {number}", parents=True)
    folder_id = (await ada.at("/many")).json["file_id"]
    names = [f"{number:04}" for number in range(700)]
    await filled(ada, "/many", names)
    then = clock.text()
    await ada.change(folder_id, name="later")
    await trash(ada, "/later")

    answer = await dav.propfind(f"/dav/@{then}/many/", "d:getetag", depth="1")

    top = f"/dav/@{then}/many/"
    assert answer.hrefs == [top, *(f"{top}sub%20{number}/" for number in range(3)), *(f"{top}{name}" for name in names)]


async def filled(person: Person, path: str, names: list[str]) -> None:
    """Put empty files into a folder."""
    files = [{"path": f"{path}/{name}", "size": 0, "mtime_ms": 0, "chunks": []} for name in names]
    reply = await person.post("/api/v1/uploadRequest", {"files": files, "bundle": True})
    ids = [upload["upload_id"] for upload in reply.json["uploads"]]
    assert (await person.post("/api/v1/uploads/commit", {"upload_ids": ids})).status == 200


async def test_a_shared_folder_shows_in_the_past_where_its_member_had_it(
    server: Running, ada: Person, bob: Person, bob_dav: Dav, clock: Clock
) -> None:
    await put(ada, "/team/secret", b"before")
    unshared = clock.text()
    await trash(ada, "/team/secret")
    folder = await share(server, ada, "/team")
    await put(ada, "/team/plan", b"one")
    shared = clock.text()
    mount = (await bob.at("/team")).json
    await bob.make_folder("/work")
    await bob.change(mount["file_id"], parent_id=(await bob.at("/work")).json["file_id"], name="renamed")
    await put(ada, "/team/plan", b"two")

    assert (await bob_dav.propfind(f"/dav/@{unshared}/", depth="1")).hrefs == [f"/dav/@{unshared}/"]
    assert (await bob_dav.propfind(f"/dav/@{unshared}/team/secret")).status == 404
    assert (await bob_dav.propfind(f"/dav/@{shared}/", depth="1")).hrefs[1:] == [f"/dav/@{shared}/team/"]
    assert (await bob_dav.call("GET", f"/dav/@{shared}/team/plan")).body == b"one"
    assert (await bob_dav.call("GET", "/dav/work/renamed/plan")).body == b"two"

    assert (await ada.delete(f"/api/v1/files/{folder['file_id']}/members/bob")).status == 204

    assert (await bob_dav.propfind(f"/dav/@{shared}/", depth="1")).hrefs == [f"/dav/@{shared}/"]
    assert (await bob_dav.call("GET", f"/dav/@{shared}/team/plan")).status == 404


async def test_its_owner_sees_a_shared_folder_as_it_was_before(
    server: Running, dav: Dav, ada: Person, bob: Person, clock: Clock
) -> None:
    await put(ada, "/team/secret", b"before")
    unshared = clock.text()
    await share(server, ada, "/team")
    await put(ada, "/team/secret", b"after")
    shared = clock.text()

    assert (await dav.call("GET", f"/dav/@{unshared}/team/secret")).body == b"before"
    assert (await dav.call("GET", f"/dav/@{shared}/team/secret")).body == b"after"


async def test_what_was_taken_out_of_a_shared_folder_its_members_see_no_more(
    server: Running, ada: Person, bob: Person, bob_dav: Dav, dav: Dav, clock: Clock
) -> None:
    await put(ada, "/team/plan", b"one")
    await ada.make_folder("/private")
    await share(server, ada, "/team")
    then = clock.text()
    assert (await bob_dav.call("GET", f"/dav/@{then}/team/plan")).body == b"one"
    await ada.change((await ada.at("/team/plan")).json["file_id"], parent_id=(await ada.at("/private")).json["file_id"])
    await server.cairn.jobs.wait_idle()

    assert (await bob_dav.call("GET", f"/dav/@{then}/team/plan")).status == 404
    assert (await bob_dav.propfind(f"/dav/@{then}/team/", depth="1")).hrefs == [f"/dav/@{then}/team/"]
    assert (await dav.call("GET", f"/dav/@{then}/team/plan")).body == b"one"


async def test_a_credential_of_one_folder_sees_the_past_of_that_folder_alone(
    server: Running, anybody: Dav, ada: Person, clock: Clock
) -> None:
    await put(ada, "/open/f", b"one")
    await put(ada, "/closed/g", b"other")
    folder_id = (await ada.at("/open")).json["file_id"]
    narrow = anybody.showing("ada", await app_password(ada, folder_id=folder_id))
    then = clock.text()
    await put(ada, "/open/f", b"two")
    await ada.change((await ada.at("/open/f")).json["file_id"], parent_id=(await ada.at("/closed")).json["file_id"])

    assert (await narrow.propfind(f"/dav/@{then}/", depth="1")).hrefs == [f"/dav/@{then}/"]
    await ada.change((await ada.at("/closed/f")).json["file_id"], parent_id=folder_id)
    assert (await narrow.propfind(f"/dav/@{then}/", depth="1")).hrefs == [f"/dav/@{then}/", f"/dav/@{then}/f"]
    assert (await narrow.call("GET", f"/dav/@{then}/f")).body == b"one"
    assert (await narrow.propfind(f"/dav/@{then}/closed/g")).status == 404
    assert f"/dav/@/@{clock.day()}/" in (await narrow.propfind("/dav/@/", depth="1")).hrefs


async def test_where_retention_took_a_version_the_nearest_stands_in_and_a_file_without_any_is_left_out(
    server: Running, dav: Dav, ada: Person, clock: Clock
) -> None:
    await put(ada, "/f", b"first")
    await put(ada, "/g", b"gone")
    then = clock.text()
    await put(ada, "/f", b"second one")
    taken = [(await ada.at(path)).json["file_id"] for path in ("/f", "/g")]
    with thinned(server, *taken) as thin:
        await thin()
        listed = await dav.propfind(f"/dav/@{then}/", depth="1")
        found = await dav.call("GET", f"/dav/@{then}/f")
        gone = await dav.call("GET", f"/dav/@{then}/g")
        await thin(back=True)

    assert listed.hrefs == [f"/dav/@{then}/", f"/dav/@{then}/f"]
    assert found.body == b"second one"
    assert listed.of(f"/dav/@{then}/f")["d:getcontentlength"].text == "10"
    assert listed.of(f"/dav/@{then}/f")["d:getetag"].text == found.headers["etag"]
    assert (gone.status, b"retention took it" in gone.body) == (404, True)


@contextmanager
def thinned(server: Running, *file_ids: str) -> Iterator[Any]:
    """Give a function that takes the content of the first version of each file away, and one day back."""
    kept: dict[int, bytes] = {}

    async def thin(*, back: bool = False) -> None:
        def work(tx: Transaction) -> None:
            for name in ("f", "g"):
                row = tx.execute(
                    "SELECT v.id, v.manifest FROM versions v JOIN nodes n ON n.id = v.node_id"
                    " WHERE n.name = :name ORDER BY v.id LIMIT 1",
                    {"name": name},
                ).fetchone()
                if back:
                    tx.execute("UPDATE versions SET manifest = :m WHERE id = :id", {"id": row[0], "m": kept[row[0]]})
                else:
                    kept[row[0]] = row[1]
                    tx.execute("UPDATE versions SET manifest = NULL WHERE id = :id", {"id": row[0]})

        await server.cairn.database.write(work)

    assert file_ids
    yield thin


async def test_what_was_is_copied_into_the_present_beside_and_over_what_is(
    server: Running, dav: Dav, ada: Person, clock: Clock
) -> None:
    await put(ada, "/Docs/plan", b"good")
    await put(ada, "/Docs/sub/deep", b"deep")
    then = clock.text()
    await put(ada, "/Docs/plan", b"bad")
    await trash(ada, "/Docs/sub")

    beside = await dav.call("COPY", f"/dav/@{then}/Docs", Destination="/dav/Rescued")
    over = await dav.call("COPY", f"/dav/@{then}/Docs/plan", Destination="/dav/Docs/plan")
    back = await dav.call("COPY", f"/dav/@{then}/Docs/sub/", Destination="/dav/Docs/sub/")
    alone = await dav.call("COPY", f"/dav/@{then}/Docs", Destination="/dav/Empty", Depth="0")

    assert [answer.status for answer in (beside, over, back, alone)] == [201, 204, 201, 201]
    assert (await dav.call("GET", "/dav/Rescued/plan")).body == b"good"
    assert (await dav.call("GET", "/dav/Rescued/sub/deep")).body == b"deep"
    assert (await dav.call("GET", "/dav/Docs/plan")).body == b"good"
    assert (await dav.call("GET", "/dav/Docs/sub/deep")).body == b"deep"
    assert (await dav.propfind("/dav/Empty/", depth="1")).hrefs == ["/dav/Empty/"]
    plan = (await ada.at("/Docs/plan")).json
    versions = (await ada.get(f"/api/v1/files/{plan['file_id']}/versions")).json["items"]
    assert len(versions) == 3
    assert plan["mtime_ms"] == versions[-1]["mtime_ms"]


async def test_a_copy_out_of_the_past_is_refused_where_one_of_the_present_would_be(
    server: Running, dav: Dav, ada: Person, bob: Person, bob_dav: Dav, anybody: Dav, clock: Clock
) -> None:
    await put(ada, "/team/plan", b"one")
    await put(ada, "/team/big", bytes(1000))
    await share(server, ada, "/team", role="viewer")
    reader = anybody.showing("ada", await app_password(ada, reach="read"))
    then = clock.text()
    top = f"/dav/@{then}"

    async def status(who: Dav, source: str, goal: str, **headers: str) -> int:
        return (await who.call("COPY", f"{top}{source}", Destination=goal, **headers)).status

    assert await status(dav, "/team/plan", "/dav/team/plan", Overwrite="F") == 412
    assert await status(dav, "/team/plan", "/dav/none/plan") == 409
    assert await status(dav, "/team/none", "/dav/x") == 404
    assert await status(dav, "/", "/dav/x") == 400
    assert await status(dav, "/team/plan", f"{top}/x") == 403
    assert await status(dav, "/team/plan", "/dav/") == 403
    assert await status(dav, "/team/plan", "/dav/x", Depth="1") == 400
    assert await status(dav, "/team", "/dav/team") == 409
    assert await status(bob_dav, "/team/plan", "/dav/team/other") == 403
    assert await status(bob_dav, "/team/plan", "/dav/mine") == 201
    assert await status(reader, "/team/plan", "/dav/x") == 403
    assert (await bob_dav.call("GET", "/dav/mine")).body == b"one"


async def test_a_copy_out_of_the_past_counts_against_the_quota(
    server: Running, dav: Dav, ada: Person, clock: Clock
) -> None:
    await put(ada, "/Docs/one", bytes(600))
    await put(ada, "/Docs/two", bytes(600))
    then = clock.text()
    await set_quota(server, 2_000)

    answer = await dav.call("COPY", f"/dav/@{then}/Docs", Destination="/dav/Again")

    assert (answer.status, answer.precondition) == (507, "d:quota-not-exceeded")
    assert (await dav.propfind("/dav/Again")).status == 404
    assert (await dav.call("COPY", f"/dav/@{then}/Docs/one", Destination="/dav/Again")).status == 201


async def set_quota(server: Running, quota: int) -> None:
    """Limit ada."""

    def work(tx: Transaction) -> None:
        tx.execute(
            "UPDATE spaces SET quota = :quota WHERE is_shared = 0 AND owner_id ="
            " (SELECT id FROM users WHERE name = 'ada')",
            {"quota": quota},
        )

    await server.cairn.database.write(work)


async def test_a_lock_binds_against_what_was_as_against_all_else(
    dav: Dav, by_device: Dav, ada: Person, clock: Clock
) -> None:
    await put(ada, "/f", b"one")
    then = clock.text()
    await put(ada, "/f", b"two")
    body = (
        '<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype>'
        "</d:lockinfo>"
    )
    locked = await by_device.call("LOCK", "/dav/f", body)

    refused = await dav.call("COPY", f"/dav/@{then}/f", Destination="/dav/f")
    shown = await by_device.call(
        "COPY", f"/dav/@{then}/f", Destination="/dav/f", If=f"</dav/f> ({locked.headers['lock-token']})"
    )

    assert (locked.status, refused.status, shown.status) == (200, 423, 204)
    assert (await dav.call("GET", "/dav/f")).body == b"one"


async def test_what_has_the_name_of_a_time_can_be_moved_out_and_into(dav: Dav, ada: Person, clock: Clock) -> None:
    day = clock.day()
    await put(ada, f"/@{day}/mine", b"mine")
    await put(ada, "/f", b"f")

    assert (await dav.call("MOVE", "/dav/f", Destination=f"/dav/@{day}/f")).status == 201
    assert (await dav.call("MOVE", f"/dav/@{day}/mine", Destination="/dav/mine")).status == 201
    assert (await dav.propfind(f"/dav/@{day}/", depth="1")).hrefs == [f"/dav/@{day}/", f"/dav/@{day}/f"]


async def test_a_credential_of_a_shared_folder_does_not_see_how_it_was_before_it_was_shared(
    server: Running, anybody: Dav, ada: Person, bob: Person, clock: Clock
) -> None:
    await put(ada, "/team/plan", b"private")
    unshared = clock.text()
    folder = await share(server, ada, "/team")
    shared = clock.text()
    await put(ada, "/team/plan", b"two")
    narrow = anybody.showing("bob", await app_password(bob, folder_id=folder["file_id"]))

    assert (await narrow.call("GET", f"/dav/@{shared}/plan")).body == b"private"
    assert (await narrow.call("GET", f"/dav/@{unshared}/plan")).status == 404
    assert (await narrow.propfind(f"/dav/@{unshared}/", depth="1")).status == 404
