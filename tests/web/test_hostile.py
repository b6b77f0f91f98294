"""Names and contents made to break out of the page: they are text wherever they show, and nothing of theirs runs.

What runs would set `window.taken`; what asks another host, or breaks the page's policy, fails by the watch.
"""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from app.services.display import DIRECTION
from tests.web.conftest import Opener, ready
from tests.web.listing import act
from tests.web.people import Person, ask
from tests.web.watch import Watch

TAKE = "top.taken=1"
TURNS = re.compile(f"[{DIRECTION}]")
ELSEWHERE = "http://elsewhere.example"
NAMES = (
    f"<img src=x onerror={TAKE}>",
    f'"><script>{TAKE}<' + "\u2215script>",  # a slash cannot be in a name
    f"' onmouseover='{TAKE}' autofocus onfocus='{TAKE}",
    "{{7*7}} {% raw %} ${7*7} <%= 7*7 %>",
    "\u202etxt.exe",
    "javascript:top.taken=1",
    "a&lt;b&amp;c%3Cd%2F..%2F",
    "#?&=+ ;,",
    "x" * 251 + ".txt",
    "http:" + "\u2215\u2215elsewhere.example",
)
CONTENTS = {
    "page.html": f"<script>{TAKE}</script><img src=x onerror='{TAKE}'><img src='{ELSEWHERE}/a.png'>",
    "drawing.svg": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{TAKE}'><script>{TAKE}</script>"
    f"<image href='{ELSEWHERE}/b.png' width='9' height='9'/><rect width='9' height='9'/></svg>",
    "notes.md": f"# Notes\n\n<script>{TAKE}</script><img src=x onerror='{TAKE}'>\n\n![far]({ELSEWHERE}/c.png)\n\n"
    f"[run](javascript:{TAKE}) <iframe srcdoc='<script>{TAKE}</script>'></iframe>"
    f"<style>@import url({ELSEWHERE}/d.css);</style><form action='{ELSEWHERE}'><input name=password></form>"
    f"<a href='{ELSEWHERE}' style='position:fixed;inset:0'>all</a>",
    "table.csv": f"name,value\n<img src=x onerror={TAKE}>,=1+1\n",
    "code.js": f"</script><script>{TAKE}</script> // <img src=x onerror={TAKE}>\n",
    "plain.txt": f"<script>{TAKE}</script>",
}


@pytest.fixture(scope="module")
def folder(ada: Person) -> Any:
    """A folder of a hostile name, with files and folders of hostile names and contents."""
    made = ada.folder(f"/{NAMES[0]}")
    for name in NAMES:
        ada.put(f"/{NAMES[0]}/{name}", b"x")
    for name, content in CONTENTS.items():
        ada.put(f"/{NAMES[0]}/{name}", content.encode())
    for name in NAMES:
        ada.folder(f"/{NAMES[0]}/folders/{name}")
        gone = ada.put(f"/gone/{name}", b"x")
        ada.call("DELETE", f"/api/v1/files/{gone['file_id']}")
    ada.call("POST", "/api/v1/links", {"file_id": made["file_id"]})
    for name in NAMES[:-2]:
        scope = {"reach": "all", "folder_id": made["file_id"], "webdav_only": False}
        ada.call("POST", "/api/v1/app-passwords", {"name": name[:200], "scope": scope})
        Person(ada.server).call(
            "POST", "/api/v1/login", {"username": ada.name, "password": ada.password, "device_name": name[:200]}
        )
        ask(
            ada.server,
            "POST",
            "/api/v1/login",
            json.dumps({"username": name[:64], "password": "no", "device_name": "x"}).encode(),
            {"Content-Type": "application/json"},
        )
    return made


def check_untaken(page: Page) -> None:
    assert page.evaluate("window.taken") is None
    assert page.evaluate("document.querySelectorAll('#view img[src=x], #view script, dialog script').length") == 0
    assert "49" not in page.locator("body").inner_text().split()
    assert not TURNS.search(page.locator("body").inner_text())
    assert not TURNS.search(page.title())


PLACES = (
    "/files",
    f"/files/{quote(NAMES[0])}",
    f"/files/{quote(NAMES[0])}/folders",
    "/search?q=taken",
    f"/search?q={quote(NAMES[0])}",
    f"/{quote(NAMES[0])}",
    "/photos",
    "/shared",
    "/trash",
    *(f"/settings/{name}" for name in ("profile", "security", "devices", "apps", "storage", "connect")),
    *(f"/admin/{name}" for name in ("people", "invitations", "storage", "health", "log")),
    f"/admin/log?user={quote(NAMES[0])}",
    "/reset",
    "/offline#javascript:top.taken=1",
    f"/invite/{quote(NAMES[0])}",
)


def test_no_place_that_shows_hostile_names_is_taken(open_page: Opener, ada: Person, folder: Any, watch: Watch) -> None:
    watch.allow("status of 404")
    page = open_page(None, who=ada)
    for path in PLACES:
        page.goto(path)
        if page.locator("body.shell").count():
            ready(page)
        expect(page.locator("h1").first, path).to_be_visible()
        expect(page.locator("main .skeleton"), path).to_have_count(0)
        page.mouse.move(600, 300)
        for opener in page.locator(".trash-open").all():
            opener.click()

        check_untaken(page)
    for hash_ in ("%", "javascript:top.taken=1", quote(f"{ELSEWHERE}/files", safe="")):
        page.goto("about:blank")
        page.goto(f"/offline#{hash_}")
        expect(page.locator("body.shell")).to_be_visible()
        check_untaken(page)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_of_hostile_content_is_shown_and_does_nothing(
    open_page: Opener, ada: Person, folder: Any, name: str
) -> None:
    page = open_page(f"/files/{quote(NAMES[0])}", who=ada)
    page.get_by_role("link", name=name, exact=True).click()
    shown = page.locator("dialog.viewer")
    expect(shown).to_be_visible()
    expect(shown.locator("#viewer-title")).to_have_text(name)
    expect(shown.locator(".viewer-stage > *, .pswp__img").first).to_be_visible()

    check_untaken(page)
    for frame in page.frames:
        assert frame.evaluate("window.taken") is None


def test_who_opens_such_a_file_by_itself_gets_it_as_a_download(open_page: Opener, ada: Person, folder: Any) -> None:
    children = ada.call("GET", f"/api/v1/folders/{folder['file_id']}/children").json["items"]
    page = open_page(who=ada)
    for name in ("page.html", "drawing.svg"):
        found = next(child for child in children if child["name"] == name)
        reply = page.request.get(f"/api/v1/files/{found['file_id']}/content")
        assert reply.headers["content-disposition"].startswith("attachment")
        assert reply.headers["content-type"] == "application/octet-stream"
        assert "sandbox" in reply.headers["content-security-policy"]


@pytest.mark.parametrize("choice", ["Share", "Versions", "Rewind"])
def test_a_dialog_about_something_of_a_hostile_name_is_not_taken(
    open_page: Opener, ada: Person, folder: Any, choice: str
) -> None:
    children = ada.call("GET", f"/api/v1/folders/{folder['file_id']}/children").json["items"]
    file = next(child for child in children if child["name"] == NAMES[4])
    [version] = ada.call("GET", f"/api/v1/files/{file['file_id']}/versions").json["items"]
    ada.call("PATCH", f"/api/v1/files/{file['file_id']}/versions/{version['version_id']}", {"label": NAMES[4]})
    page = open_page("/files" if choice != "Versions" else f"/files/{quote(NAMES[0])}", who=ada)
    act(page, NAMES[0] if choice != "Versions" else "[U+202E]txt.exe", choice)
    expect(page.locator("dialog[open] h2")).to_be_visible()
    expect(page.locator("dialog[open] .skeleton, dialog[open] .takeback-wait")).to_have_count(0)

    check_untaken(page)


def test_what_is_taken_back_of_hostile_names_is_listed_as_text(open_page: Opener, ada: Person, folder: Any) -> None:
    page = open_page("/settings/devices", who=ada)
    page.get_by_role("button", name="Take back what “test” did").first.click()
    expect(page.locator("dialog[open] .plan-line").first).to_be_visible()

    check_untaken(page)


def test_links_on_such_a_folder_are_not_taken(open_page: Opener, ada: Person, folder: Any, watch: Watch) -> None:
    """Neither by what stands there, nor by what a stranger puts in."""
    watch.allow("status of 40[04]")
    made = {
        mode: ada.call("POST", "/api/v1/links", {"file_id": folder["file_id"], "mode": mode}).json["url"]
        for mode in ("view", "drop")
    }
    page = open_page(made["view"])
    for name in CONTENTS:
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("dialog.viewer .viewer-stage > *, dialog.viewer .pswp__img").first).to_be_visible()
        check_untaken(page)
        page.keyboard.press("Escape")
    for child in ada.call("GET", f"/api/v1/folders/{folder['file_id']}/children").json["items"]:
        if child["name"] in (*NAMES, "page.html", "drawing.svg"):
            page.goto(f"{made['view']}?file_id={child['file_id']}")
            check_untaken(page)
            reply = page.request.get(f"{made['view']}/content?file_id={child['file_id']}&download=0")
            inline = reply.headers["content-disposition"].startswith("inline")
            assert not inline or reply.headers["content-type"].startswith("text/plain")
            assert "sandbox" in reply.headers["content-security-policy"]
    page.goto(made["drop"])
    sent: list[Any] = [{"name": name, "mimeType": "text/html", "buffer": b"<script>"} for name in NAMES]
    page.set_input_files("input[type=file]", sent)
    expect(page.get_by_role("list", name="Files to send").get_by_text("arrived")).to_have_count(len(NAMES))
    check_untaken(page)
    page.goto(f"/s/{quote(NAMES[0])}")
    check_untaken(page)
