"""Holds answers against the published contract: whatever a server says to a test must be declared."""

import re
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from app.api.routes import Route
from app.api.shell import PLACES
from app.application import published, route_table

DOCUMENT: dict[str, Any] = msgspec.json.decode(published().body)
LOADED = (
    *("static", "reset", "manifest.webmanifest", "service-worker.js", "offline", "favicon.ico"),
    *("ca.crt", "trust", ".well-known"),
)
"""What is for the browser that shows the pages, beside the places of the shell."""
PUBLISHED = [route for route in route_table() if route.is_published]
SCHEMAS = "#/components/schemas/"
GENERAL = {404, 405, 421, 503}
"""What is said of a path that no route has, or not with this method, by any name, or before there is an admin."""


def check_declared(method: str, path: str, status: int, media_type: str, body: Any) -> None:
    """Fail unless the answer is one that the contract declares for this call.

    Args:
        path: decoded, without the query.
        media_type: of the body; "" where there is none.
        body: the JSON of the answer; None where it is something else.
    """
    if path == "/dav" or path.startswith("/dav/") or (method, path) == ("OPTIONS", "/"):
        return  # WebDAV has contracts of its own: tests/dav
    if path.split("/")[1] in (*PLACES, *LOADED):
        return  # pages of the shell and what they load are for people: tests/web
    route = _route(method, path)
    if route is None:
        assert status in GENERAL, f"{method} {path} is no route and answers {status}"
        return
    declared = _operation(route)["responses"].get(str(status))
    assert declared is not None, f"{route.method} {route.path} answers {status}, which is not declared: {body}"
    content = _resolved(declared).get("content", {})
    if not media_type:
        assert method == "HEAD" or not content or "*/*" in content, f"{route.method} {route.path} gives no body"
        return
    assert media_type in content or "*/*" in content, f"{route.method} {route.path} answers {status} as {media_type}"
    if body is not None and media_type in content:
        schema = content[media_type].get("schema", True)
        validator = _validator(msgspec.json.encode(schema, order="sorted"))
        problems = [error.message for error in validator.iter_errors(body)]
        assert not problems, f"{route.method} {route.path} answers {status} with {body}: {problems}"


def _route(method: str, path: str) -> Route | None:
    asked = "GET" if method == "HEAD" else method
    fitting = [route for route in PUBLISHED if route.method == asked and _pattern(route.path).fullmatch(path)]
    return min(fitting, key=lambda route: route.path.count("{"), default=None)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return operation


def _resolved(thing: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in thing:
        return thing
    found = DOCUMENT
    for step in thing["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


@cache
def _validator(schema: bytes) -> Any:
    """Return what checks a schema; with the parts that it names alone, since all of them together take a megabyte."""
    decoded = msgspec.json.decode(schema)
    parts: dict[str, Any] = {}
    _gather(decoded, parts)
    return jsonschema_rs.Draft202012Validator({"allOf": [decoded], "components": {"schemas": parts}})


def _gather(schema: Any, parts: dict[str, Any]) -> None:
    """Add to `parts` the schemas that one names, and those that they name."""
    if isinstance(schema, list):
        for one in schema:
            _gather(one, parts)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        name = value.removeprefix(SCHEMAS) if key == "$ref" and isinstance(value, str) else None
        if name is None:
            _gather(value, parts)
        elif name not in parts:
            parts[name] = DOCUMENT["components"]["schemas"][name]
            _gather(parts[name], parts)
