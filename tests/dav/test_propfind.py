"""PROPFIND: which properties a resource shows, in which form, and how a large folder comes (RFC 4918, 9.1)."""

import asyncio
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from app.auth.identity import Actor
from app.dav.propfind import PAGE
from app.db.transaction import Snapshot, Transaction
from app.ids import decode_id
from app.repositories import nodes, properties, spaces
from app.repositories.nodes import Kind, Sums
from app.repositories.properties import Kept
from app.services.resources import KEPT_AT_ONCE, Listing, Wants
from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import NS, Dav, short

MTIME_MS = 1_764_000_000_123
SYNC = (
    '<d:sync-collection xmlns:d="DAV:" xmlns:x="urn:x"><d:sync-token/><d:sync-level>1</d:sync-level>'
    "<d:prop><x:p0/></d:prop></d:sync-collection>"
)


async def test_a_file_shows_what_it_is_and_has(dav: Dav, ada: Person, server: Running) -> None:
    headers = {"X-Mtime-Ms": str(MTIME_MS)}
    made = (await ada.call("PUT", "/api/v1/files/content?path=/plan.txt", data=b"hello", headers=headers)).json

    shown = (await dav.propfind("/dav/plan.txt")).of("/dav/plan.txt")

    assert set(shown) == {
        *("d:resourcetype", "d:getcontentlength", "d:getcontenttype", "d:getetag", "d:getlastmodified"),
        *("d:creationdate", "d:displayname", "d:supportedlock", "d:lockdiscovery"),
    }
    assert shown["d:getcontentlength"].text == "5"
    assert shown["d:getcontenttype"].text == "text/plain"
    assert shown["d:getetag"].text == f'"{made["etag"]}"'
    assert parsedate_to_datetime(shown["d:getlastmodified"].text or "").timestamp() == MTIME_MS // 1000
    created = datetime.fromisoformat(shown["d:creationdate"].text or "")
    assert abs(created - datetime.fromtimestamp(made["created_ms"] / 1000, UTC)).total_seconds() < 1
    assert shown["d:displayname"].text == "plan.txt"
    assert len(shown["d:resourcetype"]) == 0
    scopes = {short(scope) for scope in shown["d:supportedlock"].findall("d:lockentry/d:lockscope/*", NS)}
    assert scopes == {"d:exclusive", "d:shared"}


async def test_a_folder_is_a_collection_and_has_no_length(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/Photos")

    answer = await dav.propfind("/dav/Photos", "d:resourcetype", "d:getcontentlength", "d:getcontenttype", "d:getetag")

    assert answer.hrefs == ["/dav/Photos/"]
    assert [short(kind) for kind in answer.of("/dav/Photos/")["d:resourcetype"]] == ["d:collection"]
    assert set(answer.of("/dav/Photos/")) == {"d:resourcetype", "d:getetag"}
    assert answer.missing("/dav/Photos/") == {"d:getcontentlength", "d:getcontenttype"}


async def test_only_what_is_asked_for_comes_what_is_there_first(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")

    answer = await dav.propfind("/dav/a", "d:nonsense", "d:getetag", "oc:favorite", "d:getcontentlength")

    text = answer.body.decode()
    assert text.count("<d:propstat>") == 2
    assert text.index("HTTP/1.1 200 OK") < text.index("HTTP/1.1 404 Not Found")
    assert set(answer.of("/dav/a")) == {"d:getetag", "d:getcontentlength"}
    assert answer.missing("/dav/a") == {"d:nonsense", "oc:favorite"}


async def test_the_prefixes_are_the_ones_that_programs_look_for_as_text(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")

    body = (
        await dav.propfind("/dav/", "d:getetag", "oc:size", "nc:creation_time", "z:Win32CreationTime", depth="1")
    ).body

    for literal in (b'<d:multistatus xmlns:d="DAV:"', b"<oc:size>", b"<nc:creation_time>", b"<z:Win32CreationTime>"):
        assert literal in body, literal


async def test_names_alone_are_told_without_values(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")
    await dav.proppatch("/dav/a", '<d:set><d:prop><mine xmlns="urn:x">1</mine></d:prop></d:set>')

    answer = await dav.call("PROPFIND", "/dav/a", '<propfind xmlns="DAV:"><propname/></propfind>', Depth="0")

    shown = answer.of("/dav/a")
    assert {"d:getetag", "d:getcontentlength", "oc:id", "{urn:x}mine"} <= set(shown)
    assert not [name for name, element in shown.items() if element.text or len(element)]


async def test_all_comes_with_what_is_included_and_with_what_programs_left(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    await dav.proppatch("/dav/F", '<d:set><d:prop><mine xmlns="urn:x">1</mine></d:prop></d:set>')
    body = '<propfind xmlns="DAV:"><allprop/><include><quota-used-bytes/><nonsense/></include></propfind>'

    answer = await dav.call("PROPFIND", "/dav/F/", body, Depth="0")

    assert {"d:quota-used-bytes", "{urn:x}mine", "d:resourcetype"} <= set(answer.of("/dav/F/"))
    assert answer.missing("/dav/F/") == {"d:nonsense"}
    plain = await dav.propfind("/dav/F/")
    assert "d:quota-used-bytes" not in plain.of("/dav/F/")
    assert b"404" not in plain.body


async def test_quota_is_told_of_folders(dav: Dav, ada: Person, server: Running) -> None:
    await ada.put("/a", b"x" * 1000)
    await server.cairn.services.accounts.set_quota("ada", 5000)

    shown = await dav.propfind("/dav/", "d:quota-available-bytes", "d:quota-used-bytes", depth="1")

    assert shown.of("/dav/")["d:quota-used-bytes"].text == "1000"
    assert shown.of("/dav/")["d:quota-available-bytes"].text == "4000"
    assert shown.missing("/dav/a") == {"d:quota-available-bytes", "d:quota-used-bytes"}
    await server.cairn.services.accounts.set_quota("ada", None)
    free = (await dav.propfind("/dav/", "d:quota-available-bytes")).of("/dav/")["d:quota-available-bytes"].text
    assert int(free or "") > 5000


async def test_what_rclone_and_nextclouds_programs_ask_for(dav: Dav, ada: Person, bob: Person, bob_dav: Dav) -> None:
    made = (await ada.put("/a", b"abc")).json
    folder = await ada.make_folder("/Shared")
    await ada.put("/Shared/b", b"12345")
    for role, letters in (("viewer", "SMG"), ("editor", "SMGDNVCK")):
        method, path = ("POST", "members") if role == "viewer" else ("PATCH", "members/bob")
        body = {"username": "bob", "role": role} if role == "viewer" else {"role": role}
        await ada.call(method, f"/api/v1/files/{folder['file_id']}/{path}", json=body)
        seen = await bob_dav.propfind("/dav/Shared", "oc:permissions")
        assert seen.of("/dav/Shared/")["oc:permissions"].text == letters
    names = ("oc:id", "oc:fileid", "oc:size", "oc:permissions", "oc:checksums")

    shown = await dav.propfind("/dav/", *names, depth="1")

    of_file, of_folder = shown.of("/dav/a"), shown.of("/dav/Shared/")
    number = of_file["oc:fileid"].text or ""
    assert re.fullmatch(f"{int(number):08}oc[0-9a-z]+", of_file["oc:id"].text or "")
    assert of_file["oc:permissions"].text == "RGDNVW"
    assert of_folder["oc:permissions"].text == "SRMGDNVCK"
    assert shown.of("/dav/")["oc:permissions"].text == "RGDNVCK"
    assert of_folder["oc:size"].text == "5"
    assert (of_file["oc:checksums"].findtext("oc:checksum", "", NS)) == f"SHA256:{made['sha256']}"


async def test_a_folder_of_many_pages_comes_whole_in_order_and_each_once(
    dav: Dav, ada: Person, server: Running
) -> None:
    count = 2 * PAGE + 7
    folder = await ada.make_folder("/many")
    await fill(server, folder["file_id"], count)

    answer = await dav.propfind("/dav/many/", "d:getcontentlength", depth="1")

    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.hrefs == ["/dav/many/", *(f"/dav/many/f{number:06}/" for number in range(count))]


async def test_what_programs_left_on_a_folders_files_is_read_a_little_at_a_time(
    dav: Dav, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = "abcdefgh"
    values = "".join(f'<p{number} xmlns="urn:x">{"y" * 15_000}</p{number}>' for number in range(8))
    await ada.make_folder("/kept")
    for name in letters:
        await ada.make_folder(f"/kept/{name}")
        assert (await dav.proppatch(f"/dav/kept/{name}", f"<d:set><d:prop>{values}</d:prop></d:set>")).status == 207
    at_once = []
    of_nodes = properties.of_nodes

    def noted(tx: Snapshot, node_ids: Collection[int]) -> dict[int, tuple[Kept, ...]]:
        found = of_nodes(tx, node_ids)
        at_once.append(sum(len(one.xml) for kept in found.values() for one in kept))
        return found

    monkeypatch.setattr(properties, "of_nodes", noted)

    listed = await dav.call("PROPFIND", "/dav/kept/", Depth="1")
    told = await dav.call("REPORT", "/dav/kept/", SYNC)

    assert listed.headers["transfer-encoding"] == "chunked"
    assert listed.hrefs == ["/dav/kept/", *(f"/dav/kept/{name}/" for name in letters)]
    assert len(listed.of("/dav/kept/h/")["{urn:x}p7"].text or "") == 15_000
    assert sorted(told.hrefs) == [f"/dav/kept/{name}/" for name in letters]
    assert len(told.of("/dav/kept/a/")["{urn:x}p0"].text or "") == 15_000
    assert max(at_once) <= KEPT_AT_ONCE


@pytest.mark.parametrize("method", ["PROPFIND", "GET"])
async def test_what_one_person_asks_for_at_once_is_looked_up_two_at_a_time(
    server: Running, dav: Dav, bob_dav: Dav, ada: Person, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    await ada.make_folder("/many")
    services, gate, inside = server.cairn.services, asyncio.Event(), list[int]()
    open_ = services.resources.open

    async def gated(actor: Actor, names: Sequence[str], wants: Wants, *, limit: int) -> Listing:
        inside.append(actor.user_id)
        await gate.wait()
        return await open_(actor, names, wants, limit=limit)

    monkeypatch.setattr(services.resources, "open", gated)
    asked = [asyncio.create_task(dav.call(method, "/dav/many/", Depth="1")) for _ in range(6)]
    async with asyncio.timeout(30):
        while services.calls.count < 6:  # noqa: ASYNC110 - nobody tells when a request came in
            await asyncio.sleep(0.01)
        other = asyncio.create_task(bob_dav.call(method, "/dav/", Depth="1"))
        while len(set(inside)) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    first = len(inside)
    gate.set()
    answers = [await one for one in (*asked, other)]

    assert first == 3  # two, and somebody else's
    assert len({answer.status for answer in answers}) == 1
    assert len(inside) == 7


async def test_a_large_folder_begins_to_come_before_it_is_read_and_waits_for_its_reader(
    dav: Dav, ada: Person, server: Running
) -> None:
    count = 20_000  # of which an answer is larger than what sockets hold
    folder = await ada.make_folder("/many")
    await fill(server, folder["file_id"], count)

    async with dav.connected() as wire:
        await wire.send(dav.head("PROPFIND", "/dav/many/", {"Depth": "1"}))
        async with asyncio.timeout(30):
            await wire.reader.readuntil(b"f000000/")
        services = server.cairn.services
        held = sum(services.answers._held.values())  # noqa: SLF001 - how much memory counts for answers
        under_way = services.calls.count
        answer = await wire.rest_of_chunks()

    assert (under_way, held < 1024 * 1024) == (1, True)
    assert answer.count(b"</d:response>") == count
    assert answer.endswith(b"</d:multistatus>\n")


async def test_a_folder_that_goes_while_it_is_listed_breaks_the_answer_off(
    dav: Dav, ada: Person, server: Running
) -> None:
    folder = await ada.make_folder("/many")
    await fill(server, folder["file_id"], 20_000)

    async with dav.connected() as wire:
        await wire.send(dav.head("PROPFIND", "/dav/many/", {"Depth": "1"}))
        async with asyncio.timeout(30):
            await wire.reader.readuntil(b"f000000/")
        assert (await ada.delete(f"/api/v1/files/{folder['file_id']}")).status == 204
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await wire.rest_of_chunks()


async def fill(server: Running, folder_id: str, count: int) -> None:
    """Put so many empty folders into a folder, without asking for each."""
    number, _ = decode_id(folder_id)

    def work(tx: Transaction) -> None:
        parent = nodes.find(tx, number)
        assert parent is not None
        actor_id, sums, seq = parent.actor_id, Sums(), 0
        above = tuple(step.id for step in nodes.way_up(tx, number))
        for at in range(count):
            made = nodes.create(
                tx,
                space_id=parent.space_id,
                parent_id=number,
                name=f"f{at:06}",
                kind=Kind.FOLDER,
                actor_id=actor_id,
            )
            seq = made.seq
        sums.add(above, seq=seq, items=count)
        sums.apply(tx)
        spaces.adjust(tx, parent.space_id, seq=seq)

    await server.cairn.database.write(work)
