"""Paths: read from the wire, decoded once, judged after that, and given back as they came (security.md, I2)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from app.application import build_app
from app.config import Settings
from app.dav.paths import Target, destination_of
from app.dav.problems import DavError
from app.errors import ForbiddenError, InvalidRequestError
from tests.accounts.api import ADMIN
from tests.api.conftest import Running, Template, copy_template, serving
from tests.api.people import Person
from tests.dav.conftest import Dav, app_password

REFUSED = [
    "/dav/a%2Fb", "/dav/a%2fb", "/dav/%00", "/dav/a%0Ab", "/dav/%7F", "/dav/%C2%80", "/dav/%FF", "/dav/%ED%A0%80",
    "/dav/%C0%AE%C0%AE/x", "/dav/..", "/dav/../etc", "/dav/a/../b", "/dav/a/..%2Fb", "/dav/%2e%2e/a", "/dav/%2E%2E",
    "/dav/.%2e", "/dav/.", "/dav/a/./b", "/dav/%2e/a", "/dav/a%", "/dav/a%2", "/dav/a%zz", "/dav/" + "n" * 256,
    "/dav/" + "n/" * 129, "/dav/a/\udcff", "/dav/..%00/a",
]  # fmt: skip
ODD = [
    "a b",
    "100%",
    "a%20b",
    "a+b",
    "q?",
    "h#",
    "semi;colon",
    "am&p",
    'quo"te',
    "\u00fc\u4e16\U0001f600",
    "back\\slash",
    "~a",
    "@a",
]


async def test_what_cannot_be_a_path_is_refused_and_never_cleaned_up(dav: Dav, ada: Person) -> None:
    await ada.put("/b", b"b")

    for path in REFUSED:
        for method in ("GET", "PROPFIND", "MKCOL"):
            answer = await dav.call(method, path, Depth="0")
            assert answer.status == 400, (method, path, answer.status)
    assert await ada.names() == ["b"]


async def test_paths_beside_the_door_are_not_behind_it(dav: Dav) -> None:
    for path in ("/davx", "/dav%2Fx", "/DAV/", "//dav/", "/x/../dav/"):
        answer = await dav.call("PROPFIND", path, Depth="0")
        assert answer.status in (404, 405), path


async def test_odd_names_go_in_and_out_as_they_are(dav: Dav, ada: Person) -> None:
    for name in ODD:
        reply = await ada.call("PUT", "/api/v1/files/content", params={"path": f"/{name}"}, data=name.encode())
        assert reply.status == 201, name

    hrefs = (await dav.propfind("/dav/", "d:displayname", depth="1")).hrefs[1:]

    assert len(hrefs) == len(ODD)
    assert {(await dav.call("GET", href)).body.decode() for href in hrefs} == set(ODD)


async def test_names_that_a_mac_writes_decomposed_are_the_composed_ones(dav: Dav, ada: Person) -> None:
    made = await dav.call("MKCOL", "/dav/u%CC%88ber")

    assert made.status == 201
    assert await ada.names() == ["\u00fcber"]
    assert (await dav.propfind("/dav/u%CC%88ber")).hrefs == ["/dav/u%CC%88ber/"]
    assert (await dav.propfind("/dav/%C3%BCber")).hrefs == ["/dav/%C3%BCber/"]


async def test_hrefs_begin_with_what_was_asked_for_however_it_was_spelt(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/a b")
    await ada.put("/a b/c", b"c")

    for asked in ("/dav/a%20b", "/dav/a%20b/", "/dav/%61%20b/", "/dav//a%20b/", "/dav/a b/".replace(" ", "%20")):
        answer = await dav.propfind(asked, "d:getetag", depth="1")
        base = asked.rstrip("/")
        assert answer.hrefs == [f"{base}/", f"{base}/c"], asked


async def test_a_query_and_the_form_of_a_proxy_request_change_nothing(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"a")

    assert (await dav.call("GET", "/dav/a?x=/../y")).body == b"a"
    absolute = await dav.propfind(f"http://127.0.0.1:{dav.port}/dav/a", "d:getetag")
    assert absolute.hrefs == ["/dav/a"]


@pytest.fixture
async def behind(template: Template, settings: Settings, tmp_path: Path) -> AsyncIterator[Running]:
    """A server that a trusted proxy on this machine serves as https://cloud.example/files."""
    told = replace(settings.server, public_url="https://cloud.example/files", trusted_proxies=("127.0.0.1",))
    async with serving(copy_template(template, tmp_path / "data"), replace(settings, server=told)) as server:
        yield server


async def test_behind_a_proxy_that_takes_a_prefix_away_hrefs_have_it(behind: Running, template: Template) -> None:
    ada = Person(behind.session, template.tokens[ADMIN])
    dav = Dav(behind.port).showing(ADMIN, await app_password(ada))
    await ada.put("/a", b"a")

    by_setting = await dav.propfind("/dav/", "d:getetag", depth="1", Host="cloud.example")
    by_header = await dav.propfind("/dav/", "d:getetag", depth="1", X_Forwarded_Prefix="/other/")
    odd = await dav.propfind("/dav/", "d:getetag", X_Forwarded_Prefix='"><x')

    assert by_setting.hrefs == ["/files/dav/", "/files/dav/a"]
    assert by_header.hrefs == ["/other/dav/", "/other/dav/a"]
    assert odd.hrefs == ["/dav/"]


async def test_who_asks_directly_gets_no_prefix_and_cannot_set_one(
    template: Template, settings: Settings, tmp_path: Path
) -> None:
    told = replace(settings.server, public_url="https://cloud.example/files")
    async with serving(copy_template(template, tmp_path / "data"), replace(settings, server=told)) as server:
        dav = Dav(server.port, f"Bearer {template.tokens[ADMIN]}")

        assert (await dav.propfind("/dav/", X_Forwarded_Prefix="/evil")).hrefs == ["/dav/"]
        assert (await dav.propfind("/dav/", Host="cloud.example")).hrefs == ["/files/dav/"]


def destination(server: Running, value: str, host: str = "nas.local:8080", **headers: str) -> Target:
    app = build_app(server.cairn.services)
    given = {"Host": host, "Destination": value, **headers}
    return destination_of(make_mocked_request("MOVE", "/dav/a", headers=given, app=app))


async def test_a_destination_is_a_path_or_a_url_of_this_server(server: Running) -> None:
    for value in (
        "/dav/x/a%20b",
        "http://nas.local:8080/dav/x/a%20b",
        "https://NAS.local/dav/x/a%20b",
        "http://user@nas.local:99/dav//x/a%20b",
    ):
        assert destination(server, value).names == ("x", "a b"), value
    assert destination(server, "/dav/x/").slash
    assert destination(server, "/dav").names == ()


async def test_a_destination_elsewhere_is_refused(server: Running) -> None:
    for value in (
        "http://evil.example/dav/x",
        "http://nas.local.evil.example/dav/x",
        "http://evil@/dav/x",
        "http:///dav/x",
    ):
        with pytest.raises(DavError) as refused:
            destination(server, value)
        assert refused.value.status == 502, value
    for value in ("/api/v1/files", "/davx", "http://nas.local/x"):
        with pytest.raises(ForbiddenError):
            destination(server, value)
    for value in (
        "",
        "x",
        "dav/x",
        "//dav/x",
        "ftp://nas.local/dav/x",
        "/dav/x?y",
        "/dav/x#y",
        "/dav/..",
        "/dav/a%2Fb",
    ):
        with pytest.raises(InvalidRequestError):
            destination(server, value)


async def test_behind_a_proxy_a_destination_may_be_what_the_client_calls_this_server(behind: Running) -> None:
    for value in (
        "https://cloud.example/files/dav/x",
        "https://cloud.example/dav/x",
        "/files/dav/x",
        "/dav/x",
        "http://127.0.0.1:8080/dav/x",
    ):
        app = build_app(behind.cairn.services)
        headers = {"Host": "127.0.0.1:8080", "Destination": value}
        request = make_mocked_request("MOVE", "/dav/a", headers=headers, app=app).clone(remote="127.0.0.1")
        assert destination_of(request).names == ("x",), value
