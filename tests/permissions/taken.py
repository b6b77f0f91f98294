"""What routes take, read from their types."""

from collections.abc import Iterator
from typing import Any

import msgspec.inspect as shapes

from app.api.routes import Route


def structs_of(route: Route) -> list[shapes.StructType]:
    """Return the structs that a route's query and bodies are, and all structs in them."""
    kinds: list[Any] = [] if route.contract.query is None else [route.contract.query]
    if route.contract.body is not None:
        kinds += [kind for content in route.contract.body.content.values() for kind in content]
    return [struct for kind in kinds for struct in _structs_in(shapes.type_info(kind))]


def _structs_in(shape: shapes.Type) -> Iterator[shapes.StructType]:
    if isinstance(shape, shapes.StructType):
        yield shape
        for field in shape.fields:
            yield from _structs_in(field.type)
    elif isinstance(shape, shapes.UnionType):
        for each in shape.types:
            yield from _structs_in(each)
    elif isinstance(shape, shapes.ListType):
        yield from _structs_in(shape.item_type)
