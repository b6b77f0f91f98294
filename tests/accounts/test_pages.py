import gzip
import re
from http import HTTPStatus
from importlib import resources

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient

from app.application import Cairn
from app.config import Server, Settings
from tests.accounts.api import ADMIN, PASSWORD, Api
from tests.accounts.browser import Browser
from web.pages import MEDIA_TYPES

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob:",
    "frame-src": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def pages(api: Api, cairn: Cairn) -> dict[str, str]:
    """Every page there is, by the URL that gave it."""
    address = str(await cairn.services.setup.start({}))
    form = {"username": ADMIN, "password": PASSWORD}
    shown = {"setup": await api.get(address)}
    shown["refused"] = await api.call("POST", address, data={**form, "password_again": "x"})
    shown["done"] = await api.call("POST", address, data=form)
    shown["login"] = await api.get("/")
    shown["login_refused"] = await api.call("POST", "/", data={"username": ADMIN, "password": "no"}, headers=FROM_HERE)
    browser = Browser(api)
    await browser.sign_in()
    shown["shell"] = await browser.call("GET", "/files/a/b")
    for reply in shown.values():
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in reply.headers["Permissions-Policy"]
        policy = dict(part.strip().split(" ", 1) for part in reply.headers["Content-Security-Policy"].split(";"))
        assert policy == POLICY
    return {name: reply.body.decode() for name, reply in shown.items()}


async def test_no_page_holds_a_script_or_style_of_its_own_or_a_foreign_address(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), name
        for tag in re.findall(r"<script([^\n]*)", page):
            assert re.fullmatch(r' type="module" src="[^"]+"></script>', tag), name
        shown = re.sub(r"<code>http://127\.0\.0\.1:\d+/?</code>", "", page) if name == "done" else page
        assert not re.search(r"https?://", shown), name


async def test_every_file_that_a_page_loads_is_there_and_may_be_kept_for_ever(
    pages: dict[str, str], api: Api, cairn: Cairn
) -> None:
    assets = set()
    for page in pages.values():
        assets |= {path.replace("../", "") for path in re.findall(r'(?:src|href)="([^"#]*static[^"#]*)', page)}

    assert {path.split("/", 2)[2] for path in assets} <= set(cairn.services.pages.assets)
    for path in assets:
        reply = await api.get(f"/{path}")
        assert reply.status == HTTPStatus.OK
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Content-Type"].split(";")[0] in MEDIA_TYPES.values()


async def test_a_browser_that_takes_gzip_gets_it_where_it_is_shorter(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create(ADMIN, PASSWORD, is_admin=True)
    assert isinstance(api.client, TestClient)
    async with ClientSession(auto_decompress=False) as browser:
        for name, asset in cairn.services.pages.assets.items():
            url = api.client.make_url(f"/static/{cairn.services.pages.build}/{name}")
            async with browser.get(url, headers={"Accept-Encoding": "identity"}) as plain:
                assert await plain.read() == asset.body
                assert "Content-Encoding" not in plain.headers
            async with browser.get(url, headers={"Accept-Encoding": "br, gzip"}) as packed:
                body = await packed.read()
            assert ("Content-Encoding" in packed.headers) == (asset.gzipped is not None)
            if asset.gzipped is not None:
                assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
                assert gzip.decompress(body) == asset.body
                assert len(body) < len(asset.body)


async def test_pages_name_their_files_relative_so_that_they_work_under_any_path(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert not re.search(r'(?:src|href|action)="/', page)


@pytest.mark.parametrize(
    "name", ["pages.py", "../pages.py", "..%2fpages.py", "css/page.css%00", "css", "css/", "css/..%2fcairn.svg", ""]
)
async def test_only_listed_files_of_this_build_are_assets(api: Api, cairn: Cairn, name: str) -> None:
    await cairn.services.accounts.create(ADMIN, PASSWORD, is_admin=True)

    assert (await api.get(f"/static/{cairn.services.pages.build}/{name}")).status == HTTPStatus.NOT_FOUND
    assert (await api.get("/static/0123456789abcdef/css/page.css")).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("settings", [Settings(server=Server(name="<img src=x onerror=alert(1)>"))])
async def test_a_hostile_name_is_text_on_every_page(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert "&lt;img src=x" in page
        assert "<img src=x" not in page


async def test_a_hostile_user_name_is_text_on_the_page_that_refuses_it(api: Api, cairn: Cairn) -> None:
    address = str(await cairn.services.setup.start({}))

    reply = await api.call("POST", address, data={"username": '"><script>alert(1)</script>', "password": PASSWORD})

    assert reply.status == HTTPStatus.BAD_REQUEST
    assert b"<script>" not in reply.body


async def test_the_first_page_tells_strangers_no_version(pages: dict[str, str], cairn: Cairn) -> None:
    assert not re.search(r"\d+\.\d+\.\d+", pages["login"])


def test_every_field_has_a_label_and_every_page_a_language() -> None:
    folder = resources.files("web").joinpath("templates")
    templates = [entry.read_text("utf-8") for entry in folder.iterdir()]
    fields = [(field, page) for page in templates for field in re.findall(r'<input class="input" id="(\w+)"', page)]

    assert fields
    assert all(f'<label class="label" for="{field}">' in template for field, template in fields)
    assert '<html lang="{{ language }}"' in folder.joinpath("base.html").read_text("utf-8")
