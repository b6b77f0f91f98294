"""What MOVE and COPY share: where something goes, and how the answer tells what came of it (RFC 4918, 9.8 and 9.9)."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import web

from app.dav.headers import Depth, depth_of
from app.dav.paths import Target, destination_of
from app.dav.settling import settled
from app.errors import ForbiddenError, InvalidRequestError, NameTakenError, PreconditionFailedError
from app.keys import SERVICES
from app.services.replacing import Placed
from app.services.views import View


def is_copied_deep(request: web.Request) -> bool:
    """Tell whether a folder is copied with all that is in it.

    Raises:
        InvalidRequestError: the depth is one that no copy has.
    """
    depth = depth_of(request)
    if depth is Depth.ONE:
        raise InvalidRequestError("A copy is of Depth 0 or infinity.")
    return depth is Depth.INFINITY


async def place_of(request: web.Request) -> Target:
    """Return where something goes.

    Raises:
        ForbiddenError: into the past, or over the whole view.
        InvalidRequestError, DavError: as `destination_of` does.
    """
    goal = await settled(request, destination_of(request))
    if goal.moment is not None:
        raise ForbiddenError("What was can not be changed.")
    if not goal.names:
        raise ForbiddenError("The whole view stays what it is.")
    return goal


async def goal_of(request: web.Request, source: Target) -> Target:
    """Return where something of the present goes.

    Raises:
        ForbiddenError: to where it is, into itself, or into the past; or one of both is the whole view.
        InvalidRequestError, DavError: as `destination_of` does.
    """
    goal = await place_of(request)
    if not source.names:
        raise ForbiddenError("The whole view stays what it is.")
    if goal.names[: len(source.names)] == source.names:
        raise ForbiddenError("Nothing goes to where it is, and no folder into itself.")
    return goal


@contextmanager
def judging_overwrite() -> Iterator[None]:
    """Turn the refusal of a name that is in use into that of the Overwrite header.

    Raises:
        PreconditionFailedError: there is something at the destination, and the header says F.
    """
    try:
        yield
    except NameTakenError as error:
        raise PreconditionFailedError("There is something at the destination, and Overwrite says F.") from error


def placed_response(request: web.Request, placed: Placed, goal: Target) -> web.Response:
    """Return the answer to what was done: 201 where there was nothing, 204 where something gave way."""
    headers = file_headers(request, placed.view)
    headers.pop("ETag")  # of what the request named there is none any more, or it did not change
    if placed.replaced:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    headers["Location"] = goal.self_href(is_folder=placed.view.listed.node.is_folder)
    return web.Response(status=HTTPStatus.CREATED, headers=headers)


def file_headers(request: web.Request, view: View) -> dict[str, str]:
    """Return what an answer tells of a node just made or changed: the etag that PROPFIND shows next, and its id."""
    services = request.app[SERVICES]
    etag = f'"{view.etag(services.epoch)}"'
    return {"ETag": etag, "OC-ETag": etag, "OC-FileId": f"{view.listed.node.id:08d}oc{services.instance}"}
