"""Drop links take files in and show nothing."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

from tests.api.conftest import Running
from tests.api.people import Person, noise
from tests.links.people import change, make_link


async def test_what_is_dropped_arrives_whole_and_under_a_free_name(ada: Person) -> None:
    await ada.make_folder("/in")
    await ada.put("/in/a.txt", b"what was there")
    holder = await make_link(ada, "/in", mode="drop")
    large = noise(3_000_000)

    replies = [await holder.drop("a.txt", large), await holder.drop("a.txt", b"again", "POST")]

    assert [reply.status for reply in replies] == [HTTPStatus.CREATED] * 2
    assert [reply.json for reply in replies] == [{"size": len(large)}, {"size": 5}]
    assert await ada.names((await ada.at("/in")).json["file_id"]) == ["a (2).txt", "a (3).txt", "a.txt"]
    contents = [
        (await ada.content((await ada.at(f"/in/{name}")).json["file_id"])).body
        for name in ("a.txt", "a (2).txt", "a (3).txt")
    ]
    assert contents == [b"what was there", large, b"again"]


async def test_a_drop_link_answers_alike_whether_a_name_is_there_or_not(ada: Person) -> None:
    await ada.make_folder("/in")
    await ada.put("/in/there", b"1")
    await ada.make_folder("/in/folder")
    holder = await make_link(ada, "/in", mode="drop")

    replies = [await holder.drop(name, b"22") for name in ("there", "folder", "not there")]

    assert len({(reply.status, reply.body, tuple(sorted(reply.headers))) for reply in replies}) == 1


async def test_a_drop_link_shows_nothing_of_what_is_there(ada: Person) -> None:
    await ada.make_folder("/in")
    inside = (await ada.put("/in/secret", b"mine")).json["file_id"]
    holder = await make_link(ada, "/in", mode="drop")

    told = (await holder.ask()).json
    page = (await holder.ask(headers={"Accept": "text/html"})).body

    for door in ("/children", "/archive.zip", "/content", f"/content?file_id={inside}", f"/children?file_id={inside}"):
        assert (await holder.ask(door)).status == HTTPStatus.NOT_FOUND
    assert (told["name"], told["size"], told["mode"]) == ("in", None, "drop")
    assert b"secret" not in page


async def test_names_that_cannot_be_are_refused_and_none_leads_out_of_the_folder(ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")

    for name in ("..", ".", "a/b", "../x", "", "a\0b"):
        assert (await holder.drop(name, b"1")).status == HTTPStatus.BAD_REQUEST, name
    assert (await holder.drop("..\\x", b"1")).status == HTTPStatus.CREATED
    assert await ada.names("root") == ["in"]


async def test_dropped_bytes_count_against_the_owners_quota(server: Running, ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    await server.cairn.services.accounts.set_quota("ada", 3_000_000)

    replies = await asyncio.gather(*(holder.drop(f"{number}", noise(1_000_000)) for number in range(6)))

    statuses = sorted(reply.status for reply in replies)
    assert statuses == [HTTPStatus.CREATED] * 3 + [HTTPStatus.INSUFFICIENT_STORAGE] * 3
    assert (await ada.get("/api/v1/me")).json["used"] == 3_000_000


async def test_a_link_that_ends_while_a_file_comes_in_takes_none(server: Running, ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    begun = asyncio.Event()
    ended = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        begun.set()
        await ended.wait()
        yield b"last"

    sending = asyncio.create_task(holder.ask("/upload", "PUT", params={"name": "x"}, data=body()))
    await begun.wait()
    await change(ada, holder, paused=True)
    ended.set()

    assert (await sending).status == HTTPStatus.NOT_FOUND
    assert await ada.names((await ada.at("/in")).json["file_id"]) == []
    assert (await ada.get("/api/v1/uploads")).json["items"] == []


async def test_many_files_of_one_name_find_names_in_few_steps(ada: Person, server: Running) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")

    for _ in range(105):
        assert (await holder.drop("a", b"")).status == HTTPStatus.CREATED

    names = await ada.names((await ada.at("/in")).json["file_id"])
    assert len(set(names)) == 105
    assert {"a", "a (2)", "a (100)"} <= set(names)
