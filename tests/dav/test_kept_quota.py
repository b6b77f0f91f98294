"""What programs keep on files counts in the quota of whoever owns them, wherever it goes, until it is gone for good."""

import asyncio
from http import HTTPStatus

from app.services.kept_rows import MOST
from tests.accounts.api import ADMIN
from tests.api.conftest import OTHER, Running
from tests.api.people import Person, noise
from tests.dav.conftest import Dav
from tests.tree.keeper import deleted, purge, restored

SIZE = 1_000
"""About as large is each property here."""


def setting(*names: str, size: int = SIZE) -> str:
    inside = "".join(f'<{name} xmlns="urn:x">{"x" * (size - 20)}</{name}>' for name in names)
    return f"<d:set><d:prop>{inside}</d:prop></d:set>"


async def used(person: Person) -> int:
    return int((await person.get("/api/v1/me")).json["used"])


async def limit(server: Running, size: int, name: str = ADMIN) -> None:
    """Leave somebody so many bytes above what they use."""
    accounts = server.cairn.services.accounts
    await accounts.set_quota(name, (await accounts.get(name)).used + size)


async def names_on(dav: Dav, path: str) -> set[str]:
    shown = (await dav.propfind(path)).of(path)
    return {name.removeprefix("{urn:x}") for name in shown if name.startswith("{urn:x}")}


async def test_what_is_set_counts_and_what_is_removed_does_not(server: Running, dav: Dav, ada: Person) -> None:
    await ada.upload("/a", b"abc")

    await dav.proppatch("/dav/a", setting("one", "two"))
    both = await used(ada)
    await dav.proppatch("/dav/a", setting("one", size=2 * SIZE))
    larger = await used(ada)
    await dav.proppatch("/dav/a", '<d:remove><d:prop><one xmlns="urn:x"/><two xmlns="urn:x"/></d:prop></d:remove>')

    assert 2 * SIZE < both < 2 * SIZE + 100
    assert larger == both + SIZE
    assert await used(ada) == 3


async def test_what_the_quota_has_no_room_for_is_refused_whole(server: Running, dav: Dav, ada: Person) -> None:
    file = await ada.upload("/a", b"abc", mtime_ms=7)
    await dav.proppatch("/dav/a", setting("there"))
    await limit(server, SIZE * 2)
    before = await used(ada)
    time = "<d:set><d:prop><d:getlastmodified>Mon, 30 Nov 2026 08:00:00 GMT</d:getlastmodified></d:prop></d:set>"

    answer = await dav.proppatch("/dav/a", time + setting("one", "two", "three"))

    assert answer.status == HTTPStatus.MULTI_STATUS
    assert set(answer.statuses("/dav/a").values()) == {507}
    assert b"<d:quota-not-exceeded/>" in answer.body
    assert await names_on(dav, "/dav/a") == {"there"}
    assert (await ada.at("/a")).json == file
    assert await used(ada) == before
    assert set((await dav.proppatch("/dav/a", setting("one"))).statuses("/dav/a").values()) == {200}


async def test_in_a_quota_that_is_overdrawn_things_still_shrink(server: Running, dav: Dav, ada: Person) -> None:
    await ada.upload("/a", b"abc")
    await dav.proppatch("/dav/a", setting("one", "two"))
    await server.cairn.services.accounts.set_quota(ADMIN, 10)

    shrunk = await dav.proppatch("/dav/a", setting("one", size=SIZE // 2))
    removed = await dav.proppatch("/dav/a", '<d:remove><d:prop><two xmlns="urn:x"/></d:prop></d:remove>')

    assert set(shrunk.statuses("/dav/a").values()) == {200}
    assert set(removed.statuses("/dav/a").values()) == {200}
    assert await names_on(dav, "/dav/a") == {"one"}


async def test_files_and_what_is_kept_on_them_share_one_quota(server: Running, dav: Dav, ada: Person) -> None:
    await ada.upload("/a", b"abc")
    await limit(server, SIZE * 3)
    await dav.proppatch("/dav/a", setting("one", "two"))

    refused, fits = await dav.call("PUT", "/dav/b", noise(SIZE)), await dav.call("PUT", "/dav/b", noise(SIZE - 200))

    assert (refused.status, refused.precondition) == (507, "d:quota-not-exceeded")
    assert fits.status == HTTPStatus.CREATED
    shown = (await dav.propfind("/dav/", "d:quota-used-bytes")).of("/dav/")
    assert int(shown["d:quota-used-bytes"].text or "") == await used(ada)
    (home,) = (await ada.get("/api/v1/storage")).json["spaces"]
    assert home["live"] + home["versions"] + home["trash"] + home["properties"] == await used(ada)


async def test_a_folder_whose_properties_have_no_room_is_not_made(server: Running, dav: Dav, ada: Person) -> None:
    await limit(server, SIZE)
    body = f'<d:mkcol xmlns:d="DAV:">{setting("one", "two")}</d:mkcol>'

    answer = await dav.call("MKCOL", "/dav/F", body, Content_Type="application/xml")

    assert (answer.status, answer.precondition) == (507, "d:quota-not-exceeded")
    assert (await ada.at("/F")).status == HTTPStatus.NOT_FOUND
    assert await used(ada) == 0


async def test_a_copy_counts_once_more_and_needs_the_room(server: Running, dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    for path in ("/dav/F/", "/dav/F/1", "/dav/F/2"):
        if path != "/dav/F/":
            await dav.call("PUT", path, b"abc")
        await dav.proppatch(path, setting("one"))
    before = await used(ada)
    await limit(server, before - 1)

    refused = await dav.call("COPY", "/dav/F/", Destination="/dav/G/")
    await limit(server, before)
    made = await dav.call("COPY", "/dav/F/", Destination="/dav/G/")

    assert (refused.status, refused.precondition) == (507, "d:quota-not-exceeded")
    assert made.status == HTTPStatus.CREATED
    assert await used(ada) == 2 * before


async def test_it_counts_in_the_trash_and_until_it_is_purged(server: Running, dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    file = await ada.upload("/F/a", b"abc")
    for path in ("/dav/F/", "/dav/F/a"):
        await dav.proppatch(path, setting("one"))
    before, folder = await used(ada), (await ada.at("/F")).json

    trashed = await deleted(ada, folder)
    kept = await used(ada)
    await restored(ada, trashed)
    assert await names_on(dav, "/dav/F/a") == {"one"}
    await deleted(ada, folder)
    assert (await purge(ada, trashed)).status == HTTPStatus.NO_CONTENT
    await server.cairn.jobs.wait_idle()

    assert kept == before
    assert await used(ada) == 0
    assert file["file_id"]


async def test_it_goes_with_what_it_is_on_to_another_owner(
    server: Running, dav: Dav, bob_dav: Dav, ada: Person, bob: Person
) -> None:
    """Under the books of a space of its own when it is shared, of the new owner's when it is moved or handed over."""
    shared = await ada.make_folder("/shared")
    await ada.upload("/shared/a", b"abc")
    for path in ("/dav/shared/", "/dav/shared/a"):
        await dav.proppatch(path, setting("one"))
    of_ada = await used(ada)
    members = f"/api/v1/files/{shared['file_id']}/members"
    assert (await ada.post(members, {"username": OTHER, "role": "editor"})).status == HTTPStatus.CREATED
    await server.cairn.jobs.wait_idle()
    assert await used(ada) == of_ada
    await bob.make_folder("/own/deep", parents=True)
    await bob.upload("/own/deep/b", b"12345")
    for path in ("/dav/own/", "/dav/own/deep/", "/dav/own/deep/b"):
        await bob_dav.proppatch(path, setting("two"))
    of_bob = await used(bob)

    await limit(server, of_bob - 1)
    refused = await bob_dav.call("MOVE", "/dav/own/", Destination="/dav/shared/own/")
    await limit(server, of_bob)
    moved = await bob_dav.call("MOVE", "/dav/own/", Destination="/dav/shared/own/")
    await server.cairn.jobs.wait_idle()

    assert (refused.status, moved.status) == (507, 201)
    assert (await used(ada), await used(bob)) == (of_ada + of_bob, 0)
    await limit(server, of_ada + of_bob - 1, OTHER)
    heir = f"{members}/{OTHER}"
    assert (await ada.call("PATCH", heir, json={"role": "owner"})).code == "quota_exceeded"
    await limit(server, of_ada + of_bob, OTHER)
    assert (await ada.call("PATCH", heir, json={"role": "owner"})).status == HTTPStatus.OK
    assert (await used(ada), await used(bob)) == (0, of_ada + of_bob)


async def test_many_at_once_do_not_overdraw_the_quota(server: Running, dav: Dav, ada: Person) -> None:
    for number in range(20):
        await ada.upload(f"/{number}")
    await limit(server, SIZE * 10)

    answers = await asyncio.gather(*(dav.proppatch(f"/dav/{number}", setting("one")) for number in range(20)))

    statuses = [answer.statuses(f"/dav/{number}")["{urn:x}one"] for number, answer in enumerate(answers)]
    assert sorted(set(statuses)) == [200, 507]
    assert 5 < statuses.count(200) <= 10
    assert await used(ada) == sum(status == 200 for status in statuses) * (await used(ada) // statuses.count(200))
    assert await used(ada) <= SIZE * 10


# What is moved over a file


async def test_a_save_by_moving_over_keeps_what_was_noted_on_the_file(dav: Dav, ada: Person) -> None:
    await ada.upload("/plan", b"old")
    await dav.proppatch("/dav/plan", setting("tag", "both"))
    await dav.call("PUT", "/dav/plan.tmp", b"new")
    await dav.proppatch("/dav/plan.tmp", setting("both", "own", size=SIZE // 2))

    assert (await dav.call("MOVE", "/dav/plan.tmp", Destination="/dav/plan")).status == HTTPStatus.NO_CONTENT

    shown = (await dav.propfind("/dav/plan")).of("/dav/plan")
    sizes = {name.removeprefix("{urn:x}"): len(one.text or "") for name, one in shown.items() if "urn:x" in name}
    assert sizes == {"tag": SIZE - 20, "both": SIZE // 2 - 20, "own": SIZE // 2 - 20}


async def test_a_file_with_a_past_and_a_copy_lay_theirs_over_too_and_keep_them(dav: Dav, ada: Person) -> None:
    for path in ("/moved", "/copied"):
        await ada.upload(path, b"one")
        await ada.upload(path, b"two", on_conflict="replace")
        await dav.proppatch(f"/dav{path}", setting(path[1:]))
    await ada.upload("/plan", b"old")
    await dav.proppatch("/dav/plan", setting("tag"))
    before = await used(ada)

    await dav.call("COPY", "/dav/copied", Destination="/dav/plan")
    await dav.call("MOVE", "/dav/moved", Destination="/dav/plan")

    assert await names_on(dav, "/dav/plan") == {"tag", "copied", "moved"}
    assert await names_on(dav, "/dav/copied") == {"copied"}
    assert before + 2 * SIZE < await used(ada) < before + 2 * SIZE + 100


async def test_a_save_needs_no_room_for_what_comes_along(server: Running, dav: Dav, ada: Person) -> None:
    await ada.upload("/plan", b"old")
    await dav.proppatch("/dav/plan", setting("tag"))
    await dav.call("PUT", "/dav/plan.tmp", b"new")
    await dav.proppatch("/dav/plan.tmp", setting("own"))
    await limit(server, 0)
    before = await used(ada)

    assert (await dav.call("MOVE", "/dav/plan.tmp", Destination="/dav/plan")).status == HTTPStatus.NO_CONTENT

    assert await names_on(dav, "/dav/plan") == {"tag", "own"}
    assert await used(ada) == before


async def test_a_save_is_not_refused_for_too_many_notes_and_drops_those_of_before(dav: Dav, ada: Person) -> None:
    await ada.upload("/plan", b"old")
    await dav.proppatch("/dav/plan", setting(*(f"old{number:03}" for number in range(MOST)), size=40))
    await dav.call("PUT", "/dav/plan.tmp", b"new")
    came = {f"new{number:03}" for number in range(60)}
    await dav.proppatch("/dav/plan.tmp", setting(*came, size=40))

    assert (await dav.call("MOVE", "/dav/plan.tmp", Destination="/dav/plan")).status == HTTPStatus.NO_CONTENT

    assert await names_on(dav, "/dav/plan") == came | {f"old{number:03}" for number in range(MOST - 60)}
