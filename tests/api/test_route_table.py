"""The server does not start with a route that has not said who may call it (security.md, P1)."""

from collections import Counter
from dataclasses import replace
from typing import Any, cast

import pytest
from aiohttp import web

from app import application
from app.api.routes import Access, Routes
from app.application import build_app, route_table
from app.middleware import guarded
from tests.api.conftest import Running


async def handler(request: web.Request) -> None:
    """Do nothing."""


def test_a_route_without_an_access_rule_cannot_be_written_down() -> None:
    routes = cast(Any, Routes())

    with pytest.raises(TypeError, match="access"):
        routes.get("/api/v1/open")


@pytest.mark.parametrize("rule", [None, "anyone", True])
def test_a_route_whose_rule_is_none_of_ours_is_refused(rule: Any) -> None:
    routes = Routes()
    routes.get("/api/v1/open", access=Access.ACCOUNT)(handler)

    with pytest.raises(TypeError, match=r"GET /api/v1/open has not said who may call it"):
        guarded(replace(routes[0], access=rule), Counter())


async def test_the_server_does_not_start_with_one(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    route = route_table()[-1]
    monkeypatch.setattr(application, "route_table", lambda: [replace(route, access=cast(Any, None))])

    with pytest.raises(TypeError, match="has not said who may call it"):
        build_app(server.cairn.services)


async def test_the_server_answers_at_no_path_that_is_not_in_the_table(server: Running) -> None:
    app = build_app(server.cairn.services)

    served = {
        (route.method, route.resource.canonical) for route in app.router.routes() if route.resource and route.method
    }

    table = {(route.method, route.path) for route in route_table()}
    assert served == table | {("HEAD", path) for method, path in table if method == "GET"}
