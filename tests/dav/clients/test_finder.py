"""macOS: Finder, and whatever else goes through its mount, with the requests of webdavfs, whose source is public."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.api.people import Person
from tests.dav.conftest import Answer, Dav
from tests.tree.keeper import tree_below

AGENT = {"User-Agent": "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)", "Accept": "*/*", "Connection": "keep-alive"}
TYPE = {"Content-Type": "text/xml"}
FIRST = '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n'
STAT = f"{FIRST}<D:prop>\n<D:getlastmodified/>\n<D:getcontentlength/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n"
LIST = (
    f'{FIRST}<D:prop xmlns:A="http://www.apple.com/webdav_fs/props/">\n<D:getlastmodified/>\n<D:getcontentlength/>\n'
    "<D:resourcetype/>\n<A:appledoubleheader/>\n</D:prop>\n</D:propfind>\n"
)
IS_EMPTY = f"{FIRST}<D:prop>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n"
ROOM = (
    f"{FIRST}<D:prop>\n<D:quota-available-bytes/>\n<D:quota-used-bytes/>\n<D:quota/>\n<D:quotaused/>\n</D:prop>\n"
    "</D:propfind>\n"
)
LOCK = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:">\n<D:lockscope><D:exclusive/></D:lockscope>\n'
    "<D:locktype><D:write/></D:locktype>\n<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n"
    "</D:lockinfo>\n"
)
DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(4072)
"""An AppleDouble file: what macOS knows of a file beside its content."""


@pytest.fixture
def finder(dav: Dav) -> Dav:
    """A Mac, with the headers that it always sends."""
    return replace(dav, headers=AGENT)


async def stat(finder: Dav, path: str) -> Answer:
    return await finder.call("PROPFIND", path, STAT, Depth="0", **TYPE)


def token_of(answer: Answer) -> str:
    """Return the token as webdavfs reads it: from the body, whatever the header says."""
    found = answer.xml.find(".//{DAV:}locktoken/{DAV:}href")
    assert found is not None
    assert found.text is not None
    return found.text


async def put_locked(finder: Dav, path: str, body: bytes) -> None:
    """Write a file as Finder does: made empty, looked at, locked, sent in chunks of unknown length, unlocked."""
    assert (await stat(finder, path)).status == 404
    assert (await finder.call("PUT", path)).status == 201
    assert (await stat(finder, path)).of(path)["d:getcontentlength"].text == "0"
    locked = await finder.call(
        "LOCK", path, LOCK, Depth="0", Timeout="Second-600", **{"Content-Type": 'text/xml; charset="utf-8"'}
    )
    assert locked.status == 200
    token = token_of(locked)
    async with finder.connected() as wire:
        sent = {
            "If": f"(<{token}>)",
            "Transfer-Encoding": "chunked",
            "X-Expected-Entity-Length": str(len(body)),
        }
        await wire.send(finder.head("PUT", path, sent))
        for at in range(0, len(body), 1000):
            piece = body[at : at + 1000]
            await wire.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await wire.send(b"0\r\n\r\n")
        assert (await wire.answer()).status == 204
    renewed = await finder.call("LOCK", path, Depth="0", Timeout="Second-600", If=f"(<{token}>)", **TYPE)
    assert token_of(renewed) == token
    assert (await finder.call("UNLOCK", path, Lock_Token=f"<{token}>")).status == 204


async def test_it_asks_who_may_come_in_and_mounts_for_writing(anybody: Dav, finder: Dav) -> None:
    stranger = await replace(anybody, headers=AGENT).call("OPTIONS", "/dav/")
    known = await finder.call("OPTIONS", "/dav/")

    assert stranger.status == 401
    assert stranger.headers["www-authenticate"].startswith('Basic realm="')
    assert "2" in [level.strip() for level in known.headers["dav"].split(",")]  # without it the mount is read-only
    assert (await stat(finder, "/dav/")).of("/dav/")["d:resourcetype"].find("{DAV:}collection") is not None


async def test_it_is_told_how_much_room_there_is(finder: Dav) -> None:
    answer = await finder.call("PROPFIND", "/dav/", ROOM, Depth="0", **TYPE)

    room = answer.of("/dav/")
    assert int(room["d:quota-available-bytes"].text or "") > 0
    assert room["d:quota-used-bytes"].text == "0"
    assert answer.missing("/dav/") == {"d:quota", "d:quotaused"}


async def test_what_it_probes_for_is_not_there_and_nothing_comes_of_asking(finder: Dav, ada: Person) -> None:
    probes = ["._.", ".hidden", ".DS_Store", "mach_kernel", ".Spotlight-V100", ".metadata_never_index", "Contents"]

    answers = [await stat(finder, f"/dav/{name}") for name in probes]

    assert {answer.status for answer in answers} == {404}
    assert await tree_below(ada) == {}


async def test_a_file_is_copied_there_with_what_goes_beside_it(finder: Dav, ada: Person) -> None:
    content = b"a picture" * 1000

    await put_locked(finder, "/dav/pic.jpg", content)
    await put_locked(finder, "/dav/._pic.jpg", DOUBLE)

    listed = await finder.call("PROPFIND", "/dav/", LIST, Depth="1", **TYPE)
    assert listed.hrefs == ["/dav/", "/dav/._pic.jpg", "/dav/pic.jpg"]
    assert listed.of("/dav/pic.jpg")["d:getcontentlength"].text == str(len(content))
    assert "{http://www.apple.com/webdav_fs/props/}appledoubleheader" in listed.missing("/dav/pic.jpg")
    file = (await ada.at("/pic.jpg")).json
    assert (await ada.content(file["file_id"])).body == content
    assert (await finder.call("GET", "/dav/._pic.jpg")).body == DOUBLE


async def test_what_it_has_is_checked_and_not_fetched_again(finder: Dav, ada: Person) -> None:
    await ada.put("/a.txt", b"as it was")
    first = await finder.call("GET", "/dav/a.txt")
    etag, date = first.headers["etag"], first.headers["last-modified"]
    datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)

    same = await finder.call("GET", "/dav/a.txt", If_None_Match=etag, If_Modified_Since=date)
    await ada.put("/a.txt", b"as it is")
    other = await finder.call("GET", "/dav/a.txt", If_None_Match=etag, If_Modified_Since=date)

    assert same.status == 304
    assert (other.status, other.body) == (200, b"as it is")


async def test_a_folder_is_removed_once_it_is_seen_to_be_empty(finder: Dav, ada: Person) -> None:
    assert (await finder.call("MKCOL", "/dav/untitled%20folder/")).status == 201

    found = await finder.call("PROPFIND", "/dav/untitled%20folder/", IS_EMPTY, Depth="1", **TYPE)
    gone = await finder.call("DELETE", "/dav/untitled%20folder/")

    assert found.hrefs == ["/dav/untitled%20folder/"]
    assert gone.status == 204
    assert "date" in gone.headers  # it takes the time of the change from there
    assert await tree_below(ada) == {}


async def test_it_writes_accents_as_marks_of_their_own_and_finds_its_files(finder: Dav, ada: Person) -> None:
    decomposed = "/dav/u%CC%88ber.txt"
    await put_locked(finder, decomposed, b"mark")

    moved = await finder.call(
        "MOVE", decomposed, Destination=f"http://127.0.0.1:{finder.port}/dav/Cafe%CC%81/", Overwrite="T"
    )
    assert moved.status == 201

    assert list(await tree_below(ada)) == ["/Caf\u00e9"]
    assert (await stat(finder, "/dav/Cafe%CC%81")).hrefs == ["/dav/Cafe%CC%81"]
    assert (await finder.call("GET", "/dav/Caf%C3%A9")).body == b"mark"
