"""What the first page costs (web-ui.md, 11)."""

from tests.server import RunningServer
from tests.web.conftest import Opener
from tests.web.people import Person, ask
from tests.web.watch import Watch

FIRST_LOAD = 100_000
MOST_CORE_MODULES = 15


def test_the_first_load_of_the_files_is_under_100_kb(
    open_page: Opener, ada: Person, watch: Watch, server: RunningServer
) -> None:
    """Until the first view stands; what comes after it, the uploader among it, holds nobody up."""
    page = open_page(None, who=ada)
    page.route("**/text/*/rest.json", lambda route: route.abort())
    watch.allow("ERR_FAILED|Failed to fetch")
    html = page.request.get("/files").body()
    page.goto("/files")
    page.wait_for_selector("html[data-stands]")
    assets = {url.partition("/static/")[2].partition("#")[0] for url in watch.requests if "/static/" in url}

    sizes = {
        name.partition("/")[2]: len(ask(server, "GET", f"/static/{name}", headers={"Accept-Encoding": "gzip"}).body)
        for name in assets
        if not name.endswith("rest.json")
    }

    print(f"\nfirst load: {len(html) + sum(sizes.values())} bytes")  # noqa: T201 - a figure for people
    assert len(html) + sum(sizes.values()) < FIRST_LOAD, sorted(sizes.items(), key=lambda item: -item[1])
    named = page.locator("link[rel=modulepreload]").evaluate_all("(links) => links.map((link) => link.href)")
    assert {url for url in watch.requests if url.endswith(".js") and "/upload/" not in url} - set(named) == set()
    assert len([url for url in named if "/js/core/" in url]) <= MOST_CORE_MODULES
