"""The page of a link: what somebody without an account sees of a file, of a folder, or of where they may put files."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aiohttp import web

from app.api.folders import decode_place, encode_place
from app.api.pages import language_of, page_reply
from app.keys import SERVICES
from app.link_mode import Mode
from app.services.display import shown
from app.services.media import is_inline
from app.services.thumbnails import DRAWN
from app.services.views import View
from app.services.visits import Visit
from app.wire_links import LinkedFile

_PAGE = 1_000
_UNITS = ("kB", "MB", "GB", "TB", "PB")
_ICONS = {"image": "image", "video": "film", "audio": "music", "text": "file-text"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder as the page shows it.

    Attributes:
        icon: name in the sprite.
        has_picture: the server makes a small picture of it.
        family: "image", "video", "audio" or "" of what a browser shows by itself, and may be looked at in the page.
        is_inline: it opens in the browser.
    """

    file_id: str
    name: str
    is_folder: bool
    size: str
    day: str
    icon: str
    has_picture: bool
    family: str
    is_inline: bool


async def link_page(request: web.Request, visit: Visit, file_id: str | None, after: str | None) -> web.Response:
    """Return the page of a visit that is open.

    Args:
        file_id: of what is shown, at or below what the link leads to; that itself if None.
        after: where the page before ended, of a folder that has more than one shows.

    Raises:
        InvalidRequestError: `after` is no such place.
        NotFoundError: there is no such file or folder there.
    """
    services, token = request.app[SERVICES], request.match_info["token"]
    if visit.link.mode is Mode.DROP:
        return page_reply(
            request, "link_drop.html", name=shown(visit.title), action=f"{token}/upload", sent=0, problem=None
        )
    view = await services.visits.look(visit, file_id)
    mark = services.pages.texts.speaker(language_of(request))("link.decimal")
    entry, allow = _entry(view, mark, visit.name), visit.link.allows_download
    if not view.path.strip("/") and visit.link.title is not None:
        entry = replace(entry, name=shown(visit.link.title))
    if not view.listed.node.is_folder:
        return page_reply(request, "link_file.html", token=token, file_id=file_id, file=entry, allow_download=allow)
    place = None if after is None else decode_place(after)
    views, end = await services.visits.children(visit, file_id, sort="natural", order="asc", after=place, limit=_PAGE)
    entries = [_entry(child, mark) for child in views]
    return page_reply(
        request,
        "link_folder.html",
        token=token,
        file_id=file_id,
        folder=entry,
        allow_download=allow,
        rows=[entry for entry in entries if not entry.has_picture],
        pictures=[entry for entry in entries if entry.has_picture],
        after=after,
        end=None if end is None else encode_place(end),
    )


def _entry(view: View, mark: str, name: str = "") -> Entry:
    """Show a node; `name` stands where its path has none, which is that of what the link leads to."""
    file = LinkedFile.of(view)
    kind = (file.content_type or "").partition("/")[0]
    inline = file.kind == "file" and is_inline(file.name or name, file.content_type or "")
    return Entry(
        file_id=file.file_id,
        name=shown(file.name or name),
        is_folder=file.kind == "folder",
        size=size_text(file.size, mark),
        day=datetime.fromtimestamp((file.mtime_ms or file.modified_ms) / 1000, UTC).date().isoformat(),
        icon="folder" if file.kind == "folder" else _ICONS.get(kind, "file"),
        has_picture=file.content_type in DRAWN and file.size > 0,
        family=kind if inline and kind in ("image", "video", "audio") else "",
        is_inline=inline,
    )


def size_text(size: int, mark: str) -> str:
    """Return a size as people read it, in units that both languages have; `mark` stands before the decimal."""
    if size < 1000:  # noqa: PLR2004 - the next unit
        return f"{size} B"
    amount, unit = size / 1000, 0
    while amount >= 999.95 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - what would round to the next unit
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f}".removesuffix(".0").replace(".", mark) + f" {_UNITS[unit]}"
