"""The table leaves out no route and no name of an object that a route takes (security.md, P1)."""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec.inspect as shapes

from app.api.routes import Access, Route
from app.api.shell import PLACES
from app.application import route_table
from app.wire import WireId
from tests.permissions.table import TABLE, Line, Pair
from tests.permissions.taken import structs_of

ROUTES = {f"{route.method} {route.path}": route for route in route_table()}
PATTERN = get_args(WireId)[1].pattern
NAMES = ("username", "to", "path")
"""What names something beside the ids."""
POSITIONS = {"after": "a place in the list of what is the asker's own"}
OF_ACCOUNTS = ("upload_id", "upload_ids", "device_id", "job_id", "invitation_id", "username", "to", "token", "link_id")
"""Ids of what is in no folder: an object of the owner's is enough, there is no shared one."""
NO_OBJECT = {
    **{(f"GET /{place}/{{place}}", "place"): "a place of the page, for its script" for place in PLACES},
    ("GET /static/{build}/{name}", "build"): "which build of the pages: the same for all",
    ("GET /static/{build}/{name}", "name"): "a file of the program",
    ("POST /api/v1/login", "install_id"): "the device's own name for itself: it replaces one of the same user's",
}


def test_every_route_has_a_line_and_every_line_a_route() -> None:
    table = {line.route for line in TABLE}

    assert ROUTES.keys() - table == set(), "routes without a line"
    assert table - ROUTES.keys() == set(), "lines of routes that are gone"


def test_every_name_of_an_object_that_a_route_takes_is_tried_in_the_shared_and_in_the_private_folder() -> None:
    missing = []
    for key, route in ROUTES.items():
        for name in names_in(route):
            lines = [line for line in TABLE if line.route == key and name in sent_by(line)]
            is_in_a_folder = name not in OF_ACCOUNTS and route.access is not Access.SIGNED
            is_tried = any(isinstance(line.rule, Pair) or not is_in_a_folder for line in lines)
            if not is_tried and (key, name) not in NO_OBJECT:
                missing.append(f"{key}: {name}")

    assert missing == []


def names_in(route: Route) -> set[str]:
    """Return what names objects in a route's path, query and body."""
    found = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    for struct in structs_of(route):
        found |= {field.encode_name for field in struct.fields if _names_an_object(field)}
    return found - POSITIONS.keys()


def _names_an_object(field: shapes.Field) -> bool:
    name = field.encode_name
    return _is_id(field.type) or name in NAMES or name.endswith(("_id", "_ids"))


def _is_id(shape: shapes.Type) -> bool:
    if isinstance(shape, shapes.UnionType):
        return any(_is_id(each) for each in shape.types)
    if isinstance(shape, shapes.ListType):
        return _is_id(shape.item_type)
    return isinstance(shape, shapes.StrType) and shape.pattern == PATTERN


def sent_by(line: Line) -> set[str]:
    """Return the names of all that a line sends."""
    in_path = {part[1:-1] for part in line.route.split("/") if part.startswith("{")}
    in_form = {pair.partition("=")[0] for pair in (line.data or "").split("&")}
    return {*in_path, *in_form, *_keys(line.query), *_keys(line.json)}


def _keys(sent: Any) -> Iterator[str]:
    if isinstance(sent, dict):
        for key, value in sent.items():
            yield key
            yield from _keys(value)
    elif isinstance(sent, list):
        for value in sent:
            yield from _keys(value)
