"""Long polls and events: woken by what concerns them, and by nothing else; ended when they must end."""

import asyncio
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, ClientSession

from app.api import sync
from app.config import Settings
from app.errors import UnauthenticatedError
from app.services import notify
from app.services.feed_view import Asked
from tests.accounts.api import ADMIN
from tests.api.conftest import Running, Template, serving
from tests.api.people import Person
from tests.api.wire import connected, eventually, head
from tests.feed.test_pages import page, told, up_to_date

MEDIAN_S = 0.1
SOON_S = 20.0
"""At once, on a machine that does much else; who waits in vain waits for a minute."""


def poll(person: Person, cursor: str, wait_s: int = 60) -> "asyncio.Task[Any]":
    return asyncio.create_task(person.get("/api/v1/sync", params={"cursor": cursor, "wait": str(wait_s)}))


def waiting(server: Running) -> Callable[[int], Awaitable[None]]:
    """Return how to wait until so many connections wait for news."""

    async def until(count: int) -> None:
        async def holds() -> bool:
            return server.cairn.services.feed.waiting_now == count

        await eventually(holds)

    return until


@asynccontextmanager
async def listening(person: Person, **query: str) -> AsyncIterator["Stream"]:
    headers = {"Authorization": f"Bearer {person.token}"}
    async with person.client.get("/api/v1/events", params=query, headers=headers) as response:
        assert response.status == 200, await response.read()
        yield Stream(response)


class Stream:
    """A stream of events, read as a browser does."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def next(self) -> dict[str, str]:
        """Return the fields of the next event; none when the stream has ended."""
        fields: dict[str, str] = {}
        async for line in self.response.content:
            name, colon, value = line.decode().rstrip("\n").partition(": ")
            if colon:
                fields[name] = value
            elif not name and fields:
                break
        return fields


async def events_to_their_end(person: Person) -> list[dict[str, str]]:
    async with listening(person) as stream:
        events = []
        while event := await stream.next():
            events.append(event)
        return events


async def test_a_poll_without_news_answers_when_its_time_is_over(ada: Person) -> None:
    before = await up_to_date(ada)

    begun_s = time.monotonic()
    reply = await poll(ada, before["cursor"], wait_s=1)

    assert 0.9 < time.monotonic() - begun_s < SOON_S
    assert (reply.status, reply.json["changes"], reply.json["has_more"]) == (200, [], False)


async def test_a_poll_with_news_answers_at_once(ada: Person) -> None:
    before = await up_to_date(ada)
    await ada.make_folder("/a")

    reply = await asyncio.wait_for(poll(ada, before["cursor"]), SOON_S)

    assert told(reply.json) == [("upsert", "/a")]


async def test_a_change_ends_a_poll_within_a_tenth_of_a_second(ada: Person, server: Running) -> None:
    cursor, times = (await up_to_date(ada))["cursor"], []
    for number in range(15):
        task = poll(ada, cursor)
        await waiting(server)(1)
        await ada.make_folder(f"/{number}")
        begun_s = time.perf_counter()  # from the answer on: how long the disk takes for a change is its own matter
        reply = await task
        times.append(time.perf_counter() - begun_s)
        assert told(reply.json) == [("upsert", f"/{number}")]
        cursor = reply.json["cursor"]

    assert statistics.median(times) < MEDIAN_S


async def test_a_change_is_in_the_events_within_a_tenth_of_a_second(ada: Person) -> None:
    times = []
    async with listening(ada) as stream:
        for number in range(15):
            await ada.make_folder(f"/{number}")
            begun_s = time.perf_counter()
            event = await stream.next()
            times.append(time.perf_counter() - begun_s)
            cursor = msgspec.json.decode(event["data"])["cursor"]
            assert event["event"] == "change"
            assert told(await page(ada, cursor=cursor)) == [("upsert", f"/{number}")]

    assert statistics.median(times) < MEDIAN_S


async def test_an_event_stream_is_one_that_no_proxy_holds_back(ada: Person) -> None:
    async with listening(ada) as stream:
        assert stream.response.content_type == "text/event-stream"
        assert stream.response.headers["Cache-Control"] == "no-store"
        assert stream.response.headers["X-Accel-Buffering"] == "no"


async def test_a_stream_without_news_shows_that_it_lives(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "ALIVE_S", 0.05)
    async with listening(ada) as stream:
        lines = [await stream.response.content.readline() for _ in range(6)]

    assert lines == [b":\n", b"\n"] * 3


async def test_a_stream_taken_up_again_tells_what_came_between(ada: Person) -> None:
    async with listening(ada) as stream:
        await ada.make_folder("/a")
        last = (await stream.next())["id"]
    await ada.make_folder("/b")

    headers = {"Authorization": f"Bearer {ada.token}", "Last-Event-ID": last}
    async with ada.client.get("/api/v1/events", headers=headers) as response:
        event = await Stream(response).next()

    cursor = msgspec.json.decode(event["data"])["cursor"]
    assert told(await page(ada, cursor=cursor)) == [("upsert", "/b")]


async def test_a_head_of_the_events_ends(ada: Person) -> None:
    reply = await ada.call("HEAD", "/api/v1/events")

    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(("cursor", "status"), [("nonsense", 400), ("A" * 2000, 400)])
async def test_events_behind_what_is_no_cursor_are_refused(ada: Person, cursor: str, status: int) -> None:
    assert (await ada.get("/api/v1/events", params={"cursor": cursor})).status == status


async def test_a_revoked_device_stops_waiting_at_once(ada: Person, server: Running) -> None:
    device = await ada.try_login()
    other = Person(ada.client, device.json["token"])
    task = poll(other, (await up_to_date(other))["cursor"])
    async with listening(other) as stream:
        await waiting(server)(2)

        await ada.delete(f"/api/v1/devices/{device.json['device_id']}")

        reply = await asyncio.wait_for(task, SOON_S)
        assert (reply.status, reply.code) == (401, "unauthenticated")
        assert await asyncio.wait_for(stream.next(), SOON_S) == {}


async def test_a_disabled_user_stops_waiting_at_once(ada: Person, bob: Person, server: Running) -> None:
    tasks = [poll(person, (await up_to_date(person))["cursor"]) for person in (ada, bob)]
    await waiting(server)(2)

    await server.cairn.services.accounts.disable("bob")

    assert (await asyncio.wait_for(tasks[1], SOON_S)).status == 401
    assert not tasks[0].done()
    tasks[0].cancel()


async def test_who_was_revoked_while_the_request_came_in_does_not_begin_to_wait(ada: Person, server: Running) -> None:
    services = server.cairn.services
    login = await ada.try_login()
    actor = await services.authentication.actor_of(login.json["token"])
    await services.sign_in.logout(actor)

    with pytest.raises(UnauthenticatedError):
        await anext(services.feed.watch(actor, Asked(), alive_s=60, is_gone=lambda: False))


async def test_too_many_waits_of_one_user_are_429_and_others_wait_on(
    ada: Person, bob: Person, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "WAITERS_PER_USER", 3)
    cursor = (await up_to_date(ada))["cursor"]
    tasks = [poll(ada, cursor) for _ in range(3)]
    await waiting(server)(3)

    refused = await asyncio.wait_for(poll(ada, cursor), SOON_S)
    tasks.append(poll(bob, (await up_to_date(bob))["cursor"]))
    await waiting(server)(4)

    assert (refused.status, refused.code) == (429, "rate_limited")
    assert "Retry-After" in refused.headers
    for task in tasks:
        task.cancel()


async def test_waits_of_peers_that_left_make_room(
    ada: Person, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "WAITERS_PER_USER", 1)
    cursor = (await up_to_date(ada))["cursor"]
    async with connected(server.port) as line:
        await line.send(head("GET", f"/api/v1/sync?wait=60&cursor={cursor}", ada))
        await waiting(server)(1)

    async def is_let_in() -> bool:
        return (await ada.get("/api/v1/sync", params={"cursor": cursor, "wait": "1"})).status == 200

    await eventually(is_let_in)


async def test_a_server_that_stops_answers_who_waits(template: Template, settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(template.folder, tmp_path / "data")
    async with AsyncExitStack() as later:
        async with serving(tmp_path / "data", settings) as server:
            session = ClientSession(f"http://127.0.0.1:{server.port}")
            ada = Person(await later.enter_async_context(session), template.tokens[ADMIN])
            task = poll(ada, (await up_to_date(ada))["cursor"])
            stream = asyncio.create_task(events_to_their_end(ada))
            await waiting(server)(2)
            begun_s = time.monotonic()
        took_s = time.monotonic() - begun_s

        assert (await task).status == 200
        assert await stream == []
    assert took_s < SOON_S
