"""MKCOL: folders, plain and with properties (RFC 4918, 9.3; RFC 5689)."""

import asyncio

import pytest

from tests.api.people import Person
from tests.dav.conftest import Dav

XML = {"Content_Type": "application/xml"}


def extended(inside: str) -> str:
    return f'<d:mkcol xmlns:d="DAV:"><d:set><d:prop>{inside}</d:prop></d:set></d:mkcol>'


async def test_a_folder_is_made_with_and_without_a_slash(dav: Dav, ada: Person) -> None:
    first, second = await dav.call("MKCOL", "/dav/one"), await dav.call("MKCOL", "/dav/one/t%20wo/")

    assert (first.status, second.status) == (201, 201)
    assert second.headers["location"] == "/dav/one/t%20wo/"
    assert (await ada.at("/one/t wo")).json["kind"] == "folder"


async def test_what_stands_in_the_way_is_said(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    await ada.put("/f", b"")

    answers = [await dav.call("MKCOL", path) for path in ("/dav/F", "/dav/f", "/dav/", "/dav/none/x", "/dav/f/x")]

    assert [answer.status for answer in answers] == [405, 405, 405, 409, 409]


async def test_a_body_that_is_no_extended_mkcol_is_not_taken(dav: Dav) -> None:
    for body, headers in (("x", {}), ("x", {"Content_Type": "text/plain"}), ("<a/>", XML), ("<a/>", {})):
        assert (await dav.call("MKCOL", "/dav/F", body, **headers)).status == 415, (body, headers)
    assert (await dav.propfind("/dav/F")).status == 404


async def test_an_extended_one_sets_properties_in_the_same_step(dav: Dav) -> None:
    inside = '<d:resourcetype><d:collection/></d:resourcetype><m xmlns="urn:x">1</m>'

    made = await dav.call("MKCOL", "/dav/F", extended(inside), **XML)

    assert made.status == 201, made.body
    assert (await dav.propfind("/dav/F/")).of("/dav/F/")["{urn:x}m"].text == "1"


@pytest.mark.parametrize(
    ("inside", "status"),
    [
        ("<d:resourcetype><d:collection/><c:calendar xmlns:c='urn:ietf:params:xml:ns:caldav'/></d:resourcetype>", 403),
        ("<d:getetag>x</d:getetag><m xmlns='urn:x'/>", 424),
    ],
)
async def test_one_that_asks_for_what_cannot_be_makes_nothing(dav: Dav, inside: str, status: int) -> None:
    answer = await dav.call("MKCOL", "/dav/F", extended(inside), **XML)

    assert answer.status == status
    assert (await dav.propfind("/dav/F")).status == 404


async def test_too_many_properties_make_no_folder(dav: Dav) -> None:
    inside = "".join(f'<m{number} xmlns="urn:x"/>' for number in range(150))

    answer = await dav.call("MKCOL", "/dav/F", extended(inside), **XML)

    assert answer.status == 507
    assert (await dav.propfind("/dav/F")).status == 404


async def test_twenty_at_once_make_one(dav: Dav) -> None:
    answers = await asyncio.gather(*(dav.call("MKCOL", "/dav/F") for _ in range(20)))

    assert sorted(answer.status for answer in answers) == [201] + [405] * 19
