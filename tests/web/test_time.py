"""What was: the trash, versions, rewind, and what one device did."""

import datetime as dt
import re
from typing import Any
from zlib import crc32

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import PHONE, Opener, both_origins
from tests.web.people import Person
from tests.web.watch import check_axe

OPEN = """async ([name, what, ...rest]) => {
  const app = document.querySelector("script[type=module]").src;
  const part = await import(new URL(`time/${name}.js`, app).href);
  part[what](...rest);
}"""


@pytest.fixture
def person(ada: Person, request: pytest.FixtureRequest) -> Person:
    """Somebody of this test's own, whose trash nobody else fills."""
    name = f"u{crc32(request.node.name.encode())}"
    return ada.invite(name)


def deleted(person: Person, *paths: str) -> list[Any]:
    """Put files and delete them."""
    files = [person.put(path, b"x" * 1000) for path in paths]
    for file in files:
        person.call("DELETE", f"/api/v1/files/{file['file_id']}")
    return files


def names(person: Person, path: str = "/") -> list[str]:
    folder = person.call("GET", f"/api/v1/files?path={path}").json["file_id"]
    return [item["name"] for item in person.call("GET", f"/api/v1/folders/{folder}/children").json["items"]]


def entries(page: Page) -> Locator:
    """The lines of the trash."""
    return page.get_by_role("list", name="Trash").get_by_role("listitem")


def trash_of(person: Person) -> list[str]:
    return [item["name"] for item in person.call("GET", "/api/v1/trash").json["items"]]


@both_origins
def test_what_was_deleted_comes_back_to_where_it_was(open_page: Opener, person: Person) -> None:
    deleted(person, "/Docs/plan.odt")
    page = open_page("/trash", who=person)
    row = entries(page).filter(has_text="plan.odt")
    expect(row).to_contain_text("from /Docs")
    expect(row).to_contain_text("30 days left")

    row.get_by_role("button", name="Restore “plan.odt”").click()

    expect(page.get_by_text("“/Docs/plan.odt” is back.")).to_be_visible()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert names(person, "/Docs") == ["plan.odt"]


def test_several_are_chosen_and_go_for_good_after_a_question(open_page: Opener, person: Person) -> None:
    deleted(person, "/a", "/b", "/c")
    page = open_page("/trash", who=person)
    for name in "ab":
        page.get_by_role("checkbox", name=f"Select “{name}”").check()
    expect(page.get_by_text("2 selected")).to_be_visible()

    page.get_by_role("button", name="Delete forever").click()
    question = page.get_by_role("dialog", name="Delete 2 things forever?")
    question.get_by_role("button", name="Cancel").click()
    assert trash_of(person) == ["c", "b", "a"]
    page.get_by_role("button", name="Delete forever").click()
    question.get_by_role("button", name="Delete forever").click()

    expect(entries(page)).to_have_count(1)
    assert trash_of(person) == ["c"]


def test_the_trash_is_emptied_of_what_one_has_seen(open_page: Opener, person: Person) -> None:
    deleted(person, *(f"/{number}" for number in range(6)))
    page = open_page("/trash", who=person)

    page.get_by_role("button", name="Empty trash").click()
    page.get_by_role("dialog", name="Empty the trash?").get_by_role("button", name="Empty trash").click()

    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert trash_of(person) == []


def test_what_one_deletion_took_is_one_line_that_opens(open_page: Opener, person: Person) -> None:
    paths = [f"/Trip/{number}.jpg" for number in range(5)]
    ids = [person.put(path, b"x" * 1000)["file_id"] for path in paths]
    apart = deleted(person, "/alone.txt", "/Docs/a", "/Docs/b")
    person.call("POST", "/api/v1/files/trash", {"file_ids": ids})
    page = open_page("/trash", who=person)
    expect(entries(page)).to_have_count(1 + len(apart))
    line = entries(page).filter(has_text="5 things: 4.jpg, 3.jpg, 2.jpg …")
    expect(line).to_contain_text("from /Trip")
    expect(line).to_contain_text("5 kB")
    opener = line.get_by_role("button", name="What was deleted together: 5 things")
    expect(opener).to_have_attribute("aria-expanded", "false")

    opener.focus()
    page.keyboard.press("Enter")
    expect(entries(page)).to_have_count(1 + len(apart) + len(ids))
    expect(opener).to_be_focused()
    box = page.get_by_role("checkbox", name="Select “2.jpg”")
    box.focus()
    page.keyboard.press("Space")
    expect(box).to_be_focused()
    assert (
        page.evaluate("[...document.querySelectorAll('.trash-row input')].map((one) => one.indeterminate)")[0] is True
    )
    check_axe(page)
    page.get_by_role("checkbox", name="Select all 5 things").check()
    expect(page.get_by_text("5 selected")).to_be_visible()
    entries(page).filter(has_text="2.jpg").last.get_by_role("button", name="Restore “2.jpg”").click()
    expect(entries(page).filter(has_text="4 things: 4.jpg, 3.jpg, 1.jpg …")).to_be_visible()

    page.get_by_role("button", name="Restore all 4 things").click()

    expect(entries(page)).to_have_count(len(apart))
    assert sorted(names(person, "/Trip")) == [path.rpartition("/")[2] for path in paths]


def test_what_somebody_deletes_meanwhile_appears(open_page: Opener, person: Person) -> None:
    page = open_page("/trash", who=person)
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()

    deleted(person, "/late.txt")

    expect(entries(page).filter(has_text="late.txt")).to_be_visible()


def test_a_phone_has_what_is_done_with_the_whole_trash_in_one_line(open_page: Opener, person: Person) -> None:
    deleted(person, "/one.txt")

    page = open_page("/trash", who=person, size=PHONE, locale="de-DE", has_touch=True, is_mobile=True)

    button = page.get_by_role("button", name="Papierkorb leeren")
    expect(button).to_be_visible()
    all_, gone = page.locator(".trash-all").bounding_box(), button.bounding_box()
    assert all_ is not None
    assert gone is not None
    assert all_["x"] + all_["width"] <= gone["x"]


def test_a_phone_restores_and_purges_from_a_sheet(open_page: Opener, person: Person) -> None:
    deleted(person, "/one.txt", "/two.txt")
    page = open_page("/trash", who=person, size=PHONE, has_touch=True, is_mobile=True)
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("button", name="More for “one.txt”").tap()
    page.get_by_role("menuitem", name="Restore").tap()
    expect(entries(page)).to_have_count(1)
    page.get_by_text("two.txt").tap()
    page.get_by_role("menuitem", name="Delete forever").tap()
    page.get_by_role("dialog").get_by_role("button", name="Delete forever").tap()

    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert names(person) == ["one.txt"]


def test_an_earlier_version_is_labelled_and_becomes_the_newest(open_page: Opener, person: Person) -> None:
    person.put("/plan.txt", b"one")
    file = person.put("/plan.txt", b"second")
    page = open_page("/trash", who=person)
    page.evaluate(OPEN, ["versions", "openVersions", file])
    dialog = page.get_by_role("dialog", name="Versions of “plan.txt”")
    rows = dialog.get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Current")
    check_axe(page, "dialog")

    rows.nth(1).get_by_role("button", name="Label the version of").click()
    page.get_by_label("Label", exact=True).fill("as sent")
    page.get_by_role("button", name="Save").click()
    expect(rows.nth(1)).to_contain_text("as sent")
    with page.expect_popup() as opened:
        rows.nth(1).get_by_role("link", name="Open the version of").click()
    expect(opened.value.locator("body")).to_have_text("one")
    rows.nth(1).get_by_role("button", name="Restore the version of").click()

    expect(rows).to_have_count(3)
    assert person.call("GET", f"/api/v1/files/{file['file_id']}/content").body == b"one"
    rows.nth(2).get_by_role("button", name="Label the version of").click()
    page.get_by_label("Label", exact=True).fill("")
    page.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("as sent")).to_have_count(0)


def test_a_viewer_looks_at_versions_and_changes_none(open_page: Opener, person: Person, ada: Person) -> None:
    folder = ada.folder(f"/for {person.name}")
    ada.put(f"/for {person.name}/plan.txt", b"one")
    file = ada.put(f"/for {person.name}/plan.txt", b"second")
    ada.call("POST", f"/api/v1/files/{folder['file_id']}/members", {"username": person.name, "role": "viewer"})
    seen = person.call("GET", f"/api/v1/files/{file['file_id']}").json
    page = open_page("/trash", who=person)

    page.evaluate(OPEN, ["versions", "openVersions", seen])

    rows = page.get_by_role("dialog").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.get_by_role("link", name="Download the version of")).to_have_count(2)
    expect(rows.get_by_role("button")).to_have_count(0)


def test_a_folder_is_rewound_after_a_look_at_what_would_change(open_page: Opener, person: Person) -> None:
    folder = person.folder("/Docs")
    first = person.put("/Docs/plan.txt", b"one")
    person.put("/Docs/plan.txt", b"second")
    person.put("/Docs/extra.txt", b"more")
    page = open_page("/trash", who=person)
    page.evaluate(OPEN, ["rewind", "openRewind", person.call("GET", "/api/v1/files?path=/Docs").json])
    dialog = page.get_by_role("dialog", name="Rewind “Docs”")
    bar = dialog.get_by_role("group", name="Changes by day").get_by_role("button")
    expect(bar).to_have_accessible_name(re.compile("4 changes. Back to before them$"))
    beginning = dialog.get_by_label("As it was on").input_value()
    dialog.get_by_label("As it was on").fill(local_time(page, first["modified_ms"] + 60_000))
    bar.focus()
    page.keyboard.press("Enter")  # the folder is younger than this day
    assert dialog.get_by_label("As it was on").input_value() == beginning
    dialog.get_by_label("As it was on").fill(local_time(page, first["modified_ms"]))
    lines = dialog.get_by_role("listitem")
    expect(lines).to_have_count(2)
    expect(lines.filter(has_text="plan.txt")).to_contain_text("earlier content")
    expect(lines.filter(has_text="extra.txt")).to_contain_text("to the trash")
    check_axe(page, "dialog")

    dialog.get_by_role("button", name="Rewind").click()

    expect(dialog.get_by_role("status")).to_have_text("The folder is as it was. 2 things were put back.")
    assert names(person, "/Docs") == ["plan.txt"]
    assert person.call("GET", f"/api/v1/files/{first['file_id']}/content").body == b"one"
    dialog.get_by_role("button", name="Undo this").click()
    again = page.get_by_role("dialog", name="Take back changes")
    expect(again.get_by_role("listitem")).to_have_count(2)
    again.get_by_role("button", name="Take back").click()
    expect(again.get_by_role("status")).to_contain_text("2 things were put back.")
    assert sorted(names(person, "/Docs")) == ["extra.txt", "plan.txt"]
    assert folder["file_id"]


def test_what_a_device_did_is_taken_back_and_what_others_changed_stays(open_page: Opener, person: Person) -> None:
    file = person.put("/plan.txt", b"one")
    other = Person(person.server, person.name)
    mine = other.put("/mine.txt", b"x")
    person.call("DELETE", f"/api/v1/files/{mine['file_id']}")
    person.put("/plan.txt", b"second")
    page = open_page("/trash", who=person)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Take back changes").click()
    dialog = page.get_by_role("dialog", name="Take back changes")
    device = person.call("GET", "/api/v1/me").json["device_id"]
    dialog.get_by_label("What this device did").select_option(device)
    expect(dialog.get_by_role("listitem").filter(has_text="mine.txt")).to_contain_text("comes back")
    check_axe(page, "dialog")

    dialog.get_by_role("button", name="Take back", exact=True).click()

    expect(dialog.get_by_role("status")).to_contain_text("It is taken back.")
    assert names(person) == ["mine.txt"]
    assert file["name"] in trash_of(person)


def test_a_device_in_the_settings_leads_to_what_it_did(open_page: Opener, person: Person) -> None:
    person.put("/plan.txt", b"one")
    page = open_page("/settings/devices", who=person)

    page.get_by_role("button", name="Take back what “test” did").click()

    dialog = page.get_by_role("dialog", name="Take back changes")
    expect(dialog.get_by_label("What this device did")).to_have_value(
        person.call("GET", "/api/v1/me").json["device_id"]
    )
    expect(dialog.get_by_role("listitem")).to_contain_text("plan.txt")


def local_time(page: Page, ms: int) -> str:
    """Return a moment as a field of the page's browser writes it."""
    offset_m = page.evaluate("(ms) => new Date(ms).getTimezoneOffset()", ms)
    local = dt.datetime.fromtimestamp(ms / 1000, dt.UTC) - dt.timedelta(minutes=offset_m)
    return local.isoformat(timespec="milliseconds").removesuffix("+00:00")
