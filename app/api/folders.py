"""Handlers of folders: children and new folders."""

import base64
import binascii
from http import HTTPStatus
from typing import Annotated

import msgspec
from aiohttp import web

from app.api.http import long_reply
from app.api.routes import JSON, Access, Answer, Routes
from app.errors import ForbiddenError, InvalidRequestError, LockedError, NameTakenError, NotFoundError
from app.keys import ACTOR, ANSWER, SERVICES
from app.listing import Order, Place, Sort
from app.services.budget import ENTRY_SIZE
from app.wire import File, FolderPage, FolderRequest

routes = Routes()

_PLACE = tuple[bool, str | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)], str]


class _Children(msgspec.Struct, forbid_unknown_fields=True):
    """Query of GET /api/v1/folders/{id}/children."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    after: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    sort: Sort = "name"
    order: Order = "asc"


@routes.get(
    "/api/v1/folders/{file_id}/children",
    access=Access.FILES,
    answers=(Answer(HTTPStatus.OK, {JSON: (FolderPage,)}),),
)
async def list_children(request: web.Request, query: _Children) -> web.Response:
    """List a page of a folder, the folders first; sorted by `natural`, "file 2" is before "file 10"."""
    services = request.app[SERVICES]
    await request[ANSWER].take(query.limit * ENTRY_SIZE)
    actor, folder_id = request[ACTOR], request.match_info["file_id"]
    views, end = await services.tree.children(
        actor,
        folder_id,
        sort=query.sort,
        order=query.order,
        after=None if query.after is None else decode_place(query.after),
        limit=query.limit,
    )
    items = [File.of(view, services.epoch) for view in views]
    total = await services.tree.count(actor, folder_id) if query.after is None else None
    return long_reply(request, FolderPage(items, None if end is None else encode_place(end), total))


@routes.post(
    "/api/v1/folders",
    access=Access.FILES,
    status=HTTPStatus.CREATED,
    refuses=(ForbiddenError, NameTakenError, NotFoundError, LockedError),
    example=FolderRequest(path="/Docs/2026", parents=True),
)
async def make_folder(request: web.Request, body: FolderRequest) -> File:
    """Make a folder at a path, or in a folder."""
    services = request.app[SERVICES]
    if body.path is not None and body.parent_id is body.name is None:
        view = await services.tree.make_folder_at(request[ACTOR], body.path, parents=body.parents)
    elif body.path is None and body.parent_id is not None and body.name is not None:
        view = await services.tree.make_folder_in(request[ACTOR], body.parent_id, body.name)
    else:
        raise InvalidRequestError("Say where: path, or parent_id with name.")
    return File.of(view, services.epoch)


def encode_place(place: Place) -> str:
    """Return a place in a listing as `after` takes it."""
    packed = msgspec.json.encode((place.is_folder, place.key, place.name))
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_place(text: str) -> Place:
    """Return the place that `after` names; raise InvalidRequestError if it is none."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return Place(*msgspec.json.decode(packed, type=_PLACE))
    except (ValueError, binascii.Error) as error:
        raise InvalidRequestError("`after` is not one that a listing gave.") from error
