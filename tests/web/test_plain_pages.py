"""Pages for who is not signed in: setting up, joining, a new password, a link, and what went wrong."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.server import PASSWORD, RunningServer
from tests.web.conftest import PHONE, Opener, both_origins
from tests.web.people import Person, ask
from tests.web.watch import Watch, check_axe

NEW = "amber-lighthouse-91-quilt"
GONE = r"status of (400|401|403|404|503)"


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.fill(f"input[name={name}]", value)
    page.click("button[type=submit]")


@both_origins
def test_a_guest_makes_an_account_and_signs_in(open_page: Opener, ada: Person, watch: Watch, origin: str) -> None:
    watch.allow(GONE)
    name = "guest-" + re.sub(r"\W", "", origin.partition("://")[2])
    url = ada.call("POST", "/api/v1/invitations", {"username": None, "is_admin": False, "quota": None}).json["url"]
    page = open_page(url)
    check_axe(page)

    fill(page, username=name, password=NEW, password_again=f"{NEW}x")
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    fill(page, password=NEW, password_again=NEW)
    page.get_by_role("link", name="Sign in").click()
    fill(page, username=name, password=NEW)

    page.wait_for_selector("html[data-ready]")


@both_origins
def test_a_code_becomes_a_new_password(open_page: Opener, ada: Person, watch: Watch, origin: str) -> None:
    watch.allow(GONE)
    name = "lost-" + re.sub(r"\W", "", origin.partition("://")[2])
    ada.invite(name)
    code = ada.call("POST", f"/api/v1/users/{name}/reset").json["code"]
    page = open_page(locale="de-DE")
    page.get_by_role("link", name="Mit einem Code ein neues Passwort setzen").click()
    check_axe(page)

    fill(page, username=name, code="nonsense", password=NEW, password_again=NEW)
    expect(page.get_by_role("alert")).to_contain_text("Benutzername oder Code stimmt nicht")
    fill(page, code=code, password="password12", password_again="password12")
    expect(page.get_by_role("alert")).to_contain_text("gehört zu den häufigsten")
    fill(page, code=code, password=NEW, password_again=NEW)
    page.get_by_role("link", name="Anmelden").click()
    fill(page, username=name, password=NEW)

    page.wait_for_selector("html[data-ready]")


@both_origins
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_link_with_a_password_opens_with_it(
    open_page: Opener, ada: Person, watch: Watch, origin: str, *, scripts: bool
) -> None:
    watch.allow(GONE)
    folder = ada.folder(f"/Holiday {origin.rpartition('/')[2]} {scripts}".replace(":", " "))
    link = ada.call("POST", "/api/v1/links", {"file_id": folder["file_id"], "password": PASSWORD}).json["url"]
    page = open_page(link, java_script_enabled=scripts)
    fill(page, password="wrong")
    expect(page.get_by_role("alert")).to_have_text("The password is wrong.")

    fill(page, password=PASSWORD)

    expect(page.get_by_role("heading", name="Holiday").first).to_be_visible()


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/nonsense", "There is nothing here"),
        ("/invite/no-such-link", "There is nothing here"),
        ("/s/no-such-link", "This link leads nowhere"),
        ("/setup/too-late", "There is nothing here"),
    ],
)
def test_an_address_that_leads_nowhere_says_so_in_a_page(
    open_page: Opener, watch: Watch, path: str, heading: str
) -> None:
    watch.allow(GONE)
    page = open_page(path, size=PHONE)

    expect(page.get_by_role("heading")).to_have_text(heading)
    check_axe(page)


def test_programs_get_problem_details_whatever_they_accept(ada: Person, server: RunningServer) -> None:
    answer = ask(server, "GET", "/api/v1/me", headers={"Accept": "text/html"})

    assert answer.headers["content-type"].startswith("application/problem+json")
