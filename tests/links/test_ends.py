"""When a link is good, and when it is nothing any more: the same nothing, whatever the reason."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from app.clock import now_ms
from app.config import Settings
from tests.accounts.api import ADMIN
from tests.api.conftest import OTHER, Running, Template, copy_template, serving
from tests.api.people import MIB, Person, noise
from tests.links.people import Holder, change, make_link

DOORS = ("", "/content?file_id={file}", "/children", "/archive.zip")


async def every_door(holder: Holder, file_id: str) -> list[tuple[int, object]]:
    """Return how each door of a link answers."""
    replies = [await holder.ask(door.format(file=file_id)) for door in DOORS]
    return [(reply.status, reply.json and reply.json.get("detail")) for reply in replies]


async def pause(server: Running, ada: Person, holder: Holder) -> None:
    assert (await change(ada, holder, paused=True)).json["paused"] is True


async def end(server: Running, ada: Person, holder: Holder) -> None:
    assert (await ada.delete(f"/api/v1/links/{holder.link['link_id']}")).status == HTTPStatus.NO_CONTENT


async def delete_the_folder(server: Running, ada: Person, holder: Holder) -> None:
    assert (await ada.delete(f"/api/v1/files/{holder.link['file_id']}")).status == HTTPStatus.NO_CONTENT


async def delete_what_it_is_in(server: Running, ada: Person, holder: Holder) -> None:
    parent = (await ada.at("/home")).json["file_id"]
    assert (await ada.delete(f"/api/v1/files/{parent}")).status == HTTPStatus.NO_CONTENT


async def purge_the_folder(server: Running, ada: Person, holder: Holder) -> None:
    await delete_the_folder(server, ada, holder)
    assert (await ada.delete(f"/api/v1/trash/{holder.link['file_id']}")).status < HTTPStatus.BAD_REQUEST


async def disable_the_maker(server: Running, ada: Person, holder: Holder) -> None:
    await server.cairn.services.accounts.create("eve", "violet-harbour-kettle-42", is_admin=True)
    await server.cairn.services.accounts.disable(ADMIN)


@pytest.mark.parametrize(
    "dying", [pause, end, delete_the_folder, delete_what_it_is_in, purge_the_folder, disable_the_maker]
)
async def test_a_dead_link_answers_at_once_as_one_that_never_was(
    server: Running, ada: Person, dying: Callable[[Running, Person, Holder], Awaitable[None]]
) -> None:
    await ada.make_folder("/home/folder", parents=True)
    file_id = (await ada.put("/home/folder/file", b"1")).json["file_id"]
    holder = await make_link(ada, "/home/folder")
    stranger = Holder(ada, {"url": "/s/" + "A" * 24})
    assert [status for status, _ in await every_door(holder, file_id)] == [HTTPStatus.OK] * 4

    await dying(server, ada, holder)

    dead = await every_door(holder, file_id)
    assert [status for status, _ in dead] == [HTTPStatus.NOT_FOUND] * 4
    assert dead == await every_door(stranger, file_id)


async def test_a_link_ends_at_its_time(server: Running, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    await ada.put("/f", b"1")
    ends_ms = now_ms() + 3_600_000
    holder = await make_link(ada, "/f", expires_ms=ends_ms)
    assert (await holder.ask("/content")).status == HTTPStatus.OK

    monkeypatch.setattr(server.cairn.services.visits, "_clock_ms", lambda: ends_ms)

    assert (await holder.ask("/content")).status == HTTPStatus.NOT_FOUND
    assert (await change(ada, holder, expires_ms=ends_ms + 1)).status == HTTPStatus.OK
    assert (await holder.ask("/content")).status == HTTPStatus.OK


async def test_what_was_paused_or_deleted_comes_back(ada: Person) -> None:
    folder = await ada.make_folder("/d")
    holder = await make_link(ada, "/d")

    await change(ada, holder, paused=True)
    await change(ada, holder, paused=False)
    resumed = await holder.ask()
    await ada.delete(f"/api/v1/files/{folder['file_id']}")
    in_trash = (await ada.get("/api/v1/links")).json["items"]
    await ada.post(f"/api/v1/trash/{folder['file_id']}/restore")

    assert resumed.status == HTTPStatus.OK
    assert [(item["link_id"], item["file_id"]) for item in in_trash] == [(holder.link["link_id"], None)]
    assert (await holder.ask()).status == HTTPStatus.OK


async def test_a_stranger_to_a_link_can_neither_see_change_nor_end_it(ada: Person, bob: Person) -> None:
    await ada.put("/f", b"1")
    holder = await make_link(ada, "/f")
    address = f"/api/v1/links/{holder.link['link_id']}"
    file_id = holder.link["file_id"]

    assert (await bob.get("/api/v1/links")).json["items"] == []
    assert (await bob.get(f"/api/v1/links?file_id={file_id}")).status == HTTPStatus.NOT_FOUND
    assert (await bob.call("PATCH", address, json={"paused": True})).status == HTTPStatus.NOT_FOUND
    assert (await bob.delete(address)).status == HTTPStatus.NOT_FOUND
    assert (await bob.post("/api/v1/links", {"file_id": file_id})).status == HTTPStatus.NOT_FOUND
    assert (await holder.ask()).status == HTTPStatus.OK


async def test_links_are_listed_by_page_and_by_node_with_their_addresses_and_never_with_a_password(ada: Person) -> None:
    await ada.put("/f", b"1")
    await ada.put("/g", b"1")
    holders = [await make_link(ada, path, password="marble-otter-lantern-7") for path in ("/f", "/g", "/f")]

    first = (await ada.get("/api/v1/links?limit=2")).json
    rest = (await ada.get(f"/api/v1/links?limit=2&after={first['next']}")).json
    of_f = (await ada.get(f"/api/v1/links?file_id={holders[0].link['file_id']}")).json["items"]

    items = [*first["items"], *rest["items"]]
    assert [item["link_id"] for item in items] == [holder.link["link_id"] for holder in holders]
    assert rest["next"] is None
    assert [item["link_id"] for item in of_f] == [holders[0].link["link_id"], holders[2].link["link_id"]]
    assert all("password" not in item and item["has_password"] for item in items)
    assert [item["url"] for item in items] == [holder.link["url"] for holder in holders]
    assert {item["made_by"] for item in items} == {ADMIN}
    assert OTHER not in str(items)


@pytest.mark.parametrize(
    ("path", "terms"),
    [
        ("/", {}),
        ("/f", {"mode": "drop"}),
        ("/d", {"mode": "drop", "max_downloads": 1}),
        ("/d", {"max_downloads": 0}),
        ("/d", {"expires_ms": 1}),
        ("/d", {"password": "short"}),
        ("/d", {"owner": "me"}),
    ],
)
async def test_a_link_that_makes_no_sense_is_refused(ada: Person, path: str, terms: dict[str, object]) -> None:
    await ada.put("/f", b"1")
    await ada.make_folder("/d")
    file_id = (await ada.at(path)).json["file_id"]

    reply = await ada.post("/api/v1/links", {"file_id": file_id, **terms})

    assert reply.status == HTTPStatus.BAD_REQUEST
    assert (await ada.get("/api/v1/links")).json["items"] == []


async def test_making_changing_and_ending_a_link_is_audited_without_its_secrets(server: Running, ada: Person) -> None:
    await ada.put("/f", b"1")
    holder = await make_link(ada, "/f", password="marble-otter-lantern-7")
    await change(ada, holder, paused=True)
    await ada.delete(f"/api/v1/links/{holder.link['link_id']}")

    rows = await server.cairn.database.read(
        lambda tx: [tuple(row) for row in tx.all("SELECT event, object, detail FROM audit")]
    )

    lines = [row for row in rows if str(row[0]).startswith("link_")]
    assert [(event, about) for event, about, _ in lines] == [
        (event, holder.link["link_id"]) for event in ("link_made", "link_changed", "link_ended")
    ]
    assert "marble-otter" not in str(rows)
    assert holder.url.rpartition("/")[2] not in str(rows)


async def test_the_database_holds_nothing_that_opens_a_link(server: Running, ada: Person) -> None:
    await ada.put("/f", b"1")
    holder = await make_link(ada, "/f", password="marble-otter-lantern-7")

    kept = b"".join(path.read_bytes() for path in server.folder.glob("metadata*") if path.is_file())

    assert b"marble-otter" not in kept
    assert holder.url.rpartition("/")[2].encode() not in kept


async def test_a_user_has_only_so_many_links(server: Running, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.links.LINKS_PER_USER", 3)
    await ada.put("/f", b"1")
    file_id = (await ada.at("/f")).json["file_id"]

    replies = await asyncio.gather(*(ada.post("/api/v1/links", {"file_id": file_id}) for _ in range(6)))

    assert sorted(reply.status for reply in replies) == [HTTPStatus.CREATED] * 3 + [HTTPStatus.CONFLICT] * 3


async def test_the_page_of_a_dead_link_says_so_in_words(ada: Person) -> None:
    dead = Holder(ada, {"url": "/s/" + "A" * 24})

    page = await dead.ask(headers={"Accept": "text/html,*/*"})

    assert page.status == HTTPStatus.NOT_FOUND
    assert "This link leads nowhere" in page.body.decode()


async def test_a_url_is_whole_where_the_server_knows_its_own(
    template: Template, settings: Settings, tmp_path: Path
) -> None:
    named = replace(settings, server=replace(settings.server, public_url="https://files.example.org/cairn/"))
    async with serving(copy_template(template, tmp_path / "data"), named) as server:
        ada = Person(server.session, template.tokens[ADMIN])
        await ada.put("/f", b"1")

        holder = await make_link(ada, "/f")

    assert holder.url.startswith("https://files.example.org/cairn/s/")


@pytest.mark.parametrize("ending", [{"paused": True}, {"password": "another-otter-lantern-8"}, None])
async def test_a_download_that_is_under_way_is_cut_off_when_the_link_ends(
    server: Running, ada: Person, ending: dict[str, object] | None
) -> None:
    await ada.put("/f", noise(24 * MIB))
    holder = await make_link(ada, "/f")

    async with ada.client.get(f"{holder.url}/content") as reply:
        await reply.content.readexactly(1000)
        if ending is None:
            await ada.delete(f"/api/v1/links/{holder.link['link_id']}")
        else:
            await change(ada, holder, **ending)
        async with asyncio.timeout(60):
            while server.cairn.services.calls.count:  # noqa: ASYNC110 - the server tells it in no other way
                await asyncio.sleep(0.01)
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await reply.content.read()
