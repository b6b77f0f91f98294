"""The JSON bodies of links, version 1. Sizes are bytes, `…_ms` Unix milliseconds."""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta, Struct

from app.link_mode import Mode
from app.services.links import LinkView
from app.services.views import View
from app.services.visits import Visit
from app.wire import Request, Time, WireId

LinkMode = Literal["view", "drop"]
LinkPassword = Annotated[str, Meta(min_length=1)]
Downloads = Annotated[int, Meta(ge=1, le=2**31)]
LinkTitle = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
_MODES: dict[Mode, LinkMode] = {Mode.VIEW: "view", Mode.DROP: "drop"}


class LinkRequest(Request, frozen=True):
    """Body of POST /api/v1/links."""

    file_id: WireId
    password: LinkPassword | None = None
    expires_ms: Time | None = None
    max_downloads: Downloads | None = None
    allow_download: bool = True
    title: LinkTitle | None = None
    mode: LinkMode = "view"


class LinkChange(Request, frozen=True):
    """Body of PATCH /api/v1/links/{id}; what is absent stays as it is, null takes it away."""

    password: LinkPassword | msgspec.UnsetType | None = msgspec.UNSET
    expires_ms: Time | msgspec.UnsetType | None = msgspec.UNSET
    max_downloads: Downloads | msgspec.UnsetType | None = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    allow_download: bool | msgspec.UnsetType = msgspec.UNSET
    title: LinkTitle | msgspec.UnsetType | None = msgspec.UNSET


class LinkReply(Struct, frozen=True):
    """A link, to those who may manage it. `file_id` and `path` are null while what it leads to is in the trash.

    `url` is null of links that were made before addresses were kept.
    """

    link_id: str
    file_id: str | None
    path: str | None
    mode: LinkMode
    has_password: bool
    expires_ms: int | None
    max_downloads: int | None
    downloads: int
    allow_download: bool
    title: str | None
    paused: bool
    created_ms: int
    made_by: str
    url: str | None

    @classmethod
    def of(cls, shown: LinkView, public_url: str) -> Self:
        """Show `shown`; its URL is absolute where the server's own is set."""
        link, view = shown.link, shown.view
        return cls(
            link_id=shown.link_id,
            file_id=None if view is None else view.file_id,
            path=None if view is None else view.path,
            mode=_MODES[link.mode],
            has_password=link.password_hash is not None,
            expires_ms=link.expires_ms,
            max_downloads=link.max_downloads,
            downloads=link.downloads,
            allow_download=link.allows_download,
            title=link.title,
            paused=link.is_paused,
            created_ms=link.created_ms,
            made_by=link.username,
            url=None if shown.token is None else f"{public_url.rstrip('/')}/s/{shown.token}",
        )


class LinkPage(Struct, frozen=True):
    """A page of links, the oldest first; `next` is what `after` takes, null at the end."""

    items: list[LinkReply]
    next: str | None


class PasswordRequest(Request, frozen=True):
    """Body of POST /s/{token}/password."""

    password: str


class VisitReply(Struct, frozen=True):
    """A link, to whoever holds it. Until its password is shown, nothing is told of what it leads to.

    Of a drop link only the folder's name is told, so that people know that they are right.
    """

    mode: LinkMode
    needs_password: bool
    name: str | None = None
    kind: Literal["file", "folder"] | None = None
    size: int | None = None
    content_type: str | None = None
    mtime_ms: int | None = None
    expires_ms: int | None = None
    allow_download: bool | None = None

    @classmethod
    def of(cls, visit: Visit) -> Self:
        """Show `visit`."""
        mode = _MODES[visit.link.mode]
        if not visit.is_open:
            return cls(mode, needs_password=True)
        kind: Literal["file", "folder"] = "folder" if visit.view.listed.node.is_folder else "file"
        expires_ms = visit.link.expires_ms
        if mode == "drop":
            return cls(mode, needs_password=False, name=visit.title, kind=kind, expires_ms=expires_ms)
        listed = visit.view.listed
        return cls(
            mode,
            needs_password=False,
            name=visit.title,
            kind=kind,
            size=listed.size,
            content_type=listed.content_type,
            mtime_ms=listed.node.mtime_ms,
            expires_ms=expires_ms,
            allow_download=visit.link.allows_download,
        )


class LinkedFile(Struct, frozen=True):
    """A file or folder below a link: what its holder may know of it, which is neither its history nor its people."""

    file_id: str
    name: str
    kind: Literal["file", "folder"]
    size: int
    content_type: str | None
    mtime_ms: int | None
    modified_ms: int

    @classmethod
    def of(cls, view: View) -> Self:
        """Show `view`."""
        listed, node = view.listed, view.listed.node
        return cls(
            file_id=view.file_id,
            name=view.path.rpartition("/")[2],
            kind="folder" if node.is_folder else "file",
            size=listed.size,
            content_type=listed.content_type,
            mtime_ms=node.mtime_ms,
            modified_ms=node.modified_ms,
        )


class LinkedPage(Struct, frozen=True):
    """A page of a folder below a link; `next` is what `after` takes, null at the end."""

    items: list[LinkedFile]
    next: str | None


class DroppedReply(Struct, frozen=True):
    """A file that was taken in. Its name is not told: it would tell what else is there."""

    size: int
