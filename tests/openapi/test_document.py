"""The published contract: well-formed, complete, the same types as the requests', and open to everybody."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from aiohttp import web
from schemathesis.specs.openapi.definitions import OPENAPI_31  # the specification's own schema, as it publishes it

from app.api.routes import Access, Body, Routes
from app.application import route_table
from app.wire import FolderRequest
from tests.api.people import Person
from tests.openapi.contract import DOCUMENT

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SECRET = (Access.FILES, Access.ACCOUNT, Access.ADMIN, Access.METRICS, Access.SIGNED)


def walk(thing: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in the document."""
    if isinstance(thing, dict):
        yield thing
    for inner in thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ():
        yield from walk(inner)


def operation(method: str, path: str) -> Any:
    return DOCUMENT["paths"][path][method]


def test_the_document_is_openapi_3_1() -> None:
    faults = [error.message for error in jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(DOCUMENT)]

    assert not faults
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})


def test_every_reference_leads_somewhere() -> None:
    for thing in walk(DOCUMENT):
        if isinstance(thing.get("$ref"), str):
            found: Any = DOCUMENT
            for step in thing["$ref"].removeprefix("#/").split("/"):
                found = found[step]


def test_every_route_is_in_the_document_with_who_may_call_it_and_how_it_refuses() -> None:
    published = [route for route in route_table() if route.is_published]
    for route in published:
        described = operation(route.method.lower(), route.path)
        named = {parameter["name"] for parameter in described.get("parameters", ()) if parameter["in"] == "path"}

        assert named == set(re.findall(r"{(\w+)}", route.path)), route
        assert described["summary"], route
        assert bool(described["security"]) == (route.access in SECRET), route
        assert any(status < "400" for status in described["responses"]), route
        assert {"400", "408", "421", "429", "431", "500", "503"} <= described["responses"].keys(), route
        assert ("401" in described["responses"]) >= (route.access in (Access.FILES, Access.ACCOUNT, Access.ADMIN)), (
            route
        )
    assert sum(map(len, DOCUMENT["paths"].values())) == len(published)


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [described["operationId"] for path in DOCUMENT["paths"].values() for described in path.values()]

    assert len(set(ids)) == len(ids)


def test_a_handler_that_leaves_its_contract_open_stops_the_start() -> None:
    routes = Routes()

    async def says_nothing(request: web.Request) -> web.Response:
        return web.Response()

    async def takes_what_nobody_knows(request: web.Request, cookie: str) -> None: ...

    async def says_it_twice(request: web.Request, body: FolderRequest) -> None: ...

    with pytest.raises(TypeError, match="says_nothing"):
        routes.get("/x", access=Access.PUBLIC)(says_nothing)
    with pytest.raises(TypeError, match="takes_what_nobody_knows"):
        routes.get("/x", access=Access.PUBLIC)(takes_what_nobody_knows)
    with pytest.raises(TypeError, match="says_it_twice"):
        routes.post("/x", access=Access.PUBLIC, body=Body({}))(says_it_twice)
    assert routes == []


def test_what_a_request_is_checked_with_is_what_is_published() -> None:
    described = operation("post", "/api/v1/folders")["requestBody"]["content"]["application/json"]["schema"]
    schema = DOCUMENT["components"]["schemas"][described["$ref"].rpartition("/")[2]]

    assert schema["additionalProperties"] is False
    assert schema["properties"].keys() == {field.encode_name for field in msgspec.structs.fields(FolderRequest)}
    listed = {p["name"]: p for p in operation("get", "/api/v1/folders/{file_id}/children")["parameters"]}
    assert listed["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1_000}
    assert listed["sort"]["schema"]["enum"] == ["mtime", "name", "natural", "size", "type"]
    assert not listed["after"]["required"]


async def test_anybody_may_read_the_document_and_a_cache_may_keep_it(stranger: Person) -> None:
    first = await stranger.get("/api/v1/openapi.json")
    again = await stranger.get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status, again.status) == (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
    assert first.json == DOCUMENT
    assert again.body == b""
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize(
    "parameters",
    ["limit=null", "limit=1e2", "limit=1.0", "limit=0", "limit=01", "limit=", "limit=1&limit=2", "x=1", "Limit=1"],
)
async def test_a_query_that_is_not_as_published_is_refused(ada: Person, parameters: str) -> None:
    reply = await ada.get(f"/api/v1/folders/root/children?{parameters}")

    assert (reply.status, reply.code) == (HTTPStatus.BAD_REQUEST, "invalid_request")


async def test_a_call_without_parameters_takes_none(ada: Person) -> None:
    reply = await ada.get("/api/v1/me", params={"x": "1"})

    assert (reply.status, reply.code) == (HTTPStatus.BAD_REQUEST, "invalid_request")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "x"])
@pytest.mark.parametrize("path", ["/api/v1/folders", "/api/v1/uploadRequest", "/api/v1/login"])
async def test_a_body_that_says_it_is_no_json_is_refused(ada: Person, path: str, media_type: str) -> None:
    reply = await ada.call("POST", path, data=b'{"path": "/a"}', headers={"Content-Type": media_type})

    assert (reply.status, reply.code) == (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
    assert await ada.names() == []
