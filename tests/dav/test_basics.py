"""The door opens: who may come in, what it says of itself, and what it gives of files and folders."""

from tests.api.people import Person
from tests.dav.conftest import Dav


async def test_the_root_is_listed_with_what_is_in_it(dav: Dav, ada: Person) -> None:
    await ada.put("/a b.txt", b"hello")
    await ada.make_folder("/Photos")

    answer = await dav.propfind("/dav/", depth="1")

    assert answer.status == 207, answer.body
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert answer.hrefs == ["/dav/", "/dav/Photos/", "/dav/a%20b.txt"]
    assert answer.of("/dav/a%20b.txt")["d:getcontentlength"].text == "5"


async def test_without_a_credential_it_asks_for_basic(anybody: Dav) -> None:
    answer = await anybody.call("OPTIONS", "/dav/")

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Cairn", charset="UTF-8"'
    assert answer.xml.tag == "{DAV:}error"


async def test_options_name_the_classes(dav: Dav) -> None:
    answer = await dav.call("OPTIONS", "/dav")

    assert answer.status == 200
    assert answer.headers["dav"].startswith("1, 2, 3")
    assert answer.headers["ms-author-via"] == "DAV"


async def test_a_file_is_read_whole_and_in_ranges(dav: Dav, ada: Person) -> None:
    await ada.put("/f.bin", b"0123456789")

    whole = await dav.call("GET", "/dav/f.bin")
    part = await dav.call("GET", "/dav/f.bin", Range="bytes=2-4")
    known = await dav.call("GET", "/dav/f.bin", If_None_Match=whole.headers["etag"])
    head = await dav.call("HEAD", "/dav/f.bin")

    assert (whole.status, whole.body) == (200, b"0123456789")
    assert (part.status, part.body) == (206, b"234")
    assert (known.status, head.status, head.headers["content-length"]) == (304, 200, "10")
