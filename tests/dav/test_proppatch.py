"""PROPPATCH: what programs may set, that it is all or nothing, and that it stays (RFC 4918, 9.2)."""

from email.utils import parsedate_to_datetime
from http import HTTPStatus
from xml.etree import ElementTree as ET

import pytest

from app.services.kept_rows import ALL_SIZE, MOST, PROPERTY_SIZE
from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import Dav

WHEN = "Mon, 30 Nov 2026 08:00:00 GMT"
WHEN_S = parsedate_to_datetime(WHEN).timestamp()


def setting(xml: str) -> str:
    return f"<d:set><d:prop>{xml}</d:prop></d:set>"


def removing(xml: str) -> str:
    return f"<d:remove><d:prop>{xml}</d:prop></d:remove>"


@pytest.fixture
async def file(ada: Person) -> dict[str, object]:
    """A file at /a."""
    made: dict[str, object] = (await ada.put("/a", b"abc")).json
    return made


@pytest.mark.usefixtures("file")
async def test_a_value_comes_back_word_for_word(dav: Dav) -> None:
    value = (
        '<x:mine xmlns:x="urn:x" xmlns:y="urn:y" y:kind="a &lt; &quot;b&quot;"> text &amp; <x:inner/>more'
        '<plain xmlns="">Größe €\U0001f600</plain><y:other xml:lang="fr">ça</y:other></x:mine>'
    )

    set_ = await dav.proppatch("/dav/a", setting(value))
    shown = await dav.propfind("/dav/a")

    assert set_.status == HTTPStatus.MULTI_STATUS
    assert set_.statuses("/dav/a") == {"{urn:x}mine": 200}
    assert ET.canonicalize(ET.tostring(shown.of("/dav/a")["{urn:x}mine"]).decode(), rewrite_prefixes=True) == (
        ET.canonicalize(value, rewrite_prefixes=True)
    )


@pytest.mark.usefixtures("file")
async def test_the_language_that_holds_for_a_value_is_kept_with_it(dav: Dav) -> None:
    body = (
        '<d:propertyupdate xmlns:d="DAV:" xml:lang="de"><d:set><d:prop><m xmlns="urn:x">Wort</m></d:prop></d:set>'
        "</d:propertyupdate>"
    )
    await dav.call("PROPPATCH", "/dav/a", body)

    shown = (await dav.propfind("/dav/a")).of("/dav/a")["{urn:x}m"]

    assert shown.attrib == {"{http://www.w3.org/XML/1998/namespace}lang": "de"}


@pytest.mark.usefixtures("file")
async def test_names_in_no_namespace_and_in_any_other_are_told_apart(dav: Dav) -> None:
    await dav.proppatch("/dav/a", setting('<p xmlns="">none</p><p xmlns="urn:1">one</p><q:p xmlns:q="urn:2">two</q:p>'))
    body = '<d:propfind xmlns:d="DAV:"><d:prop><p/><p xmlns="urn:1"/><p xmlns="urn:3"/></d:prop></d:propfind>'

    answer = await dav.call("PROPFIND", "/dav/a", body, Depth="0")

    assert {name: one.text for name, one in answer.of("/dav/a").items()} == {"p": "none", "{urn:1}p": "one"}
    assert answer.missing("/dav/a") == {"{urn:3}p"}


@pytest.mark.usefixtures("file")
async def test_what_is_set_and_removed_counts_in_its_order(dav: Dav) -> None:
    one, two = '<m xmlns="urn:x">1</m>', '<m xmlns="urn:x">2</m>'

    for inside, left in (
        (setting(one) + setting(two), "2"),
        (setting(one) + removing(one), None),
        (removing(one) + setting(two), "2"),
        (removing('<never xmlns="urn:x"/>'), "2"),
        (removing(one), None),
    ):
        answer = await dav.proppatch("/dav/a", inside)
        assert set(answer.statuses("/dav/a").values()) == {200}
        shown = (await dav.propfind("/dav/a")).of("/dav/a").get("{urn:x}m")
        assert (None if shown is None else shown.text) == left


async def test_a_property_moves_with_its_file_outlives_a_new_version_and_changes_no_etag(
    dav: Dav, ada: Person, file: dict[str, str]
) -> None:
    await dav.proppatch("/dav/a", setting('<m xmlns="urn:x">1</m>'))
    assert (await ada.get(f"/api/v1/files/{file['file_id']}")).json["etag"] == file["etag"]

    await ada.change(file["file_id"], name="b")
    assert (await ada.put("/b", b"new")).status == HTTPStatus.OK

    assert (await dav.propfind("/dav/b")).of("/dav/b")["{urn:x}m"].text == "1"


async def test_what_is_set_stands_in_the_journal(server: Running, dav: Dav, ada: Person, file: dict[str, str]) -> None:
    before = await server.cairn.database.read(lambda tx: tx.all("SELECT max(seq) FROM journal")[0][0])

    await dav.proppatch("/dav/a", setting('<m xmlns="urn:x">1</m>'))

    rows = await server.cairn.database.read(
        lambda tx: [tuple(row) for row in tx.all("SELECT op, node_id FROM journal WHERE seq > :seq", {"seq": before})]
    )
    assert [op for op, _ in rows] == [10]


async def test_a_time_that_is_set_is_the_files_own(dav: Dav, ada: Person, file: dict[str, str]) -> None:
    for name in ("d:getlastmodified", "z:Win32LastModifiedTime"):
        await ada.change(file["file_id"], mtime_ms=1)
        answer = await dav.proppatch("/dav/a", setting(f"<{name}>{WHEN}</{name}>"))
        assert answer.statuses("/dav/a") == {name: 200}
        assert (await ada.at("/a")).json["mtime_ms"] == WHEN_S * 1000
        assert (await dav.propfind("/dav/a", "d:getlastmodified")).of("/dav/a")["d:getlastmodified"].text == WHEN
    await dav.proppatch("/dav/a", setting("<d:lastmodified>1795467870.25</d:lastmodified>"))
    assert (await ada.at("/a")).json["mtime_ms"] == 1_795_467_870_250
    assert (await ada.at("/a")).json["version_id"] == file["version_id"]


async def test_windows_sets_all_its_times_at_once_on_files_and_folders(dav: Dav, ada: Person) -> None:
    """As the Mini-Redirector sends it after a copy in Explorer."""
    await ada.put("/a", b"a")
    await ada.make_folder("/F")
    body = (
        '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" '
        'xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        f"<Z:Win32CreationTime>{WHEN}</Z:Win32CreationTime><Z:Win32LastAccessTime>{WHEN}</Z:Win32LastAccessTime>"
        f"<Z:Win32LastModifiedTime>{WHEN}</Z:Win32LastModifiedTime>"
        "<Z:Win32FileAttributes>00000022</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>"
    )
    names = ["z:Win32CreationTime", "z:Win32LastAccessTime", "z:Win32LastModifiedTime", "z:Win32FileAttributes"]

    for path in ("/dav/a", "/dav/F/"):
        known = (await dav.propfind(path, *names)).of(path)
        assert known["z:Win32FileAttributes"].text == ("00000020" if path == "/dav/a" else "00000010")
        answer = await dav.call("PROPPATCH", path, body, Content_Type='text/xml; charset="utf-8"', Translate="f")
        assert answer.statuses(path) == dict.fromkeys(names, 200)
        shown = (await dav.propfind(path, *names)).of(path)
        assert [shown[name].text for name in names] == [WHEN, WHEN, WHEN, "00000022"]
    await dav.proppatch("/dav/a", removing("<z:Win32FileAttributes/>"))
    assert (await dav.propfind("/dav/a", *names)).of("/dav/a")["z:Win32FileAttributes"].text == "00000020"


async def test_a_creation_date_that_is_set_is_kept(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")

    await dav.proppatch("/dav/a", setting("<d:creationdate>1999-12-31T23:59:59Z</d:creationdate>"))

    for answer in (await dav.propfind("/dav/a"), await dav.propfind("/dav/a", "d:creationdate")):
        assert answer.of("/dav/a")["d:creationdate"].text == "1999-12-31T23:59:59Z"
        assert answer.body.count(b"<d:creationdate") == 1


@pytest.mark.usefixtures("file")
async def test_one_refusal_refuses_all(dav: Dav) -> None:
    answer = await dav.proppatch(
        "/dav/a",
        setting(f'<m xmlns="urn:x">1</m><d:getetag>"x"</d:getetag><d:getlastmodified>{WHEN}</d:getlastmodified>'),
    )

    assert answer.statuses("/dav/a") == {"{urn:x}m": 424, "d:getetag": 403, "d:getlastmodified": 424}
    assert b"<d:cannot-modify-protected-property/>" in answer.body
    shown = (await dav.propfind("/dav/a")).of("/dav/a")
    assert "{urn:x}m" not in shown
    assert shown["d:getlastmodified"].text != WHEN


async def test_what_cannot_be_set_is_said_so(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")
    await ada.make_folder("/F")

    for path, xml, status in (
        ("/dav/a", "<d:getcontentlength>1</d:getcontentlength>", 403),
        ("/dav/a", "<d:resourcetype><d:collection/></d:resourcetype>", 403),
        ("/dav/a", "<d:lockdiscovery/>", 403),
        ("/dav/a", "<oc:id>1</oc:id>", 403),
        ("/dav/F/", f"<d:getlastmodified>{WHEN}</d:getlastmodified>", 403),
        ("/dav/", f"<d:getlastmodified>{WHEN}</d:getlastmodified>", 403),
        ("/dav/a", "<d:getlastmodified>yesterday</d:getlastmodified>", 409),
        ("/dav/a", "<d:getlastmodified/>", 409),
        ("/dav/a", "<d:lastmodified>-1</d:lastmodified>", 409),
        ("/dav/a", "<d:lastmodified>1e300</d:lastmodified>", 409),
        ("/dav/a", "<d:lastmodified>99999999999999999</d:lastmodified>", 409),
        ("/dav/a", "<z:Win32CreationTime>12</z:Win32CreationTime>", 409),
        ("/dav/a", "<z:Win32FileAttributes>hidden</z:Win32FileAttributes>", 409),
        ("/dav/a", "<d:creationdate>0000-00-00</d:creationdate>", 409),
    ):
        answer = await dav.proppatch(path, setting(xml))
        assert list(answer.statuses(path).values()) == [status], xml


@pytest.mark.usefixtures("file")
async def test_there_is_an_end_to_what_is_kept(dav: Dav) -> None:
    many = "".join(f'<m{number} xmlns="urn:x"/>' for number in range(MOST))
    assert set((await dav.proppatch("/dav/a", setting(many))).statuses("/dav/a").values()) == {200}

    one_more = await dav.proppatch("/dav/a", setting('<over xmlns="urn:x"/>'))
    long = await dav.proppatch("/dav/a", setting(f'<m0 xmlns="urn:x">{"x" * PROPERTY_SIZE}</m0>'))

    assert one_more.statuses("/dav/a") == {"{urn:x}over": 507}
    assert long.statuses("/dav/a") == {"{urn:x}m0": 507}
    each = "x" * (PROPERTY_SIZE - 100)
    statuses: list[int] = []
    for number in range(ALL_SIZE // PROPERTY_SIZE + 1):
        answer = await dav.proppatch("/dav/a", setting(f'<m{number} xmlns="urn:x">{each}</m{number}>'))
        statuses += answer.statuses("/dav/a").values()
    assert statuses[0] == 200
    assert statuses[-1] == 507


async def test_of_what_is_not_there_or_not_ones_own_nothing_is_said(dav: Dav, bob_dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")
    inside = setting('<m xmlns="urn:x">1</m>')

    absent, foreign = await dav.proppatch("/dav/none", inside), await bob_dav.proppatch("/dav/a", inside)

    assert (absent.status, foreign.status) == (404, 404)
    assert absent.body == foreign.body


async def test_what_is_purged_takes_its_properties_along(server: Running, dav: Dav, ada: Person) -> None:
    made = (await ada.put("/a", b"a")).json
    await dav.proppatch("/dav/a", setting('<m xmlns="urn:x">1</m>'))
    await ada.delete(f"/api/v1/files/{made['file_id']}")
    kept = await server.cairn.database.read(lambda tx: tx.all("SELECT count(*) FROM properties")[0][0])

    await ada.delete(f"/api/v1/trash/{made['file_id']}")
    await server.cairn.jobs.wait_idle()

    left = await server.cairn.database.read(lambda tx: tx.all("SELECT count(*) FROM properties")[0][0])
    assert (kept, left) == (1, 0)
