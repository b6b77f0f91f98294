import re
from http import HTTPStatus
from importlib import resources

import pytest

from app.application import Cairn
from app.config import Server, Settings
from tests.accounts.api import ADMIN, PASSWORD, Api

POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
async def pages(api: Api, cairn: Cairn) -> dict[str, str]:
    """Every page there is, by the URL that gave it."""
    address = str(await cairn.services.setup.start({}))
    form = {"username": ADMIN, "password": PASSWORD}
    shown = {"setup": await api.get(address)}
    shown["refused"] = await api.call("POST", address, data={**form, "password_again": "x"})
    shown["done"] = await api.call("POST", address, data=form)
    shown["home"] = await api.get("/")
    for reply in shown.values():
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in reply.headers["Permissions-Policy"]
        policy = dict(part.strip().split(" ", 1) for part in reply.headers["Content-Security-Policy"].split(";"))
        assert policy == POLICY
    return {name: reply.body.decode() for name, reply in shown.items()}


async def test_no_page_holds_script_style_or_a_foreign_address(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page), name
        assert not re.search(r"https?://", page), name


async def test_every_file_that_a_page_loads_is_there_and_may_be_kept_for_ever(
    pages: dict[str, str], api: Api, cairn: Cairn
) -> None:
    assets = set()
    for page in pages.values():
        assets |= {path.removeprefix("../") for path in re.findall(r'(?:src|href)="([^"]*static[^"]*)"', page)}

    assert {path.rpartition("/")[2] for path in assets} == set(cairn.services.pages.assets)
    for path in assets:
        reply = await api.get(f"/{path}")
        assert reply.status == HTTPStatus.OK
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Content-Type"].split(";")[0] in ("text/css", "image/svg+xml")


async def test_pages_name_their_files_relative_so_that_they_work_under_any_path(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert not re.search(r'(?:src|href|action)="/', page)


@pytest.mark.parametrize("name", ["pages.py", "../pages.py", "..%2fpages.py", "page.css%00", "templates", ""])
async def test_only_listed_files_of_this_build_are_assets(api: Api, cairn: Cairn, name: str) -> None:
    await cairn.services.accounts.create(ADMIN, PASSWORD, is_admin=True)

    assert (await api.get(f"/static/{cairn.services.pages.build}/{name}")).status == HTTPStatus.NOT_FOUND
    assert (await api.get("/static/0123456789abcdef/page.css")).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("settings", [Settings(server=Server(name="<img src=x onerror=alert(1)>"))])
async def test_a_hostile_name_is_text_on_every_page(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert "&lt;img src=x" in page
        assert "<img src=x" not in page


async def test_a_hostile_user_name_is_text_on_the_page_that_refuses_it(api: Api, cairn: Cairn) -> None:
    address = str(await cairn.services.setup.start({}))

    reply = await api.call("POST", address, data={"username": '"><script>alert(1)</script>', "password": PASSWORD})

    assert reply.status == HTTPStatus.BAD_REQUEST
    assert b"<script" not in reply.body


async def test_the_first_page_tells_strangers_no_version(pages: dict[str, str], cairn: Cairn) -> None:
    assert not re.search(r"\d+\.\d+\.\d+", pages["home"])


def test_every_field_has_a_label_and_every_page_a_language() -> None:
    folder = resources.files("web").joinpath("templates")
    templates = [entry.read_text("utf-8") for entry in folder.iterdir()]
    fields = [(field, template) for template in templates for field in re.findall(r'<input id="(\w+)"', template)]

    assert fields
    assert all(f'<label for="{field}">' in template for field, template in fields)
    assert '<html lang="en">' in folder.joinpath("base.html").read_text("utf-8")
