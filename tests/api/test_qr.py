"""QR codes that the server draws."""

import xml.etree.ElementTree as ET
from http import HTTPStatus

import pytest
import segno

from tests.api.people import Person


async def draw(person: Person, text: str) -> tuple[int, str, bytes]:
    reply = await person.post("/api/v1/qr", {"text": text})
    return reply.status, reply.headers["Content-Type"], reply.body


async def test_text_becomes_an_svg_of_the_code_and_a_border(ada: Person) -> None:
    text = "https://nas.example/s/ÄÖÜ?a=b&c"

    status, media_type, body = await draw(ada, text)

    side = len(segno.make_qr(text, error="m", boost_error=False).matrix) + 8
    drawn = ET.fromstring(body)  # noqa: S314 - made here
    assert (status, media_type) == (HTTPStatus.OK, "image/svg+xml")
    assert drawn.get("viewBox") == f"0 0 {side} {side}"
    assert {child.tag.rpartition("}")[2] for child in drawn} == {"path"}


@pytest.mark.parametrize("text", ["", "x" * 501])
async def test_nothing_and_too_much_are_refused(ada: Person, text: str) -> None:
    assert (await draw(ada, text))[0] == HTTPStatus.BAD_REQUEST


async def test_longest_text_of_the_widest_letters_still_fits(ada: Person) -> None:
    assert (await draw(ada, "𝄞" * 500))[0] == HTTPStatus.OK
