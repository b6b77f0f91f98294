"""Feeds of people who share: what comes with a mount and goes with it, and who is woken."""

import asyncio
import statistics
import time
from typing import Any

import pytest

from tests.api.conftest import Running
from tests.api.people import Person
from tests.feed.test_pages import page, told, up_to_date
from tests.feed.test_waiting import SOON_S, listening, poll, waiting

MEDIAN_S = 0.2


async def share(owner: Person, file_id: str, username: str, role: str = "editor") -> None:
    reply = await owner.post(f"/api/v1/files/{file_id}/members", {"username": username, "role": role})
    assert reply.status == 201, reply.body


async def remove(owner: Person, file_id: str, username: str) -> None:
    reply = await owner.delete(f"/api/v1/files/{file_id}/members/{username}")
    assert reply.status == 204, reply.body


async def shared(owner: Person, username: str, role: str = "editor") -> Any:
    """Share a folder /docs with a file in it, and return it."""
    folder = await owner.make_folder("/docs")
    await owner.upload("/docs/a", b"content")
    await share(owner, folder["file_id"], username, role)
    return folder


def reasons(answer: Any) -> list[tuple[str | None, str]]:
    return [(change.get("reason"), change["file"]["path"]) for change in answer["changes"]]


async def test_a_folder_that_is_shared_comes_with_all_that_is_in_it(ada: Person, bob: Person) -> None:
    await bob.make_folder("/docs")
    before = await up_to_date(bob)
    folder = await shared(ada, "bob")

    answer = await page(bob, cursor=before["cursor"])

    assert told(answer) == [("upsert", "/docs (2)"), ("upsert", "/docs (2)/a")]
    assert answer["changes"][0]["file"] == (await bob.at("/docs (2)")).json
    assert answer["changes"][1]["file"] == (await bob.at("/docs (2)/a")).json
    assert answer["changes"][0]["file"]["file_id"] == folder["file_id"]
    assert (await page(bob, cursor=answer["cursor"]))["changes"] == []


async def test_a_first_listing_goes_through_the_mount_parents_first(ada: Person, bob: Person) -> None:
    await shared(ada, "bob")
    answer, seen = await page(bob, limit="1"), []
    while True:
        seen += told(answer)
        if not answer["has_more"]:
            break
        answer = await page(bob, limit="1", cursor=answer["cursor"])

    assert list(dict.fromkeys(seen)) == [("upsert", "/"), ("upsert", "/docs"), ("upsert", "/docs/a")]


async def test_for_the_owner_nothing_goes_when_a_folder_is_shared(ada: Person, bob: Person) -> None:
    await ada.make_folder("/docs/b/c", parents=True)
    before = await up_to_date(ada)
    folder = (await ada.at("/docs")).json
    await share(ada, folder["file_id"], "bob")

    answer = await page(ada, cursor=before["cursor"])

    assert {kind for kind, _ in told(answer)} <= {"upsert"}
    known = {change["file"]["path"]: change["file"]["file_id"] for change in before["changes"]}
    assert all(known[change["file"]["path"]] == change["file"]["file_id"] for change in answer["changes"])


async def test_a_space_that_went_is_one_delete_that_tells_nothing_of_what_it_is_now(ada: Person, bob: Person) -> None:
    folder = await shared(ada, "bob")
    await bob.change(folder["file_id"], name="mine")
    before = await up_to_date(bob)
    await remove(ada, folder["file_id"], "bob")
    await ada.upload("/docs/secret", b"a secret")
    await ada.change(folder["file_id"], name="a secret")

    answer = await page(bob, cursor=before["cursor"])

    assert reasons(answer) == [("access", "/mine")]
    file = answer["changes"][0]["file"]
    assert (file["file_id"], file["deleted"], file["permissions"]) == (folder["file_id"], True, [])
    assert (file["size"], file["modified_by"], file["modified_ms"]) == (0, "", 0)
    await ada.upload("/a secret/b", b"more")
    assert (await page(bob, cursor=answer["cursor"]))["changes"] == []


async def test_who_left_and_joined_again_between_two_polls_ends_with_what_is_there_now(
    ada: Person, bob: Person
) -> None:
    folder = await shared(ada, "bob")
    gone = (await ada.at("/docs/a")).json
    before = await up_to_date(bob)
    await remove(ada, folder["file_id"], "bob")
    await ada.delete(f"/api/v1/files/{gone['file_id']}")
    await ada.upload("/docs/b", b"new")
    await share(ada, folder["file_id"], "bob")

    answer = await page(bob, cursor=before["cursor"])

    assert sorted(told(answer)) == [("delete", "/docs/a"), ("upsert", "/docs"), ("upsert", "/docs/b")]
    assert (await page(bob, cursor=answer["cursor"]))["changes"] == []


async def test_a_role_that_changes_comes_with_the_mount(ada: Person, bob: Person) -> None:
    folder = await shared(ada, "bob")
    before = await up_to_date(bob)
    await ada.call("PATCH", f"/api/v1/files/{folder['file_id']}/members/bob", json={"role": "viewer"})

    answer = await page(bob, cursor=before["cursor"])

    assert told(answer) == [("upsert", "/docs")]
    assert answer["changes"][0]["file"]["permissions"] == ["read"]


async def test_a_mount_that_is_moved_is_told_to_its_person_alone(ada: Person, bob: Person) -> None:
    folder = await shared(ada, "bob")
    place = await bob.make_folder("/place")
    before = [await up_to_date(person) for person in (ada, bob)]
    await bob.change(folder["file_id"], parent_id=place["file_id"], name="theirs")

    answers = [await page(person, cursor=start["cursor"]) for person, start in zip((ada, bob), before, strict=True)]

    assert [told(answer) for answer in answers] == [[], [("upsert", "/place/theirs")]]
    assert answers[1]["changes"][0]["file"] == (await bob.at("/place/theirs")).json


async def test_what_moves_out_of_a_shared_folder_is_gone_for_its_members_and_moved_for_its_owner(
    ada: Person, bob: Person
) -> None:
    folder = await shared(ada, "bob")
    file = (await ada.at("/docs/a")).json
    home = (await ada.at("/")).json
    before = [await up_to_date(person) for person in (ada, bob)]
    await ada.change(file["file_id"], parent_id=home["file_id"], name="private")

    of_ada, of_bob = [
        await page(person, cursor=start["cursor"]) for person, start in zip((ada, bob), before, strict=True)
    ]

    assert told(of_ada) == [("upsert", "/private")]
    assert reasons(of_bob) == [("access", "/docs/a")]
    await ada.change(file["file_id"], parent_id=folder["file_id"], name="back")
    assert told(await page(bob, cursor=of_bob["cursor"])) == [("upsert", "/docs/back")]


async def test_a_shared_folder_that_its_owner_deletes_and_restores_goes_and_comes_for_all(
    ada: Person, bob: Person, server: Running
) -> None:
    folder = await shared(ada, "bob")
    before = [await up_to_date(person) for person in (ada, bob)]
    await ada.delete(f"/api/v1/files/{folder['file_id']}")

    gone = [await page(person, cursor=start["cursor"]) for person, start in zip((ada, bob), before, strict=True)]

    assert [reasons(answer) for answer in gone] == [[("deleted", "/docs")], [("access", "/docs")]]
    trash_id = (await ada.get("/api/v1/trash")).json["items"][0]["trash_id"]
    assert (await ada.post(f"/api/v1/trash/{trash_id}/restore", None)).status == 200
    for person, start in zip((ada, bob), gone, strict=True):
        back = await page(person, cursor=start["cursor"])
        assert told(back)[:2] == [("upsert", "/docs"), ("upsert", "/docs/a")]


async def test_one_shared_space_can_be_asked_for_until_it_goes(ada: Person, bob: Person) -> None:
    folder = await shared(ada, "bob")
    space_id = (await bob.at("/docs")).json["space_id"]
    first = await page(bob, space_id=space_id)
    await bob.change(folder["file_id"], name="mine")
    await bob.make_folder("/elsewhere")
    await ada.upload("/docs/b", b"new")

    second = await page(bob, space_id=space_id, cursor=first["cursor"])

    assert told(first) == [("upsert", "/docs"), ("upsert", "/docs/a")]
    assert told(second) == [("upsert", "/mine"), ("upsert", "/mine/b")]
    await remove(ada, folder["file_id"], "bob")
    reply = await bob.get("/api/v1/sync", params={"space_id": space_id, "cursor": second["cursor"]})
    assert (reply.status, reply.code) == (404, "not_found")


async def test_a_change_of_one_is_with_the_other_within_two_tenths_of_a_second(
    ada: Person, bob: Person, server: Running
) -> None:
    await shared(ada, "bob")
    cursor, times = (await up_to_date(bob))["cursor"], []
    for number in range(15):
        task = poll(bob, cursor)
        await waiting(server)(1)
        await ada.make_folder(f"/docs/{number}")
        begun_s = time.perf_counter()
        reply = await task
        times.append(time.perf_counter() - begun_s)
        assert told(reply.json) == [("upsert", f"/docs/{number}")]
        cursor = reply.json["cursor"]

    assert statistics.median(times) < MEDIAN_S


async def test_a_hanging_poll_hears_of_a_new_share_of_changes_in_it_and_of_its_end(
    ada: Person, bob: Person, server: Running
) -> None:
    folder = await ada.make_folder("/docs")
    task = poll(bob, (await up_to_date(bob))["cursor"])
    await waiting(server)(1)
    await share(ada, folder["file_id"], "bob")
    came = (await asyncio.wait_for(task, SOON_S)).json
    task = poll(bob, (await page(bob, cursor=came["cursor"]))["cursor"])
    await waiting(server)(1)

    await remove(ada, folder["file_id"], "bob")

    assert told(came) == [("upsert", "/docs")]
    assert reasons((await asyncio.wait_for(task, SOON_S)).json) == [("access", "/docs")]


async def test_a_hanging_poll_for_one_space_ends_with_it(ada: Person, bob: Person, server: Running) -> None:
    folder = await shared(ada, "bob")
    space_id = (await bob.at("/docs")).json["space_id"]
    cursor = (await page(bob, space_id=space_id))["cursor"]
    params = {"space_id": space_id, "cursor": cursor, "wait": "60"}
    task = asyncio.create_task(bob.get("/api/v1/sync", params=params))
    async with listening(bob, space_id=space_id) as stream:
        await waiting(server)(2)

        await remove(ada, folder["file_id"], "bob")

        assert (await asyncio.wait_for(task, SOON_S)).status == 404
        assert await asyncio.wait_for(stream.next(), SOON_S) == {}


async def test_events_follow_the_spaces_that_come_into_view(ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/docs")
    async with listening(bob) as stream:
        await share(ada, folder["file_id"], "bob")
        assert (await asyncio.wait_for(stream.next(), SOON_S))["event"] == "change"
        await ada.make_folder("/docs/a")

        assert (await asyncio.wait_for(stream.next(), SOON_S))["event"] == "change"


@pytest.mark.parametrize("others", [12])
async def test_many_spaces_that_come_at_once_come_whole(ada: Person, bob: Person, others: int) -> None:
    before = await up_to_date(bob)
    for number in range(others):
        folder = await ada.make_folder(f"/{number}")
        await ada.make_folder(f"/{number}/in it")
        await share(ada, folder["file_id"], "bob")

    answer, seen = await page(bob, cursor=before["cursor"], limit="3"), set[str]()
    while True:
        seen |= {path for _, path in told(answer)}
        assert len(answer["cursor"]) <= 1024
        if not answer["has_more"]:
            break
        answer = await page(bob, cursor=answer["cursor"], limit="3")

    assert seen == {f"/{number}{rest}" for number in range(others) for rest in ("", "/in it")}


async def test_a_credential_for_one_folder_has_no_feed_and_one_that_only_reads_has(ada: Person) -> None:
    folder = await ada.make_folder("/docs")
    replies = {}
    for name, scope in (("folder", {"folder_id": folder["file_id"]}), ("reader", {"reach": "read"})):
        made = await ada.post("/api/v1/app-passwords", {"name": name, "scope": scope})
        assert made.status == 201, made.body
        app = Person(ada.client, made.json["password"])
        replies[name] = [await app.get("/api/v1/sync"), await app.call("HEAD", "/api/v1/events")]

    assert [reply.status for reply in replies["folder"]] == [403, 403]
    assert replies["folder"][0].code == "forbidden"
    assert [reply.status for reply in replies["reader"]] == [200, 200]
    assert {tuple(change["file"]["permissions"]) for change in replies["reader"][0].json["changes"]} == {("read",)}
