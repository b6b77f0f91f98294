"""Sharing: people, links with all that they allow, and the page of what is shared."""

import datetime as dt
import re
from typing import Any
from zlib import crc32

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import PHONE, Opener, both_origins
from tests.web.people import Person, ask
from tests.web.watch import Watch, check_axe

OPEN = """async (file) => {
  const app = document.querySelector("script[type=module]").src;
  const { openShareDialog } = await import(new URL("sharing/dialog.js", app).href);
  openShareDialog(file);
}"""


@pytest.fixture
def person(ada: Person, request: pytest.FixtureRequest) -> Person:
    """Somebody of this test's own."""
    return ada.invite(f"p{crc32(request.node.name.encode())}")


@pytest.fixture
def friend(ada: Person, person: Person) -> Person:
    """Somebody whom that person knows."""
    return ada.invite(f"{person.name}-friend")


def share(page: Page, file: Any) -> Locator:
    """Open the share dialog of a file; return it once it is filled."""
    page.evaluate(OPEN, file)
    dialog = page.get_by_role("dialog", name=f"Share “{file['name']}”")
    expect(dialog.locator(".skeleton")).to_have_count(0)
    return dialog


def links_of(person: Person) -> list[Any]:
    items: list[Any] = person.call("GET", "/api/v1/links").json["items"]
    return items


def members_of(person: Person, folder: Any) -> dict[str, str]:
    items = person.call("GET", f"/api/v1/files/{folder['file_id']}/members").json["items"]
    return {item["username"]: item["role"] for item in items}


@both_origins
def test_a_link_is_made_and_copied_at_once_and_copied_again_later(
    open_page: Opener, person: Person, origin: str
) -> None:
    file = person.put("/plan.txt", b"to the sea")
    page = open_page("/files", who=person)
    dialog = share(page, file)
    check_axe(page, "dialog")

    dialog.get_by_role("button", name="Make link").click()

    expect(page.get_by_text("Link made and copied.")).to_be_visible()
    address = dialog.get_by_role("listitem").locator("code").inner_text()
    assert address.startswith(f"{origin}/s/")
    assert ask(person.server, "GET", f"/s/{address.rpartition('/')[2]}/content").body == b"to the sea"
    check_axe(page, "dialog")
    page.goto("/shared")
    line = page.get_by_role("list", name="Links").get_by_role("listitem")
    expect(line).to_contain_text("1 download")
    line.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Link copied.")).to_be_visible()
    page.get_by_role("searchbox").focus()
    page.keyboard.press("ControlOrMeta+V")
    expect(page.get_by_role("searchbox")).to_have_value(address)


def test_what_a_link_allows_is_set_and_taken_away(open_page: Opener, person: Person, watch: Watch) -> None:
    watch.allow("400")
    page = open_page("/files", who=person)
    dialog = share(page, person.put("/plan.txt", b"x"))
    dialog.get_by_role("button", name="Make link").click()
    dialog.get_by_role("button", name="Options").click()
    options = page.get_by_role("dialog", name="Options of the link")
    check_axe(page, "dialog[open]:last-of-type")
    options.get_by_label("Password", exact=True).fill("short")
    options.get_by_role("button", name="Save").click()
    expect(options.get_by_role("alert")).to_contain_text("10 characters")

    options.get_by_role("button", name="Suggest").click()
    password = options.get_by_label("Password", exact=True).input_value()
    options.get_by_label("The link ends").select_option("7")
    options.get_by_label("At most so many downloads").fill("3")
    options.get_by_role("button", name="Save").click()

    expect(dialog.get_by_text("0 of 3 downloads")).to_be_visible()
    [link] = links_of(person)
    assert (link["has_password"], link["max_downloads"]) == (True, 3)
    days = (link["expires_ms"] - link["created_ms"]) / 86_400_000
    assert 6.9 < days < 7.1
    assert re.fullmatch(r"\w{4}-\w{4}-\w{4}", password)
    token = link["url"].rpartition("/")[2]
    assert ask(person.server, "GET", f"/s/{token}/content").status == 403

    dialog.get_by_role("button", name="Options").click()
    options.get_by_label("Take the password away").check()
    options.get_by_label("The link ends").select_option("")
    options.get_by_label("At most so many downloads").fill("")
    options.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("0 downloads")).to_be_visible()
    [link] = links_of(person)
    assert (link["has_password"], link["max_downloads"], link["expires_ms"]) == (False, None, None)

    dialog.get_by_role("button", name="Options").click()
    options.get_by_label("Visitors may download").uncheck()
    options.get_by_label("Name for visitors").fill("Where we go")
    options.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("for looking alone")).to_be_visible()
    page.goto(link["url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Where we go")
    assert page.get_by_role("link", name="Download").count() == 0
    with page.expect_response(lambda reply: "/content" in reply.url) as looked:
        page.get_by_role("link", name="Open").click()
    assert looked.value.status == 200


def test_a_link_ends_with_the_day_that_was_chosen(open_page: Opener, person: Person) -> None:
    page = open_page("/files", who=person, timezone_id="Pacific/Auckland")
    dialog = share(page, person.put("/plan.txt", b"x"))
    dialog.get_by_role("button", name="Make link").click()
    dialog.get_by_role("button", name="Options").click()
    page.get_by_label("The link ends").select_option("day")
    page.get_by_label("Last day").fill("2030-05-31")
    page.get_by_role("button", name="Save").click()

    expect(dialog.get_by_text("until 31 May 2030")).to_be_visible()
    midnight = dt.datetime(2030, 5, 31, 12, tzinfo=dt.UTC)  # of June 1 there
    assert links_of(person)[0]["expires_ms"] == midnight.timestamp() * 1000
    dialog.get_by_role("button", name="Options").click()
    expect(page.get_by_label("Last day")).to_have_value("2030-05-31")


def test_a_drop_box_is_made_of_a_folder_and_shows_as_a_code(open_page: Opener, person: Person) -> None:
    page = open_page("/files", who=person)
    dialog = share(page, person.folder("/Inbox"))
    dialog.get_by_role("button", name="Make drop box").click()

    dialog.get_by_role("button", name="More for this link: Drop box").click()
    page.get_by_role("menuitem", name="Show QR code").click()

    expect(dialog.get_by_role("img", name="QR code of the link")).to_be_visible()
    expect(dialog.get_by_text("This address works in your network at home alone.")).to_be_visible()
    assert [link["mode"] for link in links_of(person)] == ["drop"]


def test_a_folder_is_shared_with_people_who_may_do_more_or_less_or_nothing(
    open_page: Opener, person: Person, friend: Person, watch: Watch
) -> None:
    watch.allow("404")
    folder = person.folder("/Plans")
    page = open_page("/files", who=person)
    dialog = share(page, folder)
    name = dialog.get_by_label("User name")
    name.fill("nobody-at-all")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("Nobody here is called “nobody-at-all”.")

    name.fill(friend.name)
    dialog.get_by_label("What they may do").select_option("viewer")
    name.press("Enter")

    expect(dialog.get_by_label(f"What {friend.name} may do")).to_have_value("viewer")
    assert members_of(person, folder) == {person.name: "owner", friend.name: "viewer"}
    check_axe(page, "dialog")
    with page.expect_response(lambda reply: reply.request.method == "PATCH"):
        dialog.get_by_label(f"What {friend.name} may do").select_option("editor")
    assert members_of(friend, folder)[friend.name] == "editor"
    dialog.get_by_role("button", name=f"Remove {friend.name}").click()
    expect(page.get_by_text(f"{friend.name} no longer sees this folder.")).to_be_visible()
    assert members_of(person, folder) == {person.name: "owner"}
    page.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_label(f"What {friend.name} may do")).to_have_value("editor")


def test_a_folder_is_handed_over_after_a_question(open_page: Opener, person: Person, friend: Person) -> None:
    folder = person.folder("/Plans")
    person.call("POST", f"/api/v1/files/{folder['file_id']}/members", {"username": friend.name, "role": "viewer"})
    page = open_page("/files", who=person)
    dialog = share(page, folder)
    dialog.get_by_label(f"What {friend.name} may do").select_option("owner")
    page.get_by_role("dialog", name="the owner?").get_by_role("button", name="Cancel").click()
    expect(dialog.get_by_label(f"What {friend.name} may do")).to_have_value("viewer")

    dialog.get_by_label(f"What {friend.name} may do").select_option("owner")
    page.get_by_role("button", name="Hand over").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert members_of(person, folder) == {friend.name: "owner", person.name: "editor"}


def test_who_a_folder_is_shared_with_sees_who_else_is_there_and_leaves_it(
    open_page: Opener, person: Person, friend: Person
) -> None:
    folder = person.folder("/Plans")
    person.call("POST", f"/api/v1/files/{folder['file_id']}/members", {"username": friend.name, "role": "viewer"})
    page = open_page("/shared", who=friend)
    line = page.get_by_role("list", name="Shared folders").get_by_role("listitem")
    expect(line).to_contain_text(f"by {person.name} · Can view")
    line.get_by_role("button", name="Who sees it").click()
    dialog = page.get_by_role("dialog", name="Share “Plans”")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    expect(dialog.get_by_role("combobox")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Make link")).to_have_count(0)

    dialog.get_by_role("button", name="Leave folder").click()
    page.get_by_role("dialog", name="Leave “Plans”?").get_by_role("button", name="Leave folder").click()

    expect(page.get_by_role("heading", name="Nothing is shared yet")).to_be_visible()
    assert members_of(person, folder) == {person.name: "owner"}


def test_links_are_paused_resumed_and_deleted_where_all_of_them_stand(open_page: Opener, person: Person) -> None:
    file = person.put("/Docs/plan.txt", b"x")
    _, link = (person.call("POST", "/api/v1/links", {"file_id": file["file_id"]}).json for _ in range(2))
    page = open_page("/shared", who=person)
    lines = page.get_by_role("list", name="Links").get_by_role("listitem")
    expect(lines).to_have_count(2)
    check_axe(page)

    for choice, shown in (("Pause", 1), ("Resume", 0)):
        lines.first.get_by_role("button", name="More for this link").click()
        page.get_by_role("menuitem", name=choice).click()
        expect(lines.first.get_by_text("Paused")).to_have_count(shown)
        assert next(one for one in links_of(person) if one["link_id"] == link["link_id"])["paused"] == bool(shown)
    lines.first.get_by_role("button", name="More for this link").click()
    page.get_by_role("menuitem", name="Delete link").click()
    page.get_by_role("dialog", name="Delete this link?").get_by_role("button", name="Delete link").click()

    expect(lines).to_have_count(1)
    assert link["link_id"] not in [one["link_id"] for one in links_of(person)]
    lines.first.get_by_role("link", name="plan.txt").click()
    expect(page).to_have_url(re.compile("/files/Docs$"))


def test_a_phone_has_all_of_it(open_page: Opener, person: Person, friend: Person) -> None:
    folder = person.folder("/" + "Plans for the summer " * 8)
    person.call("POST", f"/api/v1/files/{folder['file_id']}/members", {"username": friend.name, "role": "viewer"})
    person.call("POST", "/api/v1/links", {"file_id": folder["file_id"], "mode": "drop"})
    page = open_page("/shared", who=person, size=PHONE, has_touch=True, is_mobile=True)
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("list", name="Shared folders").get_by_role("button", name="More for").tap()
    page.get_by_role("menuitem", name="Manage").tap()

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Make link")).to_be_visible()
    check_axe(page, "dialog")
    assert dialog.evaluate("(element) => element.scrollWidth <= innerWidth")


def test_the_list_of_files_leads_to_all_of_it(open_page: Opener, person: Person) -> None:
    person.folder("/Plans")
    person.put("/plan.txt", b"x")
    page = open_page("/files", who=person)
    for entry, choice, dialog in (
        ("plan.txt", "Versions", "Versions of “plan.txt”"),
        ("Plans", "Rewind", "Rewind “Plans”"),
        ("Plans", "Share", "Share “Plans”"),
    ):
        page.get_by_role("button", name=f"More actions for {entry}").click()
        page.get_by_role("menuitem", name=choice).click()
        page.get_by_role("dialog", name=dialog).get_by_role("button", name="Close").click()

    page.get_by_role("gridcell", name="plan.txt", exact=True).click(
        position={"x": 300, "y": 5}, modifiers=["ControlOrMeta"]
    )
    page.keyboard.press("s")

    expect(page.get_by_role("dialog", name="Share “plan.txt”")).to_be_visible()
