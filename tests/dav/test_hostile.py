"""What enemies and broken programs send: refused as documented, in bounds; the server lives on (security.md, I5)."""

import asyncio
import tracemalloc
from pathlib import Path

from app.config import Settings
from app.dav.propfind import NAMES
from app.dav.xml import BODY, DEPTH, ELEMENTS
from app.deadlines import Deadlines
from tests.accounts.api import ADMIN
from tests.api.conftest import Template, copy_template, serving
from tests.api.people import Person
from tests.dav.conftest import Dav

PROP = '<propfind xmlns="DAV:"><prop>{}</prop></propfind>'
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + ']><propfind xmlns="DAV:"><prop><x>&j;</x></prop></propfind>'
)
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><x>{"&a;" * 20_000}</x>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop>&e;</prop></propfind>'
BROKEN: dict[str, str | bytes] = {
    "cut short": '<propfind xmlns="DAV:"><prop>',
    "nothing": "   x",
    "JSON": '{"prop": 1}',
    "an unbound prefix": "<D:propfind><D:prop/></D:propfind>",
    "two roots": '<propfind xmlns="DAV:"><allprop/></propfind><x/>',
    "another root": '<propertyupdate xmlns="DAV:"/>',
    "no way of asking": '<propfind xmlns="DAV:"/>',
    "two ways of asking": '<propfind xmlns="DAV:"><allprop/><propname/></propfind>',
    "no namespace": "<propfind><allprop/></propfind>",
    "NUL": '<propfind xmlns="DAV:"><allprop/>\0</propfind>',
    "no UTF-8": b'<propfind xmlns="DAV:"><allprop/>\xff</propfind>',
    "an encoding that is none of text": '<?xml version="1.0" encoding="base64"?><propfind xmlns="DAV:"/>',
    "an unknown encoding": '<?xml version="1.0" encoding="x-none"?><propfind xmlns="DAV:"/>',
    "an unknown entity": '<propfind xmlns="DAV:">&nothing;<allprop/></propfind>',
    "a DOCTYPE alone": '<!DOCTYPE propfind><propfind xmlns="DAV:"><allprop/></propfind>',
    "laughs": LAUGHS,
    "a quadratic one": QUADRATIC,
    "an external entity": EXTERNAL,
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x">%p;]><x/>',
    "too deep": PROP.format("<a>" * DEPTH + "</a>" * DEPTH),
    "much too deep": "<a>" * 60_000,
    "too many elements": PROP.format("<a/>" * ELEMENTS),
    "too many properties": PROP.format("".join(f"<p{number}/>" for number in range(NAMES + 1))),
    "10,000 properties": PROP.format("".join(f"<p{number}/>" for number in range(10_000))),
}


async def test_bodies_that_cannot_be_meant_are_400(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")

    for what, body in BROKEN.items():
        answer = await dav.call("PROPFIND", "/dav/a", body, Depth="0")
        assert answer.status == (413 if len(body) > BODY else 400), what
        assert answer.xml.tag == "{DAV:}error"
    assert (await dav.propfind("/dav/a")).status == 207


async def test_bodies_that_programs_do_send_are_understood(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")
    inside = '<d:propfind xmlns:d="DAV:">M<d:prop>\n<d:getetag/>text</d:prop><x xmlns="urn:x"/></d:propfind>'

    for body in (
        inside,
        inside.encode("utf-16"),
        f"\ufeff{inside}",
        f'<?xml version="1.0" encoding="iso-8859-1"?><!-- c --><?pi x?>{inside}',
        '<propfind xmlns="DAV:"><prop><getetag xmlns="DAV:"/></prop></propfind>',
        PROP.format("<getetag/>" * (NAMES + 50)),
    ):
        answer = await dav.call("PROPFIND", "/dav/a", body, Depth="0", Content_Type="text/xml")
        assert set(answer.of("/dav/a")) == {"d:getetag"}, body


async def test_a_depth_that_is_none_is_400_and_a_whole_tree_403(dav: Dav) -> None:
    for depth in ("2", "-1", "x", "", "1,noroot", "00"):
        assert (await dav.call("PROPFIND", "/dav/", Depth=depth)).status == 400, depth
    for headers in ({"Depth": "infinity"}, {"Depth": "Infinity"}, {}):
        answer = await dav.call("PROPFIND", "/dav/", **headers)
        assert (answer.status, answer.precondition) == (403, "d:propfind-finite-depth")


async def test_what_is_no_xml_or_packed_is_415(dav: Dav) -> None:
    body = PROP.format("<getetag/>")

    for headers in ({"Content_Type": "application/json"}, {"Content_Encoding": "gzip"}):
        for method in ("PROPFIND", "PROPPATCH"):
            answer = await dav.call(method, "/dav/", body, Depth="0", **headers)
            assert answer.status == 415, (method, headers)


async def test_a_body_is_taken_up_to_its_limit_and_an_endless_one_is_refused(dav: Dav) -> None:
    fits = PROP.format("<getetag/>").encode()
    fits += b" " * (BODY - len(fits))

    assert (await dav.call("PROPFIND", "/dav/", fits, Depth="0")).status == 207
    assert (await dav.call("PROPFIND", "/dav/", fits + b" ", Depth="0")).status == 413
    async with dav.connected() as wire:
        await wire.send(dav.head("PROPFIND", "/dav/", {"Depth": "0", "Transfer-Encoding": "chunked"}))
        for _ in range(2 * BODY // 2**14):
            await wire.send(b"4000\r\n" + b"<a> " * 2**12 + b"\r\n")
        answer = await wire.answer()
    assert answer.status == 413
    assert answer.xml.tag == "{DAV:}error"


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_others(
    template: Template, settings: Settings, tmp_path: Path
) -> None:
    quick = Deadlines(body_grace_s=0.2, body_gap_s=0.2)
    async with serving(copy_template(template, tmp_path / "data"), settings, quick) as server:
        dav = Dav(server.port, f"Bearer {template.tokens[ADMIN]}")
        async with dav.connected() as wire:
            await wire.send(dav.head("PROPPATCH", "/dav/", {"Content-Length": "100"}) + b"<x")
            answer = await wire.answer()

    assert answer.status == 408
    assert answer.xml.tag == "{DAV:}error"


async def test_hostile_bodies_leave_nothing_in_memory(dav: Dav) -> None:
    bodies = [LAUGHS, QUADRATIC[:BODY], "<a>" * 60_000, PROP.format("<a/>" * ELEMENTS), "<a b='" + "c" * 250_000]
    await asyncio.gather(*(dav.call("PROPFIND", "/dav/", body, Depth="0") for body in bodies))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(3):
            answers = await asyncio.gather(*(dav.call("PROPFIND", "/dav/", body, Depth="0") for body in bodies))
            assert {answer.status for answer in answers} == {400}
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - before < 24 * 1024 * 1024
    assert after - before < 2 * 1024 * 1024
