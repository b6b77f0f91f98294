"""The first run: a server that nobody has set up yet."""

import re

import pytest
from playwright.sync_api import expect

from tests.server import RunningServer
from tests.web.conftest import PHONE, Opener, ready
from tests.web.watch import Watch, check_axe

NEW = "amber-lighthouse-91-quilt"


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {"CAIRN_ADMIN_USER": "", "CAIRN_ADMIN_PASSWORD": ""}


def test_the_address_in_the_log_makes_the_first_admin_who_signs_in(
    open_page: Opener, server: RunningServer, watch: Watch
) -> None:
    watch.allow(r"status of (400|503)")
    page = open_page("/files", size=PHONE)
    expect(page.get_by_role("heading")).to_have_text("This server is not set up yet")
    check_axe(page)

    address = re.search(r"/setup/[\w-]+", server.log.read_text())
    assert address is not None
    page.goto(address[0])
    check_axe(page)
    expect(page.get_by_text(f"Files are kept in {server.data}, where")).to_be_visible()
    page.fill("#username", "ada")
    page.fill("#password", "short-one1")
    page.fill("#password_again", "short-one2")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    page.fill("#password", NEW)
    page.fill("#password_again", NEW)
    page.click("button[type=submit]")
    check_axe(page)
    expect(page.locator("code")).to_have_text(f"{server.url}/")
    code = page.get_by_role("img", name="QR code of the address")
    assert code.evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
    page.get_by_role("link", name="Sign in").click()
    page.fill("#username", "ada")
    page.fill("#password", NEW)
    page.click("button[type=submit]")

    ready(page)
    assert page.locator("[data-view=admin]").count()
