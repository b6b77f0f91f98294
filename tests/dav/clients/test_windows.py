"""Windows: Explorer and drive letters, which go through the WebClient service (the Mini-Redirector)."""

from dataclasses import replace

import pytest

from tests.api.people import Person
from tests.dav.conftest import Answer, Dav
from tests.tree.keeper import trash_of, tree_below

AGENT = {
    "Connection": "Keep-Alive",
    "User-Agent": "Microsoft-WebDAV-MiniRedir/10.0.22631",
    "translate": "f",
}
FRESH = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
XML = {"Content-Type": 'text/xml; charset="utf-8"'}
LOCK = (
    '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype><D:owner><D:href>PC\\ada</D:href></D:owner></D:lockinfo>"
)
TIMES = (
    '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">'
    "<D:set><D:prop><Z:Win32CreationTime>Sat, 03 Oct 2026 07:00:00 GMT</Z:Win32CreationTime>"
    "<Z:Win32LastAccessTime>Mon, 30 Nov 2026 09:00:00 GMT</Z:Win32LastAccessTime>"
    "<Z:Win32LastModifiedTime>Sun, 04 Oct 2026 08:30:00 GMT</Z:Win32LastModifiedTime>"
    "<Z:Win32FileAttributes>00000000</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>"
)
MODIFIED = ("Sun, 04 Oct 2026 08:30:00 GMT", 1_791_102_600_000)
READ_ONLY = (
    '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">'
    "<D:set><D:prop><Z:Win32FileAttributes>00000021</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>"
)


@pytest.fixture
def windows(dav: Dav) -> Dav:
    """A machine with Windows, and the headers that its service always sends."""
    return replace(dav, headers=AGENT)


async def look(windows: Dav, path: str, depth: str = "0") -> Answer:
    """Ask for everything by saying nothing, as it does."""
    return await windows.call("PROPFIND", path, Depth=depth, **{"Content-Length": "0"})


async def copy_file(windows: Dav, path: str, body: bytes) -> None:
    """Write a file as Explorer does: made empty, locked, dated, sent, dated again, unlocked."""
    assert (await look(windows, path)).status == 404
    assert (await windows.call("PUT", path, **FRESH)).status == 201
    locked = await windows.call("LOCK", path, LOCK, Timeout="Second-3600", **FRESH, **XML)
    assert locked.status == 200
    token = locked.headers["lock-token"]
    shown = {"If": f"({token})"}
    assert (await windows.call("PROPPATCH", path, TIMES, **FRESH, **XML, **shown)).status == 207
    assert (await windows.call("HEAD", path)).headers["content-length"] == "0"
    assert (await windows.call("PUT", path, body, **FRESH, **shown)).status == 204
    dated = await windows.call("PROPPATCH", path, TIMES, **FRESH, **XML, **shown)
    assert set(dated.statuses(path).values()) == {200}
    assert (await windows.call("UNLOCK", path, **FRESH, **{"Lock-Token": token})).status == 204


async def test_it_asks_the_server_as_a_whole_before_it_asks_for_the_folder(anybody: Dav, windows: Dav) -> None:
    stranger = replace(anybody, headers=AGENT)

    root = await stranger.call("OPTIONS", "/")
    challenged = await stranger.call("OPTIONS", "/dav")
    known = await windows.call("OPTIONS", "/dav")

    for answer in (root, known):
        assert answer.status == 200
        assert answer.headers["ms-author-via"] == "DAV"
        assert answer.headers["dav"].startswith("1, 2")
        assert "PROPFIND" in answer.headers["allow"]
    assert challenged.status == 401
    assert challenged.headers["www-authenticate"].startswith('Basic realm="')


async def test_it_finds_the_folders_on_the_way_and_what_is_in_them(windows: Dav, ada: Person) -> None:
    await ada.upload("/Papers/a b.txt", b"1234", parents=True)

    assert (await look(windows, "/dav")).hrefs == ["/dav/"]
    assert (await look(windows, "/dav/Papers")).hrefs == ["/dav/Papers/"]
    listed = await look(windows, "/dav/Papers", "1")
    file = listed.of("/dav/Papers/a%20b.txt")
    assert file["d:getcontentlength"].text == "4"
    assert file["d:displayname"].text == "a b.txt"
    assert {"d:creationdate", "d:getlastmodified", "d:resourcetype"} <= set(file)
    assert (await look(windows, "/dav/Papers/desktop.ini")).status == 404


async def test_a_file_is_copied_there_with_its_times(windows: Dav, ada: Person) -> None:
    content = b"a letter" * 500

    await copy_file(windows, "/dav/letter.docx", content)

    file = (await ada.at("/letter.docx")).json
    assert (file["size"], file["mtime_ms"]) == (len(content), MODIFIED[1])
    assert (await ada.content(file["file_id"])).body == content
    shown = (
        await windows.propfind("/dav/letter.docx", "d:getlastmodified", "z:Win32CreationTime", "z:Win32FileAttributes")
    ).of("/dav/letter.docx")
    assert shown["d:getlastmodified"].text == MODIFIED[0]
    assert shown["z:Win32CreationTime"].text == "Sat, 03 Oct 2026 07:00:00 GMT"
    assert shown["z:Win32FileAttributes"].text == "00000000"


async def test_attributes_of_a_folder_are_kept_as_they_were_set(windows: Dav, ada: Person) -> None:
    await ada.make_folder("/Papers")

    answer = await windows.call("PROPPATCH", "/dav/Papers", READ_ONLY, **FRESH, **XML)
    times = await windows.call("PROPPATCH", "/dav/Papers", TIMES, **FRESH, **XML)

    assert set(answer.statuses("/dav/Papers/").values()) == {200}
    assert times.status == 207


async def test_a_name_is_changed_but_never_over_another(windows: Dav, ada: Person) -> None:
    await ada.put("/New Text Document.txt", b"new")
    await ada.put("/taken.txt", b"taken")
    server = f"http://127.0.0.1:{windows.port}"

    refused = await windows.call(
        "MOVE", "/dav/New%20Text%20Document.txt", Destination=f"{server}/dav/taken.txt", Overwrite="F"
    )
    moved = await windows.call(
        "MOVE", "/dav/New%20Text%20Document.txt", Destination=f"{server}/dav/plan.txt", Overwrite="F"
    )

    assert (refused.status, moved.status) == (412, 201)
    assert sorted(await tree_below(ada)) == ["/plan.txt", "/taken.txt"]


async def test_what_another_has_open_is_locked_for_it(windows: Dav, by_device: Dav, ada: Person) -> None:
    await ada.put("/plan.xlsx", b"as it was")
    locked = await windows.call("LOCK", "/dav/plan.xlsx", LOCK, Timeout="Second-3600", **FRESH, **XML)

    other = await replace(by_device, headers=AGENT).call("LOCK", "/dav/plan.xlsx", LOCK, Timeout="Second-3600", **XML)
    theirs = await replace(by_device, headers=AGENT).call("PUT", "/dav/plan.xlsx", b"mine now")

    assert (locked.status, other.status, theirs.status) == (200, 423, 423)


async def test_what_is_deleted_there_is_in_the_trash(windows: Dav, ada: Person) -> None:
    await copy_file(windows, "/dav/old.txt", b"old")

    assert (await windows.call("DELETE", "/dav/old.txt")).status == 204
    assert [entry["path"] for entry in await trash_of(ada)] == ["/old.txt"]
