"""Links that show something: what their holders get, and what they never do."""

import asyncio
from http import HTTPStatus

import pytest

from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person
from tests.links.people import Holder, change, make_link
from tests.links.zips import held, make_trip

CONCEALED = {"space_id", "parent_id", "version_id", "sha256", "seq", "etag", "modified_by", "permissions", "path"}


async def test_a_link_to_a_file_gives_its_bytes_in_any_part(ada: Person) -> None:
    await ada.put("/plan.txt", b"to the sea")
    holder = await make_link(ada, "/plan.txt")

    shown, whole = (await holder.ask()).json, await holder.ask("/content")
    part = await holder.ask("/content", headers={"Range": "bytes=3-5"})

    assert (shown["name"], shown["kind"], shown["size"], shown["needs_password"]) == ("plan.txt", "file", 10, False)
    assert (whole.body, part.body) == (b"to the sea", b"the")
    assert holder.url.startswith("/s/")
    assert len(holder.url) == len("/s/") + 24


async def test_a_link_to_a_folder_lists_gives_and_zips_what_is_below(ada: Person) -> None:
    expected = await make_trip(ada)
    holder = await make_link(ada, "/Trip")

    top = await holder.listed()
    below = await holder.listed(f"?file_id={top['0']['file_id']}")
    content = await holder.ask(f"/content?file_id={below['raw']['file_id']}")
    whole = await holder.ask("/archive.zip")
    part = await holder.ask(f"/archive.zip?file_id={top['1']['file_id']}")

    assert list(top) == ["0", "1", "empty"]
    assert set(below) == {"none", "note.txt", "näme.bin", "raw"}
    assert content.body == expected["Trip/0/raw"]
    assert held(whole.body) == expected
    assert held(part.body) == {
        name.removeprefix("Trip/"): data for name, data in expected.items() if name.startswith("Trip/1/")
    }
    assert all(not item.keys() & CONCEALED for item in (*top.values(), *below.values()))


async def test_a_link_lists_a_long_folder_page_by_page(ada: Person) -> None:
    await ada.make_folder("/f")
    for number in range(5):
        await ada.put(f"/f/{number}", b"")
    holder = await make_link(ada, "/f")

    first = (await holder.ask("/children?limit=3")).json
    second = (await holder.ask(f"/children?limit=3&after={first['next']}")).json

    assert [item["name"] for page in (first, second) for item in page["items"]] == list("01234")
    assert second["next"] is None


async def test_what_is_not_below_the_link_is_not_there_at_all(ada: Person, bob: Person) -> None:
    for path in ("/a", "/a/in", "/beside", "/a/other"):
        await ada.make_folder(path)
    await ada.put("/beside/secret", b"1")
    await ada.put("/a/secret", b"2")
    await ada.put("/a/in/file", b"3")
    await bob.put("/his", b"4")
    gone = (await ada.put("/a/in/gone", b"5")).json["file_id"]
    await ada.delete(f"/api/v1/files/{gone}")
    holder = await make_link(ada, "/a/in")
    beyond = [(await ada.at(path)).json["file_id"] for path in ("/", "/a", "/beside", "/beside/secret", "/a/secret")]
    beyond += [(await bob.at("/his")).json["file_id"], gone]
    nonsense = {what: await holder.ask(f"{what}?file_id={NONSENSE_ID}") for what in ("/content", "/children")}

    for file_id in beyond:
        for what, unknown in nonsense.items():
            reply = await holder.ask(f"{what}?file_id={file_id}")
            assert reply.status == HTTPStatus.NOT_FOUND
            assert without_id(reply.json) == without_id(unknown.json)
        assert (await holder.ask(f"/archive.zip?file_id={file_id}")).status == HTTPStatus.NOT_FOUND
    assert list(await holder.listed()) == ["file"]
    assert list(await holder.listed("?file_id=root")) == ["file"]


async def test_a_link_follows_its_folder_and_loses_what_leaves_it(ada: Person) -> None:
    folder, other = await ada.make_folder("/a"), await ada.make_folder("/b")
    moved = (await ada.put("/a/moved", b"1")).json["file_id"]
    holder = await make_link(ada, "/a")
    assert (await holder.ask(f"/content?file_id={moved}")).status == HTTPStatus.OK

    await ada.change(folder["file_id"], parent_id=other["file_id"], name="renamed")
    followed = await holder.ask()
    assert (await holder.ask(f"/content?file_id={moved}")).status == HTTPStatus.OK
    await ada.change(moved, parent_id=other["file_id"])

    assert followed.json["name"] == "renamed"
    assert (await holder.ask(f"/content?file_id={moved}")).status == HTTPStatus.NOT_FOUND


async def test_nothing_but_looking_is_possible_through_a_view_link(ada: Person) -> None:
    await ada.put("/f", b"mine")
    await ada.make_folder("/d")
    file, folder = await make_link(ada, "/f"), await make_link(ada, "/d")
    token = file.url.rpartition("/")[2]

    assert (await folder.drop("x", b"x")).status == HTTPStatus.NOT_FOUND
    assert (await file.ask("/children")).status == HTTPStatus.NOT_FOUND
    assert (await file.ask("/archive.zip")).status == HTTPStatus.NOT_FOUND
    assert (await folder.ask("/content")).status == HTTPStatus.NOT_FOUND
    for door in ("/api/v1/files?path=/f", "/api/v1/me", "/api/v1/links"):
        assert (await ada.holding(token).get(door)).status == HTTPStatus.UNAUTHORIZED
    assert await ada.names("root") == ["d", "f"]


async def test_what_a_link_serves_cannot_run_in_a_browser(ada: Person) -> None:
    await ada.put("/page.html", b"<script>alert(1)</script>")
    holder = await make_link(ada, "/page.html")

    reply = await holder.ask("/content")

    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["Content-Disposition"].startswith("attachment")
    assert reply.headers["Content-Security-Policy"].startswith("sandbox")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"


# Counted downloads


@pytest.mark.parametrize("what", ["/content", "/archive.zip"])
async def test_of_fifty_who_come_at_once_as_many_are_served_as_the_link_allows(ada: Person, what: str) -> None:
    await ada.make_folder("/d")
    await ada.put("/d/f", b"few")
    holder = await make_link(ada, "/d/f" if what == "/content" else "/d", max_downloads=5)

    async def fetch() -> int:
        while True:
            status = (await holder.ask(what)).status
            if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                return status

    replies = await asyncio.gather(*(fetch() for _ in range(50)))

    assert sorted(replies) == [HTTPStatus.OK] * 5 + [HTTPStatus.NOT_FOUND] * 45
    assert (await ada.get("/api/v1/links")).json["items"][0]["downloads"] == 5


async def test_looking_is_no_download_and_neither_is_going_on_with_one(ada: Person) -> None:
    etag = (await ada.put("/f", b"0123456789")).json["etag"]
    holder = await make_link(ada, "/f", max_downloads=2)

    for _ in range(3):
        assert (await holder.ask()).status == HTTPStatus.OK
        assert (await holder.ask("/content", "HEAD")).status == HTTPStatus.OK
        assert (await holder.ask("/content", headers={"Range": "bytes=5-"})).body == b"56789"
        known = await holder.ask("/content", headers={"If-None-Match": f'"{etag}"'})
        assert known.status == HTTPStatus.NOT_MODIFIED
    assert (await ada.get("/api/v1/links")).json["items"][0]["downloads"] == 0

    assert (await holder.ask("/content")).status == HTTPStatus.OK
    assert (await holder.ask("/content", headers={"Range": "bytes=5-6,0-1"})).status == HTTPStatus.PARTIAL_CONTENT
    assert (await holder.ask("/content")).status == HTTPStatus.NOT_FOUND
    assert (await holder.ask("/content", headers={"Range": "bytes=5-"})).body == b"56789"


async def test_a_link_that_is_used_up_gives_nothing_to_those_who_began_no_download(
    ada: Person, server: Running
) -> None:
    await ada.put("/f", b"0123456789")
    holder = await make_link(ada, "/f", max_downloads=1)
    await holder.ask("/content")
    visits = server.cairn.services.visits
    token = holder.url.rpartition("/")[2]

    await visits.open(token, None, "127.0.0.1")
    with pytest.raises(Exception, match="There is nothing here"):
        await visits.open(token, None, "192.0.2.1")


def without_id(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name != "request_id"}


async def test_the_page_shows_hostile_names_as_text(ada: Person) -> None:
    await ada.make_folder("/d")
    await ada.put("/d/<img src=x onerror=alert(1)>", b"1")
    await ada.put("/d/invoice\u202efdp.exe", b"1")
    holder: Holder = await make_link(ada, "/d")

    page = await holder.ask(headers={"Accept": "text/html"})

    text = page.body.decode()
    assert page.headers["Content-Type"].startswith("text/html")
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "<img src=x" not in text
    assert "invoice[U+202E]fdp.exe" in text
    assert "\u202e" not in text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"


async def test_an_address_is_shown_again_to_who_may_manage_the_link_and_stands_sealed(
    server: Running, ada: Person
) -> None:
    await ada.put("/plan.txt", b"to the sea")
    holder = await make_link(ada, "/plan.txt")

    [listed] = (await ada.get("/api/v1/links")).json["items"]
    changed = await ada.call("PATCH", f"/api/v1/links/{listed['link_id']}", json={"paused": True})

    assert listed["url"] == changed.json["url"] == holder.url
    rows = await server.cairn.database.read(lambda tx: [tuple(row) for row in tx.all("SELECT * FROM links")])
    assert holder.url.rpartition("/")[2].encode() not in repr(rows).encode()


async def test_a_link_whose_address_is_not_known_any_more_works_on(server: Running, ada: Person) -> None:
    """One from before addresses were kept, or after the key was lost."""
    await ada.put("/plan.txt", b"to the sea")
    holders = [await make_link(ada, "/plan.txt") for _ in range(2)]
    await server.cairn.database.write(
        lambda tx: [
            tx.execute("UPDATE links SET sealed_token = NULL WHERE id = (SELECT min(id) FROM links)", {}),
            tx.execute("UPDATE links SET sealed_token = x'00' WHERE id = (SELECT max(id) FROM links)", {}),
        ]
    )

    listed = (await ada.get("/api/v1/links")).json["items"]

    assert [link["url"] for link in listed] == [None, None]
    assert [(await holder.ask("/content")).body for holder in holders] == [b"to the sea"] * 2


async def test_a_link_for_looking_alone_shows_what_pages_can_show_and_gives_nothing_to_keep(ada: Person) -> None:
    await ada.make_folder("/Trip")
    for name in ("plan.txt", "notes.md", "film.mp4", "map.pdf", "letter.odt", "page.html"):
        await ada.put(f"/Trip/{name}", b"bytes")
    holder = await make_link(ada, "/Trip", allow_download=False, title="To the sea")
    listed = await holder.listed()

    async def status_of(name: str, query: str = "", method: str = "GET") -> int:
        return (await holder.ask(f"/content?file_id={listed[name]['file_id']}{query}", method)).status

    assert {name: await status_of(name) for name in listed} == {
        "plan.txt": 200, "notes.md": 200, "film.mp4": 200, "map.pdf": 200, "page.html": 200, "letter.odt": 403,
    }  # fmt: skip
    assert await status_of("plan.txt", "&download=1") == HTTPStatus.FORBIDDEN
    assert await status_of("letter.odt", method="HEAD") == HTTPStatus.FORBIDDEN
    assert (await holder.ask("/archive.zip")).status == HTTPStatus.FORBIDDEN
    assert (await holder.ask(f"/archive.zip?file_id={holder.link['file_id']}")).status == HTTPStatus.FORBIDDEN
    shown = (await holder.ask()).json
    assert (shown["name"], shown["allow_download"]) == ("To the sea", False)

    changed = (await change(ada, holder, allow_download=True, title=None)).json

    assert (changed["allow_download"], changed["title"]) == (True, None)
    assert await status_of("plan.txt", "&download=1") == HTTPStatus.OK
    assert (await holder.ask("/archive.zip")).status == HTTPStatus.OK
    assert (await holder.ask()).json["name"] == "Trip"


async def test_a_drop_link_has_no_downloads_to_speak_of(ada: Person) -> None:
    folder = (await ada.make_folder("/Inbox"))["file_id"]
    asked = {"file_id": folder, "mode": "drop"}

    refused = await ada.post("/api/v1/links", {**asked, "allow_download": False})
    holder = await make_link(ada, "/Inbox", mode="drop", title="For the feast")

    assert refused.status == HTTPStatus.BAD_REQUEST
    assert (await change(ada, holder, allow_download=False)).status == HTTPStatus.BAD_REQUEST
    assert (await holder.ask()).json["name"] == "For the feast"
