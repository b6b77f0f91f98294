"""PROPPATCH: properties that programs set, all of them or none (RFC 4918, 9.2)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web

from app.dav.locked import shown_by
from app.dav.paths import Target
from app.dav.problems import PRECONDITIONS, XML_TYPE
from app.dav.properties import LIVE
from app.dav.propfind import FIRST, LAST, NAMES
from app.dav.xml import DAV, PREFIXES, WIN32, Element, Name, empty, escape, parse, require_xml, written
from app.errors import InvalidRequestError, LimitReachedError, NotFoundError, QuotaExceededError
from app.keys import ACTOR, SENT, SERVICES
from app.services.kept import Patch
from app.services.kept_rows import Setting

PROTECTED: Final = "cannot-modify-protected-property"
TIMES: Final = (Name(DAV, "getlastmodified"), Name(WIN32, "Win32LastModifiedTime"), Name(DAV, "lastmodified"))
"""What sets a file's own time; the last is rclone's, in Unix seconds (nextcloud-clients.md, 4.5)."""
_MOST_S: Final = 2**43
_LONGEST: Final = 64
_ATTRIBUTES: Final = re.compile(r"[0-9A-Fa-f]{1,8}")


@dataclass(slots=True)
class Update:
    """What a body asks for, and why some of it is refused.

    Attributes:
        names: of all that it is about, each once.
        refused: status and precondition ("" for none) by name.
    """

    names: list[Name] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    mtime_ms: int | None = None
    refused: dict[Name, tuple[HTTPStatus, str]] = field(default_factory=dict)

    @property
    def patch(self) -> Patch:
        """What is to be done if nothing is refused."""
        return Patch(tuple(self.settings), self.mtime_ms)

    def set(self, element: Element, *, is_folder: bool) -> None:
        """Note a property that is to be set."""
        self._note(element.name)
        if element.name in TIMES and (not is_folder or element.name.namespace == DAV):
            self._set_time(element, is_folder=is_folder)
        elif element.name not in LIVE:
            self.settings.append(Setting(element.name.namespace, element.name.local, written(element)))
        elif not LIVE[element.name].is_settable:
            self.refused[element.name] = (HTTPStatus.FORBIDDEN, PROTECTED)
        elif _FORMS[element.name](element.text.strip()):
            self.settings.append(Setting(element.name.namespace, element.name.local, _plain(element)))
        else:
            self.refused[element.name] = (HTTPStatus.CONFLICT, "")

    def remove(self, element: Element) -> None:
        """Note a property that is to be removed; of a live one that was set, what is known shows again."""
        self._note(element.name)
        if element.name in LIVE and not LIVE[element.name].is_settable:
            self.refused[element.name] = (HTTPStatus.FORBIDDEN, PROTECTED)
        else:
            self.settings.append(Setting(element.name.namespace, element.name.local, None))

    def _note(self, name: Name) -> None:
        if name not in self.names:
            self.names.append(name)

    def _set_time(self, element: Element, *, is_folder: bool) -> None:
        time_ms = _time_ms(element.text.strip())
        if is_folder:
            self.refused[element.name] = (HTTPStatus.FORBIDDEN, PROTECTED)
        elif time_ms is None:
            self.refused[element.name] = (HTTPStatus.CONFLICT, "")
        else:
            self.mtime_ms = time_ms


async def proppatch(request: web.Request, target: Target) -> web.StreamResponse:
    """Set and remove properties in the order of the body, in one step."""
    services, actor = request.app[SERVICES], request[ACTOR]
    require_xml(request.headers.get("Content-Type", ""))
    root = parse(request[SENT])
    if root.name != Name(DAV, "propertyupdate"):
        raise InvalidRequestError("The body is no propertyupdate.")
    resource = await services.resources.look(actor, target.names)
    if target.slash and not resource.is_folder:
        raise NotFoundError("There is no folder at this path.")
    update = update_in(root, is_folder=resource.is_folder)
    if not update.refused:
        try:
            await services.kept.patch(actor, target.names, update.patch, shown_by(request, target))
        except (LimitReachedError, QuotaExceededError) as error:
            why = (HTTPStatus.INSUFFICIENT_STORAGE, PRECONDITIONS.get(type(error), ""))
            update.refused = dict.fromkeys(update.names, why)
    href = target.self_href(is_folder=resource.is_folder)
    text = f"{FIRST}<d:response><d:href>{escape(href)}</d:href>{propstats(update)}</d:response>{LAST}"
    headers = {"Content-Type": XML_TYPE, "Cache-Control": "no-store"}
    return web.Response(body=text.encode(), status=HTTPStatus.MULTI_STATUS, headers=headers)


def update_in(root: Element, *, is_folder: bool) -> Update:
    """Return what the `set` and `remove` elements in `root` ask for, in their order.

    Raises:
        InvalidRequestError: they ask for nothing, or for too much.
    """
    update = Update()
    for part in root.elements():
        prop = part.first("prop")
        if part.name not in (Name(DAV, "set"), Name(DAV, "remove")) or prop is None:
            continue
        for element in prop.elements():
            if part.name.local == "set":
                update.set(element, is_folder=is_folder)
            else:
                update.remove(element)
            if len(update.names) > NAMES:
                raise InvalidRequestError(f"At most {NAMES} properties can be set at once.")
    if not update.names:
        raise InvalidRequestError("The body sets and removes nothing.")
    return update


def propstats(update: Update) -> str:
    """Return how each property fared: where one is refused, the others failed with it."""
    outcomes: dict[tuple[HTTPStatus, str], list[Name]] = {}
    rest = (HTTPStatus.FAILED_DEPENDENCY, "") if update.refused else (HTTPStatus.OK, "")
    for name in update.names:
        outcomes.setdefault(update.refused.get(name, rest), []).append(name)
    return "".join(_propstat(names, *outcome) for outcome, names in outcomes.items())


def _propstat(names: Sequence[Name], status: HTTPStatus, precondition: str) -> str:
    error = f"<d:error><d:{precondition}/></d:error>" if precondition else ""
    inside = "".join(map(empty, names))
    line = f"HTTP/1.1 {status.value} {status.phrase}"
    return f"<d:propstat><d:prop>{inside}</d:prop><d:status>{line}</d:status>{error}</d:propstat>"


def _time_ms(text: str) -> int | None:
    """Return what an HTTP date, or a number of Unix seconds, says in Unix milliseconds; None for neither."""
    if len(text) > _LONGEST:
        return None
    try:
        seconds = float(text) if text[:1].isdigit() and " " not in text else parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return round(seconds * 1000) if 0 <= seconds <= _MOST_S else None


def _is_date(text: str) -> bool:
    return _time_ms(text) is not None and not text[:1].isdigit()


def _is_creation_date(text: str) -> bool:
    try:
        return len(text) <= _LONGEST and datetime.fromisoformat(text).astimezone(UTC).year > 0
    except (ValueError, OverflowError):
        return False


_FORMS: Final[dict[Name, Callable[[str], bool]]] = {
    Name(DAV, "creationdate"): _is_creation_date,
    Name(WIN32, "Win32CreationTime"): _is_date,
    Name(WIN32, "Win32LastModifiedTime"): _is_date,
    Name(WIN32, "Win32LastAccessTime"): _is_date,
    Name(WIN32, "Win32FileAttributes"): lambda text: _ATTRIBUTES.fullmatch(text) is not None,
}


def _plain(element: Element) -> str:
    """Return a property of ours as it is shown, with the prefix that it has in all answers."""
    prefix, local = PREFIXES[element.name.namespace], element.name.local
    text = escape(element.text.strip())
    return f'<{prefix}:{local} xmlns:{prefix}="{element.name.namespace}">{text}</{prefix}:{local}>'
