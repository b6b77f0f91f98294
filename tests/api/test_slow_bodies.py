"""Bodies that come too slowly are not waited for, whatever they are of (security.md, H3)."""

import pytest

from app.deadlines import Deadlines
from tests.api.conftest import Running
from tests.api.people import MIB, Person, entries, noise
from tests.api.test_one_shot import open_uploads
from tests.api.wire import Line, connected, eventually, head, status_of


@pytest.fixture
def deadlines() -> Deadlines:
    """Tenths of seconds, where the server waits for half minutes."""
    return Deadlines(body_grace_s=0.2)


async def begin(line: Line, method: str, target: str, person: Person | None) -> None:
    """Send the beginning of a long body."""
    await line.send(head(method, target, person, Content_Length=str(MIB), Content_Type="application/json") + b"{")


@pytest.mark.parametrize(
    ("method", "target"),
    [("PUT", "/api/v1/files/content?path=/f"), ("POST", "/api/v1/uploadRequest"), ("POST", "/api/v1/login")],
)
async def test_a_body_that_stops_is_refused(server: Running, ada: Person, method: str, target: str) -> None:
    async with connected(server.port) as line:
        await begin(line, method, target, ada)
        assert status_of(await line.head()) == 408
    assert await open_uploads(server) == 0


async def test_a_chunk_and_a_bundle_that_stop_are_refused(server: Running, ada: Person) -> None:
    chunk, other = noise(MIB), noise(MIB)
    single = await ada.open_upload("/f", chunk)
    bundle = await ada.open_upload("/g", other, bundle=True)
    assert entries(chunk)[0]["sha256"] in single["chunks"][0]["url"]

    for url in (single["chunks"][0]["url"], bundle["bundle_url"]):
        async with connected(server.port) as line:
            await begin(line, "PUT", url, None)
            assert status_of(await line.head()) == 408


class TestAGap:
    @pytest.fixture
    def deadlines(self) -> Deadlines:
        """Time enough in all, and none for a gap."""
        return Deadlines(body_gap_s=0.2)

    async def test_it_ends_a_body_that_was_fast_before(self, server: Running, ada: Person) -> None:
        async with connected(server.port) as line:
            await begin(line, "PUT", "/api/v1/files/content?path=/f", ada)

            assert status_of(await line.head()) == 408


async def test_stalled_streams_do_not_hold_up_others_for_long(server: Running, ada: Person) -> None:
    lines = [connected(server.port) for _ in range(8)]
    for line in lines:
        await begin(await line.__aenter__(), "PUT", "/api/v1/files/content?path=/f", ada)

    async def under_way() -> bool:
        return await open_uploads(server) == 8

    await eventually(under_way)
    assert (await ada.put("/g", b"content")).status == 201
    for line in lines:
        await line.__aexit__(None, None, None)
