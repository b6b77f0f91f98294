"""Paths as WebDAV programs write them: read from the raw request, decoded once, and given back as they came."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

from aiohttp import web

from app.dav.problems import DavError
from app.dav.when import when_of
from app.errors import ForbiddenError, InvalidRequestError, NotFoundError
from app.keys import SERVICES
from app.services.locks import Place
from app.services.names import split_path

DOOR: Final = "/dav"
SAFE: Final = "!$&'()*+,;=:@-._~"
"""What stands in a segment as it is (RFC 3986, 3.3)."""
_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSAFE = re.compile(r"[^A-Za-z0-9!$&'()*+,;=:@._~%/-]")
_NOT_SAFE = re.compile(r"[^A-Za-z0-9!$&'()*+,;=:@._~-]+")
_PREFIX = re.compile(r"(/[A-Za-z0-9!$&'()*+,;=:@._~%-]+)*/?")
_ABSOLUTE = re.compile(r"(?i:https?)://([^/?#]*)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """What a request, or its Destination, is about.

    Attributes:
        names: of the folders from the view's root down, and of the resource; empty for the root itself.
        moment: where the path begins with a time (`@2026-11-01`), what stands behind the `@`; "" of `@` alone, where
            days are listed; None for the present.
        slash: whether it was written with a slash at its end, as folders are.
        href: the path as the client wrote it, prefix of a proxy included, without the slash at its end.
        door: the names that say the moment.
    """

    names: tuple[str, ...]
    moment: str | None
    slash: bool
    href: str
    door: tuple[str, ...] = ()

    @property
    def present(self) -> "Target":
        """What it would be if the names that say a moment were names like others."""
        return replace(self, names=(*self.door, *self.names), moment=None, door=())

    @property
    def path(self) -> str:
        """The path in the view, as services take it."""
        return "/" + "/".join(self.names)

    @property
    def name(self) -> str:
        """The last name; "" of the root."""
        return self.names[-1] if self.names else ""

    @property
    def parent(self) -> "Target":
        """The folder that it is in; of the root, itself."""
        if not self.names:
            return self
        return replace(self, names=self.names[:-1], slash=True, href=self.href.rpartition("/")[0])

    def self_href(self, *, is_folder: bool) -> str:
        """Return how answers name it: a folder with a slash at its end."""
        return f"{self.href}/" if is_folder else self.href

    def child_href(self, name: str, *, is_folder: bool) -> str:
        """Return how answers name something in it."""
        return f"{self.href}/{quoted(name)}{'/' if is_folder else ''}"

    def below_href(self, names: Sequence[str], *, is_folder: bool) -> str:
        """Return how answers name something below it."""
        way = "/".join(map(quoted, names))
        return f"{self.href}/{way}{'/' if is_folder else ''}"


def quoted(name: str) -> str:
    """Return a name as a segment of a path; of most names nothing is touched, and a listing has many."""
    return name if _NOT_SAFE.search(name) is None else _NOT_SAFE.sub(lambda found: _escaped(found[0]), name)


@lru_cache(maxsize=1024)
def _escaped(unsafe: str) -> str:
    return quote(unsafe, safe="")


def target_of(request: web.Request) -> Target:
    """Return what a request is about.

    Raises:
        InvalidRequestError: the path is not one that can be (security.md, I2).
        NotFoundError: it begins in another way, and is this door's in an encoding alone.
    """
    raw = request.raw_path
    absolute = _ABSOLUTE.fullmatch(raw)
    path = (raw if absolute is None else absolute[2]).partition("?")[0]
    if not path.startswith(DOOR):
        raise NotFoundError("There is nothing at this path.")
    return _target(path.removeprefix(DOOR), prefix_of(request) + DOOR)


def destination_of(request: web.Request) -> Target:
    """Return where a MOVE or COPY goes: a path, or a URL of this server (nextcloud-clients.md 1.6, security.md P8).

    Raises:
        InvalidRequestError: the header is missing, stands twice, or is no such thing.
        ForbiddenError: it is on this server, and not behind this door.
        DavError: it is another server's: 502.
    """
    given = request.headers.getall("Destination", [])
    if len(given) != 1:
        raise InvalidRequestError("Say where it goes in one Destination header.")
    return located(request, given[0].strip())


def located(request: web.Request, path: str) -> Target:
    """Return what a header of this request names by a path or URL; raises as `destination_of` does."""
    absolute = _ABSOLUTE.fullmatch(path)
    if absolute is not None:
        if not _is_own(request, absolute[1]):
            raise DavError(
                HTTPStatus.BAD_GATEWAY,
                "That is on another server. If it is this one behind a proxy: set server.public_url.",
            )
        path = absolute[2]
    if not path.startswith("/") or path.startswith("//") or "?" in path or "#" in path:
        raise InvalidRequestError("A place is named by an absolute path or a URL, without query and fragment.")
    prefix = prefix_of(request)
    for door in dict.fromkeys((prefix + DOOR, DOOR)):
        if path == door or path.startswith(f"{door}/"):
            return _target(path.removeprefix(door), door)
    raise ForbiddenError("That is not behind this door.")


def hrefs_of(request: web.Request) -> Callable[[Place], str]:
    """Return what gives how answers name what is somewhere in the view, whatever the request is about."""
    base = prefix_of(request) + DOOR

    def href(place: Place) -> str:
        slash = "/" if place.is_folder and place.path != "/" else ""
        return f"{base}{quote(place.path, safe=SAFE + '/')}{slash}"

    return href


def prefix_of(request: web.Request) -> str:
    """Return what a proxy takes from the front of paths: every href must begin with what the client asked for.

    A trusted proxy says so in X-Forwarded-Prefix; else it is the path of the public URL, if the request came by that.
    """
    services, headers = request.app[SERVICES], request.headers
    is_trusted = services.proxies.is_trusted(request.remote)
    if is_trusted:
        told = headers.get("X-Forwarded-Prefix", "").strip()
        if told:
            return told.rstrip("/") if _PREFIX.fullmatch(told) else ""
    public = urlsplit(services.settings.server.public_url)
    if not public.path.strip("/"):
        return ""
    came_by_it = is_trusted or headers.get("Host", "").lower() == public.netloc.lower()
    return public.path.rstrip("/") if came_by_it else ""


def _target(path: str, base: str) -> Target:
    if "#" in path or _ESCAPES.search(path) is not None:
        raise InvalidRequestError("The path is not well-formed: write a percent sign as %25, a # as %23.")
    names = [_decode(segment) for segment in path.split("/") if segment]
    door, moment = _moment_in(names)
    names = names[len(door) :]
    written = _UNSAFE.sub(lambda match: quote(match[0].encode("utf-8", "surrogateescape"), safe=""), path.rstrip("/"))
    return Target(tuple(split_path("/" + "/".join(names))), moment, path.endswith("/"), base + written, door)


def _moment_in(names: list[str]) -> tuple[tuple[str, ...], str | None]:
    """Return the names that say a moment, and that; `@/@2026-11-01` says the same as `@2026-11-01`."""
    if names[:1] == ["@"]:
        inner = names[1].removeprefix("@") if len(names) > 1 else ""
        return (("@", names[1]), inner) if when_of(inner) is not None else (("@",), "")
    if names and names[0].startswith("@") and when_of(names[0][1:]) is not None:
        return (names[0],), names[0][1:]
    return (), None


def _decode(segment: str) -> str:
    try:
        name = unquote_to_bytes(segment.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeError as error:
        raise InvalidRequestError("The path is not UTF-8.") from error
    if "/" in name:
        raise InvalidRequestError("A name must not hold '/'.")
    return name


def _is_own(request: web.Request, authority: str) -> bool:
    """Tell whether a Destination names this server; ports are no matter, for proxies have others."""
    services, headers = request.app[SERVICES], request.headers
    own = {_host(headers.get("Host", "")), *services.settings.server.host_names}
    if services.proxies.is_trusted(request.remote):
        own |= {_host(host) for field in headers.getall("X-Forwarded-Host", []) for host in field.split(",")}
    return _host(authority) in own - {""}


def _host(authority: str) -> str:
    """Return the host of `user@host:port`, in lower case."""
    host = authority.strip().rpartition("@")[2].lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].removesuffix(".")
