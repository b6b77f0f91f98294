"""The helpers that all views are built from, each in a real page."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Opener, both_origins, ready
from tests.web.people import Person
from tests.web.watch import Watch, check_axe


def run(page: Page, names: str, body: str, given: Any = None) -> Any:
    """Run `body` in the page, with what the modules `names` give as `m`."""
    source = f"""(async (given) => {{
      const root = document.querySelector("script[type=module]").src.replace(/app\\.js$/, "");
      const modules = await Promise.all({json.dumps(names.split())}.map((name) => import(`${{root}}${{name}}.js`)));
      const m = Object.assign({{}}, ...modules);
      {body}
    }})({json.dumps(given)})"""
    return page.evaluate(source)


def test_an_element_holds_text_and_never_markup(page: Page) -> None:
    name = "<img src=x onerror=alert(1)>&amp;"

    shown = run(
        page, "core/dom", "return [m.h('p', {title: given}, given).outerHTML, m.h('p', {}, given).textContent]", name
    )

    assert "<img" not in shown[0].partition(">")[2].replace("&lt;img", "")
    assert shown[1] == name


def test_an_undo_toast_waits_while_one_points_at_it(page: Page) -> None:
    page.clock.install()
    run(page, "core/toast", "m.toast('Moved', {action: {label: 'Undo', run: () => { window.undone = true }}}); ")
    note = page.get_by_role("status").get_by_text("Moved")
    check_axe(page, "#toasts")

    note.hover()
    page.clock.run_for(30_000)
    expect(note).to_be_visible()
    page.mouse.move(0, 0)
    page.clock.run_for(11_000)
    expect(note).to_have_count(0)

    run(page, "core/toast", "m.toast('Moved', {action: {label: 'Undo', run: () => { window.undone = true }}}); ")
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate("window.undone") is True
    expect(page.locator("#toasts .toast")).to_have_count(0)


def test_a_toast_shows_above_a_dialog_whichever_was_there_before(page: Page) -> None:
    run(page, "core/toast", "m.toast('Zero'); m.toast('First');")
    run(page, "core/dialog", "m.confirm({title: 'Sure?', text: 'x', action: 'Yes'});")
    page.locator(".toast", has_text="Zero").get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    run(page, "core/toast", "m.toast('Hello');")

    order = run(
        page,
        "core/dom",
        """
      const shown = [];
      for (const one of document.querySelectorAll("dialog, #toasts")) {
        shown.push([one.id, one.matches(":popover-open, :modal")]);
      }
      return shown;""",
    )
    assert dict(order) == {"": True, "toasts": True}
    expect(page.locator(".toast")).to_have_count(2)


def test_a_dialog_asks_and_gives_the_focus_back(page: Page) -> None:
    page.get_by_role("button", name="Account of ada").focus()
    run(
        page,
        "core/dialog",
        """m.prompt({title: 'Rename', label: 'Name', action: 'Save', value: 'a.txt',
          run: (value) => { if (value === 'taken') throw new Error('There is one already.'); return value; },
        }).then((given) => (window.given = given));""",
    )
    dialog = page.get_by_role("dialog", name="Rename")
    field = dialog.get_by_label("Name")
    expect(field).to_be_focused()
    check_axe(page, "dialog")

    field.fill("taken")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("There is one already.")
    field.fill("b.txt")
    page.keyboard.press("Enter")

    expect(dialog).to_have_count(0)
    assert page.evaluate("window.given") == "b.txt"
    expect(page.get_by_role("button", name="Account of ada")).to_be_focused()


@pytest.mark.parametrize("way", ["escape", "cancel", "cross", "beside"])
def test_a_dialog_that_is_dismissed_says_no(page: Page, way: str) -> None:
    run(
        page,
        "core/dialog",
        "m.confirm({title: 'Sure?', text: 'x', action: 'Yes'}).then((said) => (window.said = said));",
    )
    if way == "escape":
        page.keyboard.press("Escape")
    elif way == "beside":
        page.mouse.click(5, 5)
    else:
        page.get_by_role("button", name={"cancel": "Cancel", "cross": "Close"}[way]).click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("window.said") is False


def test_going_back_leaves_a_question_behind_and_takes_along_what_is_shown_once(page: Page) -> None:
    page.get_by_role("link", name="Trash").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The trash is empty")
    run(
        page,
        "core/dialog",
        """
      m.openDialog({title: 'Your code', body: [], sticky: true});
      m.confirm({title: 'For good?', text: 'x', action: 'Yes'}).then((said) => (window.said = said));""",
    )

    page.go_back()

    expect(page).to_have_url(re.compile("/(files)?$"))
    expect(page.locator("dialog[open] h2")).to_have_text("Your code")
    assert page.evaluate("window.said") is False


def test_a_windowed_list_holds_few_of_many_rows_and_keeps_the_focused_one(page: Page) -> None:
    run(
        page,
        "core/windowed core/dom",
        """
      const host = m.h('div', {style: {position: 'relative'}});
      const scroller = m.$('#view');
      m.fill(scroller, host);
      const render = (index) => m.h('div', {class: 'line', tabindex: '-1', style: {height: '40px'}}, `row ${index}`);
      window.list = m.windowed({scroller, host, rowHeight: 40, render});
      window.list.setCount(10000);""",
    )
    assert page.locator(".line").count() < 60
    page.evaluate("window.list.row(3).focus(); window.list.keep(3)")
    page.evaluate("document.querySelector('#view').scrollTop = 200_000")

    expect(page.get_by_text("row 5000", exact=True)).to_be_visible()
    assert page.locator(".line").count() < 60
    assert page.evaluate("document.activeElement.textContent") == "row 3"
    page.evaluate("window.list.reveal(9999)")
    expect(page.get_by_text("row 9999", exact=True)).to_be_in_viewport()


def test_sizes_and_times_are_told_as_people_say_them(open_page: Opener, ada: Person) -> None:
    told = {}
    for locale in ("en-GB", "de-DE"):
        page = open_page("/files", who=ada, locale=locale, timezone_id="Europe/Berlin")
        told[locale] = run(
            page,
            "core/format",
            """const now = Date.UTC(2026, 4, 10, 10); const day = 86_400_000; return [
              [0, 1, 999, 1500, 994_000, 123_456_789].map((bytes) => m.size(bytes)),
              [now - day / 24, now - day, Date.UTC(2026, 1, 3), Date.UTC(2024, 1, 3)].map((ms) => m.when(ms, now)),
              [m.ago(now - 30_000, now), m.ago(now - 180_000, now), m.duration(65), m.duration(7390)],
              ['b 10', 'b 2', 'Ä', 'a'].sort(m.compare)]""",
        )

    assert told["en-GB"] == [
        ["0 bytes", "1 byte", "999 bytes", "1.5 kB", "994 kB", "123 MB"],
        ["11:00", "yesterday", "3 Feb", "3 Feb 2024"],
        ["just now", "3 minutes ago", "1:05", "2:03:10"],
        ["a", "Ä", "b 2", "b 10"],
    ]
    assert told["de-DE"][0][3:] == ["1,5 kB", "994 kB", "123 MB"]
    assert told["de-DE"][1][1] == "gestern"
    assert told["de-DE"][2][1] == "vor 3 Minuten"


@both_origins
def test_news_of_the_server_reach_every_tab_by_one_stream(
    open_page: Opener, ada: Person, origin: str, watch: Watch
) -> None:
    page = open_page("/files", who=ada)
    second = page.context.new_page()
    second.goto("/photos")
    for tab in (page, second):
        tab.wait_for_selector("html[data-ready]")
        run(
            tab,
            "core/events core/api",
            """window.heard = new Promise((resolve) => m.onChange(async () => {
              const { items } = await m.get("folders/root/children");
              if (items.some((item) => item.name === given)) resolve(true);
            }));""",
            f"{origin[-5:]}.txt",
        )

    ada.put(f"/{origin[-5:]}.txt", b"new")

    for tab in (page, second):
        assert tab.evaluate("window.heard") is True
    assert len([url for url in watch.requests if url.endswith("/events")]) == 1


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_scrolls_sideways_even_at_four_times_the_size(open_page: Opener, ada: Person, width: int) -> None:
    """1,280 px at 400 % are 320."""
    page = open_page(who=ada, size=(width, 256 if width == 320 else 844))
    for path in ("/files", "/photos", "/shared", "/trash", "/settings", "/admin"):
        page.goto(path)
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_forced_colours_leave_marks_of_place_and_focus(open_page: Opener, ada: Person) -> None:
    page = open_page("/files", who=ada, forced_colors="active")
    link = page.locator(".nav [aria-current=page]")

    assert page.evaluate("(a) => getComputedStyle(a).outlineStyle", link.element_handle()) == "solid"
