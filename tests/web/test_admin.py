"""The admin pages: people and invitations, storage, health, the log."""

import json
import re
from http import HTTPStatus
from pathlib import Path
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.server import ADMIN, NO_RESERVE, PASSWORD, RunningServer
from tests.web.conftest import PHONE, Opener, both_origins, ready
from tests.web.people import Person, ask
from tests.web.watch import Watch, check_axe

PAGES = ("people", "invitations", "storage", "health", "log")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def ben(ada: Person, request: pytest.FixtureRequest) -> Person:
    """Somebody new for each test, who is no admin."""
    return ada.invite(f"ben-{crc32(request.node.name.encode())}")


@pytest.fixture
def people(open_page: Opener, ada: Person, ben: Person) -> Page:
    """The list of people, when ben is among them."""
    return open_page("/admin/people", who=ada)


def act(page: Page, name: str, action: str) -> None:
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=action).click()


def row(page: Page, name: str) -> Locator:
    return page.locator(f'.person[data-name="{name}"]')


def account(ada: Person, name: str) -> dict[str, object]:
    found: dict[str, object] = ada.call("GET", f"/api/v1/users/{name}").json
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_clean_and_fits_a_phone(open_page: Opener, ada: Person, name: str) -> None:
    ada.call("POST", "/api/v1/invitations", {"quota": 10**9})
    page = open_page(f"/admin/{name}", who=ada)
    expect(page.locator(".card").first).to_be_visible()
    check_axe(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    assert page.evaluate("document.querySelector('#view').scrollWidth <= innerWidth")
    expect(page.locator("#view h1")).to_have_count(1)


def test_a_phone_has_every_page(open_page: Opener, ada: Person) -> None:
    page = open_page("/admin", who=ada, size=PHONE, has_touch=True)
    for title in ("People", "Invitations", "Storage", "Health", "Activity"):
        page.locator("#view").get_by_role("link", name=title).tap()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        page.locator(".panels-back").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Admin")


@both_origins
def test_a_guest_joins_by_the_link_of_an_invitation(
    page: Page, server: RunningServer, ada: Person, origin: str
) -> None:
    page.goto("/admin/invitations")
    ready(page)
    guest = f"guest-{origin.partition('://')[2][:3].replace('.', '')}"
    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog", name="Invite")
    dialog.get_by_label("User name").fill(guest)
    dialog.get_by_label("Quota").fill("2.5")
    dialog.get_by_label("The link works for").select_option("30 days")
    check_axe(page, "dialog")
    dialog.get_by_role("button", name="Make link").click()
    shown = page.get_by_role("dialog", name="Here is the link")
    image = shown.get_by_role("img", name="QR code of the link")
    page.wait_for_function("(image) => image.naturalWidth > 0", arg=image.element_handle())
    check_axe(page, "dialog")
    link = shown.locator(".copy-text").inner_text()
    assert link.startswith(f"{origin}/invite/")
    shown.get_by_role("button", name="Copy the link").click()
    expect(shown.get_by_text("Copied")).to_be_visible()
    shown.get_by_role("button", name="Done").click()
    expect(page.locator(".row", has_text=guest)).to_contain_text("2.5 GB")

    body = json.dumps({"username": guest, "password": PASSWORD}).encode()
    assert ask(server, "POST", f"/api/v1{link.removeprefix(origin)}", body, JSON).status == HTTPStatus.CREATED
    assert account(ada, guest)["quota"] == 2_500_000_000


def test_an_invitation_is_ended_for_good(open_page: Opener, server: RunningServer, ada: Person) -> None:
    url = ada.call("POST", "/api/v1/invitations", {"username": "nobody"}).json["url"]
    page = open_page("/admin/invitations", who=ada)
    page.get_by_role("button", name="End invitation: nobody").click()
    page.get_by_role("dialog").get_by_role("button", name="End invitation").click()

    expect(page.locator(".row", has_text="nobody")).to_have_count(0)
    assert ask(server, "GET", f"/api/v1{url}").status == HTTPStatus.NOT_FOUND


def test_an_account_is_added_and_what_is_wrong_is_said_in_place(people: Page, ben: Person, watch: Watch) -> None:
    watch.allow("40[09]")
    people.get_by_role("button", name="Add account").click()
    dialog = people.get_by_role("dialog", name="Add account")

    def add(name: str, password: str) -> None:
        dialog.get_by_label("User name").fill(name)
        dialog.get_by_label("Password").fill(password)
        dialog.get_by_role("button", name="Add").click()

    add(ben.name, PASSWORD)
    expect(dialog.get_by_role("alert")).to_have_text("Somebody here has this name already: choose another.")
    add("carl", "short")
    expect(dialog.get_by_role("alert")).to_have_text("The password must have at least 10 characters.")
    check_axe(people, "dialog")
    add("carl", PASSWORD)

    expect(people.locator(".toast")).to_have_text("carl has an account now.")
    expect(row(people, "carl")).to_contain_text("never signed in")


def test_a_quota_is_set_and_taken_back(people: Page, ada: Person, ben: Person) -> None:
    act(people, ben.name, "Quota")
    dialog = people.get_by_role("dialog", name=f"Quota of {ben.name}")
    dialog.get_by_label("Quota").fill("500")
    dialog.get_by_label("Unit").select_option("MB")
    dialog.get_by_role("button", name="Save").click()
    expect(people.locator(".toast")).to_contain_text("may use 500 MB")
    expect(row(people, ben.name)).to_contain_text("0 bytes of 500 MB")
    assert account(ada, ben.name)["quota"] == 500_000_000

    people.get_by_role("button", name="Undo").click()

    expect(row(people, ben.name)).not_to_contain_text("500 MB")
    assert account(ada, ben.name)["quota"] is None


def test_the_right_of_an_admin_is_given_and_taken_back_and_the_last_one_keeps_it(
    people: Page, ada: Person, ben: Person, watch: Watch
) -> None:
    watch.allow("403")
    act(people, ben.name, "Make admin")
    expect(row(people, ben.name).get_by_text("Admin", exact=True)).to_be_visible()
    people.get_by_role("button", name="Undo").click()
    expect(row(people, ben.name).get_by_text("Admin", exact=True)).to_have_count(0)
    assert account(ada, ben.name)["is_admin"] is False

    act(people, ADMIN, "Take admin rights")
    people.get_by_role("dialog").get_by_role("button", name="Take admin rights").click()

    expect(people.locator(".toast").last).to_have_text("ada is the last admin: make somebody else one first.")
    assert account(ada, ADMIN)["is_admin"] is True


def test_a_code_for_a_new_password_is_shown_once_and_works(people: Page, server: RunningServer, ben: Person) -> None:
    act(people, ben.name, "Code for a new password")
    people.get_by_role("dialog").get_by_role("button", name="Make code").click()
    dialog = people.get_by_role("dialog", name=f"New password for {ben.name}")
    code = dialog.locator(".copy-text").first.inner_text()
    expect(dialog.locator(".copy-text").last).to_have_text(f"{server.url}/reset")
    check_axe(people, "dialog")
    dialog.get_by_role("button", name="Done").click()

    body = json.dumps({"username": ben.name, "code": code, "password": "lantern-orchard-gravel-7"}).encode()
    assert ask(server, "POST", "/api/v1/reset", body, JSON).status == HTTPStatus.NO_CONTENT
    assert Person(server, ben.name, "lantern-orchard-gravel-7").call("GET", "/api/v1/me").status == HTTPStatus.OK


def test_somebody_is_signed_out_disabled_and_let_in_again(people: Page, server: RunningServer, ben: Person) -> None:
    def is_in() -> bool:
        headers = {"Authorization": f"Bearer {ben.token}"}
        return ask(server, "GET", "/api/v1/me", headers=headers).status == HTTPStatus.OK

    ben.call("GET", "/api/v1/me")
    act(people, ben.name, "Sign out everywhere")
    people.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    expect(people.locator(".toast")).to_contain_text("is signed out everywhere")
    assert not is_in()
    ben.token = ""
    ben.call("GET", "/api/v1/me")

    act(people, ben.name, "Disable")
    people.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(row(people, ben.name)).to_contain_text("Disabled")
    assert not is_in()
    check_axe(people)
    act(people, ben.name, "Enable")
    expect(row(people, ben.name)).not_to_contain_text("Disabled")
    ben.token = ""

    assert ben.call("GET", "/api/v1/me").status == HTTPStatus.OK


def test_a_deleted_persons_files_go_to_an_heir(people: Page, ada: Person, ben: Person) -> None:
    ben.put("/will.txt", b"all for ada")
    act(people, ben.name, "Delete")
    dialog = people.get_by_role("dialog", name=f"Delete {ben.name}")
    expect(dialog.get_by_label("Somebody else gets them")).to_be_checked()
    expect(dialog.get_by_label("Who gets them")).to_have_value(ADMIN)
    check_axe(people, "dialog")
    dialog.get_by_role("button", name="Delete").click()

    expect(row(people, ben.name)).to_have_count(0)
    names = [one["name"] for one in ada.call("GET", "/api/v1/folders/root/children").json["items"]]
    assert any(ben.name in name for name in names), names


def test_files_go_for_good_only_when_the_name_is_typed(people: Page, ben: Person) -> None:
    act(people, ben.name, "Delete")
    dialog = people.get_by_role("dialog", name=f"Delete {ben.name}")
    dialog.get_by_label("They go for good").check()
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"Type the name {ben.name}")
    dialog.get_by_label(f"Type {ben.name} to confirm").fill(ben.name)
    dialog.get_by_role("button", name="Delete").click()

    expect(people.locator(".toast")).to_have_text(f"{ben.name} and the files are deleted.")
    expect(row(people, ben.name)).to_have_count(0)


def test_the_actions_go_by_keyboard_and_the_focus_comes_back(people: Page, ben: Person) -> None:
    button = people.get_by_role("button", name=f"Actions for {ben.name}")
    button.focus()
    people.keyboard.press("Enter")
    people.keyboard.type("q")
    people.keyboard.press("Enter")
    expect(people.get_by_role("spinbutton", name="Quota")).to_be_focused()
    people.keyboard.type("3")
    people.keyboard.press("Enter")

    expect(row(people, ben.name)).to_contain_text("of 3 GB")
    expect(button).to_be_focused()


def test_storage_adds_up_what_all_people_have(open_page: Opener, ada: Person, ben: Person) -> None:
    ben.put("/one.bin", bytes(range(256)) * 2000)
    ben.put("/same.bin", bytes(range(256)) * 2000)
    page = open_page("/admin/storage", who=ada)

    expect(page.locator(".figures")).to_contain_text("saved: equal content")
    expect(page.locator(".row", has_text=ben.name)).to_contain_text("1 MB")
    expect(page.get_by_role("img", name=re.compile("Disk: Cairn .*Free"))).to_be_visible()


def test_health_says_that_all_is_well_and_lets_a_collection_begin(open_page: Opener, ada: Person) -> None:
    page = open_page("/admin/health", who=ada)
    expect(page.get_by_role("heading", name="All is well")).to_be_visible()
    assert page.get_by_text("Answers", exact=True).count() == 3
    button = page.get_by_role("button", name="Collect now")
    button.focus()
    page.keyboard.press("Enter")

    expect(page.locator("#view")).to_contain_text("Since the start:", timeout=30_000)
    expect(page.get_by_role("button", name="Collect now")).to_be_focused()


def test_health_says_why_a_server_only_reads(browser: Browser, tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data", NO_RESERVE).start()
    try:
        cookie = Person(server).session("127.0.0.1")
        server.stop()
        (server.data / "guard" / "read-only").write_text("the disk failed 3 times within a day\n")
        server.start()
        with browser.new_context(base_url=server.url) as context:
            context.add_cookies([cookie])  # type: ignore[list-item] # Playwright's own TypedDict
            page = context.new_page()
            page.goto("/admin/health")
            ready(page)

            expect(page.get_by_role("heading", name="The server only reads")).to_be_visible()
            expect(page.locator(".verdict")).to_contain_text("the disk failed 3 times within a day")
    finally:
        server.close()


def test_the_log_is_filtered_and_a_line_opens(people: Page, ada: Person, ben: Person) -> None:
    ada.call("PATCH", f"/api/v1/users/{ben.name}", {"quota": 7_000_000})
    act(people, ben.name, "Activity")
    expect(people.get_by_role("heading", level=1)).to_have_text("Activity")
    expect(people.get_by_label("Whose name")).to_have_value(ben.name)
    expect(people.locator(".log-item")).to_have_text([re.compile("Quota set"), re.compile("Account made")])
    people.get_by_label("What", exact=True).select_option("Account made")
    expect(people.locator(".log-item")).to_have_count(1)
    expect(people).to_have_url(re.compile(rf"/admin/log\?user={ben.name}&event=user_created$"))
    people.get_by_label("What", exact=True).select_option("Quota set")
    expect(people.locator(".log-what")).to_contain_text("Quota set")
    people.locator(".log-row").focus()
    people.keyboard.press("Enter")

    expect(people.get_by_role("dialog", name="Quota set")).to_contain_text("7 MB")
    check_axe(people, "dialog")


def test_a_long_log_comes_in_pages_and_keeps_few_rows_in_the_page(open_page: Opener, ada: Person, ben: Person) -> None:
    for number in range(350):
        ada.call("PATCH", f"/api/v1/users/{ben.name}", {"quota": number + 1})
    page = open_page(f"/admin/log?user={ben.name}&event=quota_set", who=ada)
    expect(page.locator(".log-item").first).to_be_visible()
    page.wait_for_function("""() => {
        const view = document.querySelector("#view");
        view.scrollTo(0, view.scrollHeight);
        return document.querySelector('.log-item[aria-posinset="350"]');
    }""")

    expect(page.locator('.log-item[aria-posinset="350"]')).to_be_visible()
    assert page.locator(".log-item").count() < 60
    check_axe(page, "#view")


def test_german_pages_say_german_and_fit(open_page: Opener, ada: Person) -> None:
    page = open_page("/admin", who=ada, locale="de-DE", size=PHONE)
    for title in ("Personen", "Einladungen", "Speicher", "Zustand", "Protokoll"):
        page.locator("#view").get_by_role("link", name=title).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.locator(".card").first).to_be_visible()
        assert page.evaluate("document.querySelector('#view').scrollWidth <= innerWidth")
        page.locator(".panels-back").click()
