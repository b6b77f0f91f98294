"""MKCOL: a new folder, also with properties (RFC 4918, 9.3; RFC 5689)."""

from http import HTTPStatus

from aiohttp import web

from app.dav.locked import shown_by
from app.dav.paths import Target
from app.dav.problems import XML_TYPE, DavError
from app.dav.proppatch import Update, propstats
from app.dav.xml import DAV, DECLARED, HEAD, Element, Name, parse
from app.errors import InvalidRequestError, LimitReachedError, NameTakenError, UnsupportedMediaTypeError
from app.keys import ACTOR, SENT, SERVICES

_TYPES = ("application/xml", "text/xml")


async def mkcol(request: web.Request, target: Target) -> web.StreamResponse:
    """Make a folder; the one above it must be there."""
    root = _read(request)
    settings = Update() if root is None else _settings_in(root)
    if settings.refused:
        text = f"{HEAD}<d:mkcol-response{DECLARED}>{propstats(settings)}</d:mkcol-response>\n"
        return web.Response(body=text.encode(), status=HTTPStatus.FAILED_DEPENDENCY, headers={"Content-Type": XML_TYPE})
    try:
        await request.app[SERVICES].kept.make_folder(
            request[ACTOR], target.names, settings.settings, shown_by(request, target)
        )
    except NameTakenError as error:
        raise DavError(HTTPStatus.METHOD_NOT_ALLOWED, str(error), "resource-must-be-null") from error
    except LimitReachedError as error:
        raise DavError(HTTPStatus.INSUFFICIENT_STORAGE, str(error)) from error
    return web.Response(status=HTTPStatus.CREATED, headers={"Location": target.self_href(is_folder=True)})


def _read(request: web.Request) -> Element | None:
    """Return the body; None where it is empty.

    Raises:
        UnsupportedMediaTypeError: it is no extended MKCOL.
    """
    if not (body := request[SENT]):
        return None
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() not in _TYPES:
        raise UnsupportedMediaTypeError("A MKCOL has no body, or one of XML with properties (RFC 5689).")
    root = parse(body)
    if root.name != Name(DAV, "mkcol"):
        raise UnsupportedMediaTypeError("The body of a MKCOL is a DAV:mkcol element.")
    return root


def _settings_in(root: Element) -> Update:
    """Return the properties that a new folder is to have; its type among them must be a folder's and nothing more.

    Raises:
        DavError: it is another type: 403.
        InvalidRequestError: it sets nothing.
    """
    if any(part.name != Name(DAV, "set") for part in root.elements()):
        raise InvalidRequestError("An extended MKCOL sets properties and does nothing else.")
    update = Update()
    for part in root.elements():
        prop = part.first("prop")
        for element in () if prop is None else prop.elements():
            if element.name == Name(DAV, "resourcetype"):
                if [kind.name for kind in element.elements()] != [Name(DAV, "collection")]:
                    raise DavError(HTTPStatus.FORBIDDEN, "Only plain folders can be made.", "valid-resourcetype")
            else:
                update.set(element, is_folder=True)
    return update
