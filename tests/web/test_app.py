"""The pages as an app: the manifest, and the worker that keeps the shell and nothing that belongs to anybody."""

import re
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.server import NO_RESERVE, RunningServer
from tests.web.conftest import PLAIN_NAME, Opener, ready
from tests.web.next_build import DIGITS
from tests.web.people import Person, ask
from tests.web.watch import Watch, check_axe

CACHED = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            found.push([request.url, await (await cache.match(request)).text()]);
        }
    }
    return found;
}"""
UNLOADED = "ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED|40[14]|preload"
"""What a browser writes to its console while a server is away."""


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that the test may stop and start."""
    running = RunningServer(tmp_path_factory.mktemp("own") / "data", {**NO_RESERVE, "CAIRN_SERVER__HOSTS": PLAIN_NAME})
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
def origin(request: pytest.FixtureRequest) -> str:
    """The server that the test uses: the module's, or its own."""
    name = "own" if "own" in request.fixturenames else "server"
    server: RunningServer = request.getfixturevalue(name)
    return f"http://{getattr(request, 'param', '127.0.0.1')}:{server.port}"


@pytest.fixture
def installed(open_page: Opener, request: pytest.FixtureRequest) -> Page:
    """A page of ada's with the worker in charge."""
    server: RunningServer = request.getfixturevalue("own" if "own" in request.fixturenames else "server")
    cookie = Person(server).session("127.0.0.1")
    page = open_page(None, service_workers="allow")
    page.context.add_cookies([cookie])  # type: ignore[list-item] # Playwright's own TypedDict
    page.goto("/files")
    ready(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    return page


def manifest(server: RunningServer, language: str) -> Any:
    answer = ask(server, "GET", "/manifest.webmanifest", headers={"Accept-Language": language})
    assert answer.headers["content-type"].startswith("application/manifest+json")
    return answer.json


def test_the_manifest_names_icons_that_are_there_in_their_sizes(server: RunningServer) -> None:
    told = manifest(server, "en")

    assert (told["name"], told["start_url"], told["scope"], told["display"]) == ("Cairn", "./files", "./", "standalone")
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}
    for icon in told["icons"]:
        picture = ask(server, "GET", icon["src"].removeprefix(".")).body
        width, height = struct.unpack(">II", picture[16:24])
        assert f"{width}x{height}" == icon["sizes"]


def share(page: Page, *names: str) -> None:
    """Share files as Android does: a form is posted, and the page that it leads to is shown."""
    page.evaluate(
        """(names) => {
          const field = Object.assign(document.createElement("input"), { type: "file", name: "files", multiple: true });
          const chosen = new DataTransfer();
          for (const name of names) chosen.items.add(new File([`shared ${name}`], name, { type: "text/plain" }));
          field.files = chosen.files;
          const form = Object.assign(document.createElement("form"), {
            action: "/share", method: "post", enctype: "multipart/form-data" });
          form.append(field);
          document.body.append(form);
          form.submit();
        }""",
        names,
    )


def test_what_another_app_shares_is_uploaded_once_a_person_says_so(installed: Page, ada: Person) -> None:
    told = manifest(ada.server, "en")["share_target"]
    assert (told["action"], told["method"], told["enctype"]) == ("./share", "POST", "multipart/form-data")
    hostile = "<img src=x onerror=top.taken=1>\u202egpj.exe"
    share(installed, "from-elsewhere.txt", hostile)
    dialog = installed.get_by_role("dialog", name="Upload 2 shared files?")
    expect(dialog.get_by_role("listitem").nth(1)).to_contain_text("<img src=x onerror=top.taken=1>[U+202E]gpj.exe")
    check_axe(installed, "dialog[open]")
    dialog.get_by_role("button", name="Cancel").click()
    expect(installed).to_have_url(re.compile("/files$"))
    assert "from-elsewhere.txt" not in listed(ada)

    share(installed, "for-us.txt")
    with installed.expect_response(lambda reply: reply.url.endswith("/commit") or "/bundles" in reply.url):
        installed.get_by_role("dialog").get_by_role("button", name="Upload").click()

    expect(installed.get_by_role("link", name="for-us.txt")).to_be_visible()
    here = listed(ada)
    assert ada.call("GET", f"/api/v1/files/{here['for-us.txt']}/content").body == b"shared for-us.txt"
    assert not {"from-elsewhere.txt", hostile} & here.keys()
    installed.goto("/files?shared=1")
    expect(installed.get_by_role("dialog")).to_contain_text("Nothing arrived.")


def listed(person: Person) -> dict[str, str]:
    """What is at the top of somebody's files: ids by name."""
    items = person.call("GET", "/api/v1/folders/root/children").json["items"]
    return {item["name"]: item["file_id"] for item in items}


def test_the_manifest_speaks_the_browsers_language(server: RunningServer) -> None:
    names = [shortcut["name"] for shortcut in manifest(server, "de-AT")["shortcuts"]]

    assert names == ["Dateien", "Fotos", "Geteilt"]


@pytest.mark.parametrize("path", ["/files", "/"])
def test_pages_of_the_app_lead_to_the_manifest(open_page: Opener, ada: Person, path: str) -> None:
    page = open_page(path, who=ada if path == "/files" else None)

    href = page.locator("link[rel=manifest]").evaluate("(link) => link.href")
    assert href.endswith("/manifest.webmanifest")
    read = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert (read["url"], read["errors"]) == (href, [])


def test_nothing_that_belongs_to_anybody_is_ever_kept(installed: Page, server: RunningServer, ada: Person) -> None:
    file_id = ada.put("/Documents/canary-of-ada.txt", b"canary in a file")["file_id"]
    page = installed
    for place in ("files/Documents", "photos", "shared", "trash", "search?q=canary", "settings/devices", "admin/log"):
        page.goto(f"/{place}")
        ready(page)
        page.wait_for_load_state("networkidle")
    page.evaluate("fetch('/api/v1/me').then((answer) => answer.json())")
    page.evaluate("(id) => fetch(`/api/v1/files/${id}/content`).then((answer) => answer.text())", file_id)

    kept = page.evaluate(CACHED)

    own = (f"{server.url}/static/{build_of(page)}/", f"{server.url}/offline")
    assert [url for url, _ in kept if not url.startswith(own)] == []
    assert len(kept) > 50
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    session = page.context.cookies()[0]["value"]
    for url, body in kept:
        assert not any(secret in body for secret in ("canary-of-ada", "canary in a file", token, session)), url
        assert "data-username" not in body or url.endswith(".js"), url


@pytest.mark.parametrize("origin", [PLAIN_NAME], indirect=True)
def test_there_is_no_worker_on_plain_http(open_page: Opener, ada: Person, watch: Watch, server: RunningServer) -> None:
    page = open_page("/files", who=ada, service_workers="allow")
    page.wait_for_load_state("networkidle")

    assert page.evaluate("isSecureContext || 'serviceWorker' in navigator") is False
    assert not [url for url in watch.requests if "service-worker" in url]


def test_a_server_out_of_reach_is_said_and_the_page_goes_on_when_it_is_back(
    installed: Page, own: RunningServer, watch: Watch
) -> None:
    watch.allow(UNLOADED)
    own.stop()
    installed.goto("/settings/devices?from=here")

    expect(installed.get_by_role("heading", level=1)).to_have_text("The server is out of reach")
    expect(installed).to_have_url(re.compile("/offline#settings"))
    check_axe(installed)
    assert installed.evaluate("fetch('api/v1/me').then(() => 'kept', () => 'out of reach')") == "out of reach"
    own.start()

    expect(installed).to_have_url(re.compile(r"/settings/devices\?from=here$"), timeout=30_000)
    expect(installed.get_by_role("heading", level=1)).to_have_text("Devices")


def test_a_page_of_the_last_build_works_on_and_offers_the_new_one(
    installed: Page, own: RunningServer, watch: Watch
) -> None:
    watch.allow(UNLOADED)
    page, before = installed, builds(installed)
    assert len(before) == 1
    own.stop()
    own.module = "tests.web.next_build"
    own.start()

    page.get_by_role("link", name="Trash").first.click()
    expect(page).to_have_title("Trash · Cairn")
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.update())")
    expect(page.locator(".toast")).to_contain_text("There is a new version of these pages.", timeout=20_000)
    page.get_by_role("button", name="Reload").click()
    page.wait_for_selector("html[data-ready] script[src*='/js/app.js']", state="attached")

    assert len(build_of(page)) == DIGITS
    assert before < builds(page)
    assert len(builds(page)) == 2


def builds(page: Page) -> set[str]:
    return set(page.evaluate("caches.keys()"))


def build_of(page: Page) -> str:
    source = str(page.locator("script[src*='/js/app.js']").get_attribute("src"))
    return source.partition("static/")[2].partition("/")[0]


@pytest.mark.parametrize("origin", [PLAIN_NAME], indirect=True)
def test_without_a_worker_a_page_of_the_last_build_is_loaded_anew(
    open_page: Opener, own: RunningServer, watch: Watch
) -> None:
    watch.allow(UNLOADED + "|Failed to fetch|Refused to apply style")
    cookie = Person(own).session(PLAIN_NAME)
    page = open_page(None)
    page.context.add_cookies([cookie])  # type: ignore[list-item] # Playwright's own TypedDict
    page.goto("/files")
    ready(page)
    own.stop()
    own.module = "tests.web.next_build"
    own.start()

    page.get_by_role("link", name="Trash").first.click()

    expect(page).to_have_title("Trash · Cairn")
    assert len(build_of(page)) == DIGITS
