"""GNOME's and KDE's file managers, by the requests that are known of them: GVfs over libsoup, and KIO."""

from dataclasses import replace

from tests.api.people import MIB, Person, noise
from tests.dav.conftest import Dav
from tests.dav.test_move import hashes_of
from tests.dav.test_saves import hashed
from tests.tree.keeper import tree_below

GVFS = {"User-Agent": "gvfs/1.50.3", "Accept-Language": "en-us, en;q=0.9", "Connection": "Keep-Alive"}
KIO = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) KIO/5.103 Dolphin/22.12.3", "Accept": "text/html, text/*;q=0.9"}
GVFS_ASKS = (
    '<?xml version="1.0" encoding="utf-8" ?>\n <D:propfind xmlns:D="DAV:">\n  <D:prop>\n<D:creationdate/>\n'
    "<D:displayname/>\n<D:getcontentlength/>\n<D:getcontenttype/>\n<D:getetag/>\n<D:getlastmodified/>\n"
    "<D:resourcetype/>\n  </D:prop>\n </D:propfind>"
)
KIO_ASKS = (
    '<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:prop><D:creationdate/><D:getcontentlength/>'
    "<D:displayname/><D:source/><D:getcontentlanguage/><D:getcontenttype/><D:getlastmodified/><D:getetag/>"
    "<D:supportedlock/><D:lockdiscovery/><D:resourcetype/></D:prop></D:propfind>"
)
XML = {"Content-Type": "application/xml"}


async def test_gnome_mounts_and_lists(dav: Dav, ada: Person) -> None:
    gnome = replace(dav, headers=GVFS)
    await ada.put("/a b.txt", b"1234")

    assert "1" in (await gnome.call("OPTIONS", "/dav/")).headers["dav"]
    root = await gnome.call("PROPFIND", "/dav/", GVFS_ASKS, Depth="0", Apply_To_Redirect_Ref="T", **XML)
    listed = await gnome.call("PROPFIND", "/dav/", GVFS_ASKS, Depth="1", Apply_To_Redirect_Ref="T", **XML)

    assert root.of("/dav/")["d:resourcetype"].find("{DAV:}collection") is not None
    assert listed.of("/dav/a%20b.txt")["d:getcontenttype"].text == "text/plain"


async def test_gnome_copies_a_large_file_without_saying_how_large(dav: Dav, ada: Person) -> None:
    gnome, content = replace(dav, headers=GVFS), noise(2 * MIB)

    async with gnome.connected() as wire:
        await wire.send(gnome.head("PUT", "/dav/film.mkv", {"Transfer-Encoding": "chunked", "Expect": "100-continue"}))
        assert (await wire.answer()).status == 100
        for at in range(0, len(content), 65536):
            piece = content[at : at + 65536]
            await wire.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await wire.send(b"0\r\n\r\n")
        assert (await wire.answer()).status == 201

    assert (await ada.at("/film.mkv")).json["size"] == len(content)
    assert await hashes_of(ada, "/film.mkv") == hashed(content)


async def test_gnome_saves_only_over_what_it_has_read(dav: Dav, ada: Person) -> None:
    gnome = replace(dav, headers=GVFS)
    await ada.put("/plan.txt", b"as it was")
    etag = (await gnome.call("HEAD", "/dav/plan.txt")).headers["etag"]

    saved = await gnome.call("PUT", "/dav/plan.txt", b"as it is now", If_Match=etag)
    late = await gnome.call("PUT", "/dav/plan.txt", b"of another window", If_Match=etag)

    assert (saved.status, late.status) == (204, 412)
    assert await hashes_of(ada, "/plan.txt") == hashed(b"as it is now", b"as it was")


async def test_gnome_moves_over_a_file_and_never_by_accident(dav: Dav, ada: Person) -> None:
    gnome, server = replace(dav, headers=GVFS), f"http://127.0.0.1:{dav.port}"
    await ada.put("/new.txt", b"new")
    await ada.put("/old.txt", b"old")

    asked = await gnome.call("MOVE", "/dav/new.txt", Destination=f"{server}/dav/old.txt", Overwrite="F")
    told = await gnome.call("MOVE", "/dav/new.txt", Destination=f"{server}/dav/old.txt", Overwrite="T")

    assert (asked.status, told.status) == (412, 204)
    assert await hashes_of(ada, "/old.txt") == hashed(b"new", b"old")


async def test_kde_lists_writes_beside_and_renames(dav: Dav, ada: Person) -> None:
    kde, server = replace(dav, headers=KIO), f"http://127.0.0.1:{dav.port}"
    await ada.put("/notes.txt", b"old")

    listed = await kde.call("PROPFIND", "/dav/", KIO_ASKS, Depth="1", **{"Content-Type": "text/xml; charset=utf-8"})
    assert listed.missing("/dav/notes.txt") == {"d:source", "d:getcontentlanguage"}
    assert (await kde.call("PUT", "/dav/notes.txt.part", b"new")).status == 201
    moved = await kde.call(
        "MOVE", "/dav/notes.txt.part", Destination=f"{server}/dav/notes.txt", Overwrite="T", Depth="infinity"
    )

    assert moved.status == 204
    assert list(await tree_below(ada)) == ["/notes.txt"]
    assert await hashes_of(ada, "/notes.txt") == hashed(b"new", b"old")
