"""A peer is waited for so long and no longer (security.md, H3)."""

import asyncio
import json
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from aiohttp import ClientError

from app.config import Settings
from app.deadlines import Deadlines
from tests.api.conftest import Running, Template, copy_template, serving
from tests.api.people import Person, noise
from tests.api.wire import connected, eventually, head, status_of

HEADERS_S, IDLE_S = 0.3, 0.6
PAGE = 1900
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def deadlines() -> Deadlines:
    """Tenths of seconds, where a server waits for a quarter of a minute and more."""
    return Deadlines(headers_s=HEADERS_S, idle_s=IDLE_S, stall_s=0.3, memory_s=0.3)


def assert_timed_out(answer: bytes) -> None:
    """See that the request was refused in the server's words."""
    top, _, body = answer.partition(b"\r\n\r\n")

    assert status_of(answer) == 408
    assert json.loads(body)["code"] == "timeout"
    assert b"Connection: close" in top
    assert b"Server: Cairn" in top


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: "])
async def test_a_head_that_does_not_come_is_refused(server: Running, begun: bytes) -> None:
    async with connected(server.port) as line:
        await line.send(begun)

        assert_timed_out(await line.answer())


async def test_a_head_that_comes_byte_by_byte_is_refused_all_the_same(server: Running) -> None:
    async with connected(server.port) as line:

        async def drip() -> None:
            while True:
                await line.send(b"a")
                await asyncio.sleep(HEADERS_S / 10)

        await line.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
        dripping = asyncio.ensure_future(drip())
        answer = await line.answer()
        dripping.cancel()

    assert_timed_out(answer)


async def test_the_head_of_a_later_request_has_the_same_time(server: Running) -> None:
    async with connected(server.port) as line:
        await line.send(HEALTH + b"GET /heal")
        assert status_of(await line.head()) == 200
        await line.send(b"thz HT")

        assert_timed_out((await line.answer()).partition(b"}")[2] or b"HTTP/1.1 0 ")


async def test_an_idle_connection_ends_without_a_word(server: Running) -> None:
    async with connected(server.port) as line:
        loop = asyncio.get_running_loop()
        await line.send(HEALTH)
        top = await line.head()
        begun_s = loop.time()
        rest = await line.answer()

    assert status_of(top) == 200
    assert rest.count(b"HTTP/") == 0
    assert loop.time() - begun_s >= IDLE_S * 0.9


async def test_a_request_that_takes_its_time_is_not_cut_short(server: Running, ada: Person) -> None:
    cursor = (await ada.get("/api/v1/sync")).json["cursor"]
    async with connected(server.port) as line:
        await line.send(head("GET", f"/api/v1/sync?cursor={cursor}&wait=2", ada))

        assert status_of(await line.head()) == 200


async def test_requests_of_a_busy_connection_outlive_every_deadline(server: Running, ada: Person) -> None:
    async with connected(server.port) as line:
        for _ in range(16):
            await line.send(HEALTH)
            assert status_of(await line.head()) == 200
            await asyncio.sleep(HEADERS_S / 4)  # shorter than any deadline, and in all longer than each


async def test_a_reader_of_a_page_who_takes_nothing_is_hung_up_on(server: Running, ada: Person) -> None:
    target = await large_page(ada, PAGE)

    async def is_alone() -> bool:
        return len(server.connections) == 0

    await server.session.close()  # a kept connection that ended meanwhile would pass for the one that is hung up on
    await eventually(is_alone)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", server.port))
        line.sendall(head("GET", target, ada))
        received = await asyncio.to_thread(line.recv, 100)
        await eventually(is_alone)
        line.settimeout(60)
        with pytest.raises(ConnectionResetError):  # told so by the server; where the kernel gives up, nobody is told
            await asyncio.to_thread(read_to_the_end, line)

    assert status_of(received) == 200


async def test_a_slow_reader_who_reads_on_gets_all(server: Running, ada: Person) -> None:
    target = await large_page(ada, 300)
    whole = (await ada.get(target)).body
    async with connected(server.port) as line:
        await line.send(head("GET", target, ada))
        await line.head()
        received = bytearray()
        while piece := await line.reader.read(64 * 1024):
            received += piece
            await asyncio.sleep(0.01)

    assert len(received) == len(whole)


async def test_a_peer_who_leaves_in_a_refused_body_does_not_hold_up_the_stop(
    template: Template, settings: Settings, tmp_path: Path
) -> None:
    async with serving(copy_template(template, tmp_path / "stopping"), settings) as running:
        async with connected(running.port) as line:
            await line.send(head("PUT", "/nothing", Content_Length="1000") + b"{")
            assert status_of(await line.head()) == 404
        begun_s = time.monotonic()

    assert time.monotonic() - begun_s < 4


class TestMemory:
    @pytest.fixture
    def deadlines(self) -> Deadlines:
        """All the time for readers, and none for those who wait for memory."""
        return Deadlines(memory_s=0.3)

    @pytest.mark.parametrize("kind", ["page", "content"])
    async def test_answers_that_nobody_takes_use_up_their_readers_share_and_no_more(
        self, server: Running, ada: Person, bob: Person, kind: str
    ) -> None:
        target = await (large_page(ada, PAGE) if kind == "page" else packed_file(ada))
        target_of_bob = await (large_page(bob, 1) if kind == "page" else packed_file(bob))
        with ExitStack() as stack:
            lines = []
            for _ in range(6):
                line = stack.enter_context(socket.socket())
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await asyncio.to_thread(line.connect, ("127.0.0.1", server.port))
                line.sendall(head("GET", target, ada))
                lines.append(line)
            for line in lines:
                assert await asyncio.to_thread(line.recv, 1)

            other = await bob.get(target_of_bob)
            with suppress(ClientError):  # where its head went out before, it is cut off
                own = await ada.get(target)
                assert (own.status, own.code) == (503, "unavailable")

        assert other.status == 200


def read_to_the_end(line: socket.socket) -> None:
    """Read until there is no more."""
    while line.recv(65536):
        pass


async def large_page(ada: Person, entries: int) -> str:
    """Make a page of 4 KiB an entry, by a long path; return what to GET. The kernel takes 4 MiB of it for a reader."""
    parent = (await ada.make_folder("".join("/" + "a" * 250 for _ in range(15)), parents=True))["file_id"]
    for number in range(entries):
        reply = await ada.post("/api/v1/folders", {"parent_id": parent, "name": f"{number}{'b' * 200}"})
        assert reply.status == 201
    return f"/api/v1/folders/{parent}/children?limit={entries}"


async def packed_file(ada: Person) -> str:
    """Make a file of one chunk of 8 MiB that is decoded to be read; return what to GET."""
    file = await ada.upload("/packed", noise(4000).hex().encode() * 1000)
    return f"/api/v1/files/{file['file_id']}/content"
