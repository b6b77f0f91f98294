"""Names and contents made to break out of the page: they are text wherever they show, and nothing of theirs runs.

What runs would set `window.taken`; what asks another host, or breaks the page's policy, fails by the watch.
"""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Opener, ready
from tests.web.people import Person
from tests.web.watch import Watch

TAKE = "top.taken=1"
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
    return made


def check_untaken(page: Page) -> None:
    assert page.evaluate("window.taken") is None
    assert page.evaluate("document.querySelectorAll('#view img[src=x], #view script, dialog script').length") == 0
    assert "49" not in page.locator("body").inner_text().split()


@pytest.mark.parametrize(
    "path",
    [
        "/files",
        f"/files/{quote(NAMES[0])}",
        f"/files/{quote(NAMES[0])}/folders",
        "/search?q=taken",
        f"/search?q={quote(NAMES[0])}",
        f"/{quote(NAMES[0])}",
        "/photos",
        "/shared",
        "/trash",
        "/settings",
        "/admin",
    ],
)
def test_a_place_that_shows_hostile_names_is_not_taken(
    open_page: Opener, ada: Person, folder: Any, watch: Watch, path: str
) -> None:
    watch.allow("status of 404")
    page = open_page(None, who=ada)
    page.goto(path)
    if page.locator("body.shell").count():
        ready(page)
    expect(page.locator("h1").first).to_be_visible()
    page.mouse.move(600, 300)

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


def test_a_link_on_such_a_folder_is_not_taken(open_page: Opener, ada: Person, folder: Any) -> None:
    links = {
        mode: ada.call("POST", "/api/v1/links", {"file_id": folder["file_id"], "mode": mode}).json["url"]
        for mode in ("view", "drop")
    }
    for url in links.values():
        page = open_page(url)
        expect(page.locator("h1").first).to_be_visible()
        check_untaken(page)
