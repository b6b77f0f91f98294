"""Drop links take files in and show nothing."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from app.services import receive
from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
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


@pytest.mark.parametrize("door", ["PUT", "form"])
async def test_a_visitor_who_announces_much_and_sends_little_takes_no_room_from_others(
    server: Running, ada: Person, door: str
) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    await server.cairn.services.accounts.set_quota("ada", 3_000_000)
    done = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"hi" if door == "PUT" else form(("x", b"hi"))[0].partition(b"hi")[0]
        await done.wait()

    request = {
        "params": {"name": "x"} if door == "PUT" else {},
        "headers": {"Content-Length": "3000000", **(form()[1] if door == "form" else {})},
    }
    sending = asyncio.create_task(holder.ask("/upload", "PUT" if door == "PUT" else "POST", data=body(), **request))
    while not (waiting := (await ada.get("/api/v1/uploads")).json["items"]):
        assert not sending.done(), sending.result()

    assert (await ada.put("/mine", noise(2_500_000))).status == HTTPStatus.CREATED
    assert [item["reserved"] for item in waiting] == [0]
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_what_exceeds_the_free_quota_is_refused_before_its_bytes_come(server: Running, ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    await server.cairn.services.accounts.set_quota("ada", 3_000_000)
    never = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"hi"
        await never.wait()

    headers = {"Content-Length": "3000001"}
    reply = await holder.ask("/upload", "PUT", params={"name": "x"}, data=body(), headers=headers)

    assert reply.status == HTTPStatus.INSUFFICIENT_STORAGE


async def test_a_file_of_several_steps_is_promised_as_it_comes_and_no_more(
    server: Running, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "STREAM_STEP", 2 * MIB)
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    data = noise(5 * MIB)
    await server.cairn.services.accounts.set_quota("ada", len(data))

    assert (await holder.drop("x", data)).status == HTTPStatus.CREATED
    assert (await ada.content((await ada.at("/in/x")).json["file_id"])).body == data


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


# The form of the page


def form(*files: tuple[str, bytes], boundary: str = "xYzZY") -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers with which a browser sends files."""
    body = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\nContent-Type: text/plain\r\n\r\n%s\r\n'
        % (boundary.encode(), name.encode(), data)
        for name, data in files
    )
    return body + b"--%s--\r\n" % boundary.encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


async def test_the_form_of_the_page_takes_several_files(ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    large = b"\r\n--xYzZ" + noise(2_000_000) + b"\r\n--xYz\r\n--xYzZ"
    body, headers = form(("näme.txt", b"one"), ("", b""), ("C%22", b""), ("folder/large", large))

    reply = await holder.ask("/upload", "POST", data=body, headers=headers)

    assert reply.status == HTTPStatus.CREATED
    assert "3 files have arrived" in reply.body.decode()
    assert await ada.names((await ada.at("/in")).json["file_id"]) == ['C"', "large", "näme.txt"]
    assert (await ada.content((await ada.at("/in/large")).json["file_id"])).body == large
    assert (await ada.at("/in/näme.txt")).json["content_type"] == "text/plain"


async def test_the_form_is_refused_in_words_and_keeps_what_came_whole(server: Running, ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    body, headers = form(("a", b"1" * 1000), ("b", b"2" * 1000))

    cut = await holder.ask("/upload", "POST", data=body[:1500], headers=headers)
    await server.cairn.services.accounts.set_quota("ada", 3_000)
    full = await holder.ask("/upload", "POST", data=form(("c", b"3" * 5000))[0], headers=headers)

    assert cut.status == HTTPStatus.BAD_REQUEST
    assert "it ended in the middle" in cut.body.decode()
    assert "One file has arrived" in cut.body.decode()
    assert full.status == HTTPStatus.INSUFFICIENT_STORAGE
    assert await ada.names((await ada.at("/in")).json["file_id"]) == ["a"]


async def test_a_small_form_fits_into_a_small_quota(server: Running, ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    await server.cairn.services.accounts.set_quota("ada", 3_000)
    body, headers = form(("a", b"1" * 1000), ("b", b"2" * 1000))

    assert (await holder.ask("/upload", "POST", data=body, headers=headers)).status == HTTPStatus.CREATED


async def test_what_is_no_form_is_refused(ada: Person) -> None:
    await ada.make_folder("/in")
    holder = await make_link(ada, "/in", mode="drop")
    multipart = "multipart/form-data"

    for content_type, body in (
        (multipart, b"--x--\r\n"),
        (f"{multipart}; boundary=", b"--x--\r\n"),
        (f"{multipart}; boundary={'x' * 71}", b"--x--\r\n"),
        (f"{multipart}; boundary=x", b""),
        (f"{multipart}; boundary=x", b"--y--\r\n"),
        (f"{multipart}; boundary=x", b"--x\r\n" + b"a" * 20_000),
        (f"{multipart}; boundary=x", b'--x\r\nContent-Disposition: form-data; filename="\xff"\r\n\r\n1\r\n--x--\r\n'),
        ("text/plain", b"--x--\r\n"),
    ):
        reply = await holder.ask("/upload", "POST", data=body, headers={"Content-Type": content_type})
        assert reply.status == HTTPStatus.BAD_REQUEST, (content_type, body[:50])
    assert await ada.names((await ada.at("/in")).json["file_id"]) == []
