"""Live properties: what this server knows of a resource by itself, each with how it is shown (RFC 4918, 15)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from app.api.ranges import http_date
from app.dav.xml import DAV, NC, OC, WIN32, Name, escape
from app.services.access import Right
from app.services.locks import LockView, Place
from app.services.resources import Resource, Wants

_LATEST_S: Final = 253_402_300_799
_WRITE_LOCKS: Final = "".join(
    f"<d:lockentry><d:lockscope><d:{scope}/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>"
    for scope in ("exclusive", "shared")
)
_VIEW: Final = Place("/", is_folder=True)
_REPORTS: Final = "<d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report>"


NOTHING: Final = Wants()


@dataclass(frozen=True, slots=True)
class Server:
    """What properties tell of the server.

    Attributes:
        name: of the root, which has no name of its own.
        instance: random name of this installation.
        epoch: of the journal; part of etags.
        href: gives how answers name what is at a path of the view.
    """

    name: str
    instance: str
    epoch: str
    href: Callable[[Place], str]


@dataclass(frozen=True, slots=True)
class Live:
    """A live property.

    Attributes:
        value: gives the XML in it, already escaped; None where a resource has no such property.
        wants: what has to be read for it.
        in_all: whether `allprop` has it: those of RFC 4918 (9.1); the others cost or confuse.
        is_settable: whether PROPPATCH may set it: what was set is kept, and shown in place of `value`.
    """

    name: Name
    value: Callable[[Resource, Server], str | None]
    wants: Wants = NOTHING
    in_all: bool = False
    is_settable: bool = False


def creation_time(time_ms: int) -> str:
    """Return Unix milliseconds as RFC 3339 writes them (RFC 4918, 15.1)."""
    seconds = max(0, min(time_ms // 1000, _LATEST_S))
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def modified_ms(resource: Resource) -> int:
    """Return when the content changed: of a file by its own time, of a folder when it was last moved or renamed."""
    node = resource.view.listed.node
    return node.modified_ms if node.mtime_ms is None else node.mtime_ms


def letters(resource: Resource) -> str:
    """Return the letters of oc:permissions (nextcloud-clients.md, 4.1)."""
    view = resource.view
    rights, is_root = view.rights, view.path == "/"
    is_mount = view.listed.node.parent_id is None and not is_root
    written = Right.WRITE in rights
    found = "S" if is_mount or (Right.READ in rights and Right.SHARE not in rights) else ""
    found += "R" if Right.SHARE in rights else ""
    found += "M" if is_mount else ""
    found += "G" if Right.READ in rights else ""
    if written:
        found += "DNV" + ("CK" if resource.is_folder else "W")
    return found


def _displayname(resource: Resource, server: Server) -> str:
    return escape(resource.view.path.rpartition("/")[2] or server.name)


def _resourcetype(resource: Resource, _server: Server) -> str:
    return "<d:collection/>" if resource.is_folder else ""


def _length(resource: Resource, _server: Server) -> str | None:
    return None if resource.is_folder else str(resource.view.listed.size)


def _content_type(resource: Resource, _server: Server) -> str | None:
    content_type = resource.view.listed.content_type
    return None if content_type is None or resource.is_folder else _escaped_type(content_type)


@lru_cache(maxsize=256)
def _escaped_type(content_type: str) -> str:
    """Return a content type as XML shows it; a listing has few of them many times."""
    return escape(content_type)


def _etag(resource: Resource, server: Server) -> str:
    return f"&quot;{resource.view.etag(server.epoch)}&quot;"


def _modified(resource: Resource, _server: Server) -> str:
    return http_date(modified_ms(resource))


def _created(resource: Resource, _server: Server) -> str:
    return creation_time(resource.view.listed.node.created_ms)


def active_lock(lock: LockView, href: Callable[[Place], str]) -> str:
    """Return what is told of a lock (RFC 4918, 14.1); its token to nobody but its holder (security.md, P8)."""
    token = "" if lock.token is None else f"<d:locktoken><d:href>{escape(lock.token)}</d:href></d:locktoken>"
    return (
        f"<d:activelock><d:lockscope><d:{'exclusive' if lock.is_exclusive else 'shared'}/></d:lockscope>"
        f"<d:locktype><d:write/></d:locktype><d:depth>{'infinity' if lock.is_deep else '0'}</d:depth>"
        f"{lock.owner_xml or f'<d:owner>{escape(lock.username)}</d:owner>'}"
        f"<d:timeout>Second-{lock.left_s}</d:timeout>{token}"
        f"<d:lockroot><d:href>{escape(href(lock.root or _VIEW))}</d:href></d:lockroot></d:activelock>"
    )


def _lock_discovery(resource: Resource, server: Server) -> str:
    return "".join(active_lock(lock, server.href) for lock in resource.locks)


def _available(resource: Resource, _server: Server) -> str | None:
    return None if resource.room is None else str(resource.room.available)


def _used(resource: Resource, _server: Server) -> str | None:
    return None if resource.room is None else str(resource.room.used)


def _locks(resource: Resource, _server: Server) -> str:
    return "" if resource.is_past else _WRITE_LOCKS


def _reports(resource: Resource, _server: Server) -> str:
    return "" if resource.sync_token is None else _REPORTS


def _sync_token(resource: Resource, _server: Server) -> str | None:
    return None if resource.sync_token is None else escape(resource.sync_token)


def _id(resource: Resource, server: Server) -> str:
    return f"{resource.view.listed.node.id:08}oc{server.instance}"


def _fileid(resource: Resource, _server: Server) -> str:
    return str(resource.view.listed.node.id)


def _size(resource: Resource, _server: Server) -> str | None:
    return None if resource.is_past and resource.is_folder else str(resource.view.listed.size)


def _checksums(resource: Resource, _server: Server) -> str | None:
    sha256 = resource.view.listed.sha256
    return None if sha256 is None else f"<oc:checksum>SHA256:{sha256.hex()}</oc:checksum>"


def _win32_created(resource: Resource, _server: Server) -> str:
    return http_date(resource.view.listed.node.created_ms)


def _win32_attributes(resource: Resource, _server: Server) -> str:
    return "00000010" if resource.is_folder else "00000020"


_KEPT, _ROOM, _LOCKS = Wants(kept=True), Wants(room=True), Wants(locks=True)
_TOKEN = Wants(token=True)
LIVE: Final = {
    live.name: live
    for live in (
        Live(Name(DAV, "resourcetype"), _resourcetype, in_all=True),
        Live(Name(DAV, "getcontentlength"), _length, in_all=True),
        Live(Name(DAV, "getcontenttype"), _content_type, in_all=True),
        Live(Name(DAV, "getetag"), _etag, in_all=True),
        Live(Name(DAV, "getlastmodified"), _modified, in_all=True),
        Live(Name(DAV, "creationdate"), _created, _KEPT, in_all=True, is_settable=True),
        Live(Name(DAV, "displayname"), _displayname, in_all=True),
        Live(Name(DAV, "supportedlock"), _locks, in_all=True),
        Live(Name(DAV, "lockdiscovery"), _lock_discovery, _LOCKS, in_all=True),
        Live(Name(DAV, "quota-available-bytes"), _available, _ROOM),
        Live(Name(DAV, "quota-used-bytes"), _used, _ROOM),
        Live(Name(DAV, "supported-report-set"), _reports, _TOKEN),
        Live(Name(DAV, "sync-token"), _sync_token, _TOKEN),
        Live(Name(OC, "id"), _id),
        Live(Name(OC, "fileid"), _fileid),
        Live(Name(OC, "size"), _size),
        Live(Name(OC, "permissions"), lambda resource, _server: letters(resource)),
        Live(Name(OC, "checksums"), _checksums),
        Live(Name(NC, "creation_time"), lambda resource, _server: str(resource.view.listed.node.created_ms // 1000)),
        Live(Name(WIN32, "Win32CreationTime"), _win32_created, _KEPT, is_settable=True),
        Live(Name(WIN32, "Win32LastModifiedTime"), _modified, _KEPT, is_settable=True),
        Live(Name(WIN32, "Win32LastAccessTime"), _modified, _KEPT, is_settable=True),
        Live(Name(WIN32, "Win32FileAttributes"), _win32_attributes, _KEPT, is_settable=True),
    )
}
