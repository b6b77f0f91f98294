"""Not too many connections in all, nor of one network; those that are idle make room (security.md, H3 and Limits)."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from app.auth.addresses import Proxies
from app.config import Limits, Server, Settings
from app.connections import RESERVE, Connections
from app.descriptors import within_descriptors
from app.errors import RateLimitedError, UnavailableError
from tests.api.conftest import Running
from tests.api.people import Person
from tests.api.wire import connected, eventually, head, status_of

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


class Guest:
    """One who is told to go when the place is needed."""

    def __init__(self) -> None:
        self.is_here = True

    def hang_up(self) -> None:
        self.is_here = False


async def waiting(server: Running, count: int) -> None:
    """Wait until so many requests wait for news."""

    async def all_wait() -> bool:
        return server.cairn.services.feed.waiting_now == count

    await eventually(all_wait)


def crowd(most: int = 8, most_per_network: int = 3, trusted: tuple[str, ...] = ()) -> Connections:
    """Return a server's door."""
    return Connections(most, most_per_network, Proxies(trusted))


def enter(connections: Connections, peer: str, *, busy: bool = False) -> Guest:
    """Let one in."""
    guest = Guest()
    connections.enter(guest, peer)
    if busy:
        connections.works(guest)
    return guest


class TestCrowd:
    def test_the_one_that_is_idle_longest_makes_room_for_its_network(self) -> None:
        connections = crowd()
        busy = enter(connections, "192.0.2.1", busy=True)
        first, second = enter(connections, "192.0.2.1"), enter(connections, "192.0.2.1")
        connections.works(first)
        connections.rests(first)
        other = enter(connections, "192.0.2.2")

        enter(connections, "192.0.2.1")

        assert (busy.is_here, first.is_here, second.is_here, other.is_here) == (True, True, False, True)
        assert len(connections) == 4

    def test_a_network_whose_connections_all_work_gets_no_more(self) -> None:
        connections = crowd()
        for _ in range(3):
            enter(connections, "2001:db8::1", busy=True)

        with pytest.raises(RateLimitedError):
            enter(connections, "2001:db8::2")
        enter(connections, "2001:db8:0:1::1")  # another /64 is another network

    def test_in_all_the_one_idle_longest_makes_room_and_where_all_work_nobody(self) -> None:
        connections = crowd()
        idle = enter(connections, "192.0.2.0")
        for number in range(7):
            enter(connections, f"192.0.2.{1 + number}", busy=True)

        enter(connections, "192.0.2.9", busy=True)

        assert not idle.is_here
        with pytest.raises(UnavailableError):
            enter(connections, "192.0.2.10")

    def test_this_machine_finds_places_that_are_kept_for_it(self) -> None:
        connections = crowd()
        for number in range(8):
            enter(connections, f"192.0.2.{number}", busy=True)

        for _ in range(RESERVE):
            enter(connections, "::1", busy=True)

        with pytest.raises(UnavailableError):
            enter(connections, "127.0.0.1")

    def test_the_connections_of_a_trusted_proxy_are_those_of_many(self) -> None:
        connections = crowd(trusted=("192.0.2.0/24",))

        for _ in range(8):
            enter(connections, "192.0.2.7", busy=True)

        with pytest.raises(UnavailableError):
            enter(connections, "192.0.2.7")

    def test_who_has_left_leaves_a_place_and_no_trace(self) -> None:
        connections = crowd()
        for _ in range(100):
            guests = [enter(connections, "192.0.2.1", busy=number == 1) for number in range(3)]
            for guest in guests:
                connections.leave(guest)
                connections.leave(guest)
                connections.rests(guest)

        assert len(connections) == 0


class TestBehindAProxy:
    @pytest.fixture
    def settings(self) -> Settings:
        """Of a server whose proxy is on this machine."""
        limits = Limits(connections_per_network=4, free_disk_bytes=0, free_disk_percent=0)
        return Settings(limits=limits, server=Server(trusted_proxies=("127.0.0.1",)))

    async def test_what_one_client_has_under_way_leaves_the_others_alone(self, server: Running, ada: Person) -> None:
        cursor = (await ada.get("/api/v1/sync")).json["cursor"]
        target = f"/api/v1/sync?cursor={cursor}&wait=60"
        async with AsyncExitStack() as stack:
            for _ in range(4):
                line = await stack.enter_async_context(connected(server.port))
                await line.send(head("GET", target, ada, X_Forwarded_For="192.0.2.1"))
            await waiting(server, 4)

            refused = await ada.get("/api/v1/me", headers={"X-Forwarded-For": "192.0.2.1"})
            served = await ada.get("/api/v1/me", headers={"X-Forwarded-For": "192.0.2.2"})

        assert (refused.status, refused.code, served.status) == (429, "rate_limited", 200)
        assert "Retry-After" in refused.headers


class TestAFullServer:
    @pytest.fixture
    def settings(self) -> Settings:
        """Of a server that takes 16 connections, and some more from this machine."""
        return Settings(limits=Limits(connections=16, free_disk_bytes=0, free_disk_percent=0))

    async def test_idle_connections_shut_nobody_out(self, server: Running, ada: Person) -> None:
        async with AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(connected(server.port)) for _ in range(16 + RESERVE)]
            for line in lines:
                await line.send(HEALTH)
                assert status_of(await line.head()) == 200

            newcomer = await stack.enter_async_context(connected(server.port))
            await newcomer.send(HEALTH)

            assert status_of(await newcomer.head()) == 200
            assert b"HTTP/" not in await lines[0].answer()  # the longest idle was hung up on
            await lines[-1].send(HEALTH)
            await lines[-1].reader.readuntil(b"HTTP/1.1 200")
        assert (await ada.get("/api/v1/me")).status == 200

    @pytest.mark.parametrize(
        ("target", "token"),
        [("/api/v1/login", ""), ("/api/v1/uploads", "Authorization: Bearer nothing\r\n"), ("/nothing", "")],
    )
    async def test_bodies_that_strangers_never_end_shut_nobody_out(
        self, server: Running, ada: Person, target: str, token: str
    ) -> None:
        await server.session.close()
        async with AsyncExitStack() as stack:
            for _ in range(16 + RESERVE):
                line = await stack.enter_async_context(connected(server.port))
                await line.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n{token}\r\n{{".encode())

            newcomers = [await stack.enter_async_context(connected(server.port)) for _ in range(3)]
            for newcomer in newcomers:
                await newcomer.send(head("GET", "/api/v1/me", ada))
                assert status_of(await newcomer.head()) == 200

    async def test_to_be_hung_up_on_as_the_body_begins_is_no_fault_of_the_server(self, server: Running) -> None:
        begun = b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{"
        others = [enter(server.connections, "127.0.0.1", busy=True) for _ in range(16 + RESERVE - 1)]
        for turns in range(12):  # of the loop, until the server has read so far
            async with connected(server.port) as line:
                line.writer.write(begun)
                for _ in range(turns):
                    await asyncio.sleep(0)
                server.connections.leave(enter(server.connections, "127.0.0.1"))
        for other in others:
            server.connections.leave(other)

        assert "5xx" not in server.cairn.services.metrics.text()  # and nothing is logged as an error

    async def test_a_body_of_somebody_known_keeps_its_place(self, server: Running, ada: Person) -> None:
        await server.session.close()
        async with AsyncExitStack() as stack:
            target = "/api/v1/files/content?path=/a"
            known = await stack.enter_async_context(connected(server.port))
            await known.send(head("PUT", target, ada, Content_Length="2") + b"a")
            for _ in range(2 * (16 + RESERVE)):  # the last half of them need a place of somebody's
                line = await stack.enter_async_context(connected(server.port))
                await line.send(HEALTH)
                assert status_of(await line.head()) == 200

            await known.send(b"b")

            assert status_of(await known.head()) == 201

    async def test_where_all_work_a_newcomer_is_told_why_it_is_not_taken_in(
        self, server: Running, ada: Person, bob: Person
    ) -> None:
        cursors = [(await person.get("/api/v1/sync")).json["cursor"] for person in (ada, bob)]
        await server.session.close()
        async with AsyncExitStack() as stack:
            for number in range(16 + RESERVE):
                line = await stack.enter_async_context(connected(server.port))
                target = f"/api/v1/sync?cursor={cursors[number % 2]}&wait=60"
                await line.send(head("GET", target, (ada, bob)[number % 2]))
            await waiting(server, 16 + RESERVE)

            newcomer = await stack.enter_async_context(connected(server.port))
            await newcomer.send(HEALTH)
            answer = await newcomer.answer()

        top, _, body = answer.partition(b"\r\n\r\n")
        assert status_of(answer) == 503
        assert json.loads(body)["code"] == "unavailable"
        assert b"Retry-After" in top


def test_connections_are_fewer_where_the_system_allows_few_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 1024))
    settings = Settings()

    assert within_descriptors(settings).limits.connections == (1024 - 256) // 2
    few = replace(settings, limits=Limits(connections=100))
    assert within_descriptors(few) is few
