"""GET and HEAD: bytes by path, and folders as a page that holds nothing dangerous (RFC 4918, 9.4; security.md, O1)."""

import re
from html import unescape

from app.dav.propfind import PAGE
from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import Dav
from tests.dav.test_propfind import fill


async def test_conditions_and_ranges_hold_as_at_the_other_doors(dav: Dav, ada: Person) -> None:
    await ada.put("/f.bin", b"0123456789")
    whole = await dav.call("GET", "/dav/f.bin")
    etag = whole.headers["etag"]

    for headers, status, body in (
        ({"Range": "bytes=-3"}, 206, b"789"),
        ({"Range": "bytes=4-", "If_Range": etag}, 206, b"456789"),
        ({"Range": "bytes=4-", "If_Range": '"other"'}, 200, b"0123456789"),
        ({"If_None_Match": etag}, 304, b""),
        ({"If_Modified_Since": whole.headers["last-modified"]}, 304, b""),
    ):
        answer = await dav.call("GET", "/dav/f.bin", **headers)
        assert (answer.status, answer.body) == (status, body), headers
    for headers, status in (({"If_Match": '"other"'}, 412), ({"Range": "bytes=99-"}, 416)):
        answer = await dav.call("GET", "/dav/f.bin", **headers)
        assert answer.status == status
        assert answer.xml.tag == "{DAV:}error"
    head = await dav.call("HEAD", "/dav/f.bin")
    assert (head.headers["content-length"], head.headers["etag"]) == ("10", etag)


async def test_content_runs_in_no_browser(dav: Dav, ada: Person) -> None:
    await ada.put("/evil.html", b"<script>alert(1)</script>")

    answer = await dav.call("GET", "/dav/evil.html")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_folder_is_a_page_of_escaped_links_that_lead_where_they_say(dav: Dav, ada: Person) -> None:
    names = [
        "<script>alert(1)<",
        "a&b",
        "100%",
        "q?x#y",
        "quo\"te's",
        "right\u202eleft",
        "\u00fc \U0001f600",
        "javascript:x",
    ]
    for name in names:
        reply = await ada.call(
            "PUT", "/api/v1/files/content", params={"path": f"/dir/{name}", "parents": "1"}, data=b"12"
        )
        assert reply.status == 201, reply.body

    answer = await dav.call("GET", "/dav/dir")

    page = answer.body.decode()
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<script" not in page
    assert "\u202e" not in page
    links = [unescape(href) for href in re.findall('href="([^"]*)"', page)]
    assert links[0] == "/dav/"
    assert all(link.startswith("/dav/dir/") for link in links[1:])
    assert len(links) == 1 + len(names)
    for link in links[1:]:
        assert (await dav.call("GET", link)).body == b"12", link


async def test_head_of_a_folder_says_that_it_is_there(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")

    assert [(await dav.call("HEAD", path)).status for path in ("/dav", "/dav/", "/dav/F", "/dav/F/")] == [200] * 4
    assert (await dav.call("HEAD", "/dav/G")).status == 404


async def test_a_folder_of_many_pages_is_one_page(dav: Dav, ada: Person, server: Running) -> None:
    folder = await ada.make_folder("/many")
    await fill(server, folder["file_id"], 2 * PAGE + 3)

    answer = await dav.call("GET", "/dav/many/")

    assert answer.body.count(b"<a href=") == 1 + 2 * PAGE + 3
    assert answer.body.endswith(b"</html>\n")


async def test_head_gives_the_length_that_get_gives_and_none_of_a_page_that_is_made_as_it_goes(
    dav: Dav, ada: Person, server: Running
) -> None:
    await ada.make_folder("/few")
    folder = await ada.make_folder("/many")
    await fill(server, folder["file_id"], PAGE + 1)

    for path in ("/dav/few/", "/dav/many/", "/dav/@/"):
        async with dav.connected() as wire:
            await wire.send(dav.head("HEAD", path, {}))
            head = await wire.answer("HEAD")
            await wire.send(dav.head("GET", path, {}))
            got = await wire.answer()  # the connection goes on: HEAD left nothing behind
        assert head.status == got.status == 200
        assert head.headers.get("content-length") == got.headers.get("content-length"), path
        assert ("content-length" in got.headers) is (path == "/dav/few/")
        assert got.body.endswith(b"</html>\n")


async def test_what_is_not_there_is_404(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")

    for path in ("/dav/none", "/dav/a/b", "/dav/a/"):
        answer = await dav.call("GET", path)
        assert answer.status == 404
        assert answer.xml.tag == "{DAV:}error"


async def test_text_and_names_of_another_person_are_not_there(bob_dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")

    assert (await bob_dav.call("GET", "/dav/a")).body == (await bob_dav.call("GET", "/dav/b")).body
