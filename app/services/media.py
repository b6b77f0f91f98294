"""How content is shown to whoever fetches it: inline only where that is harmless (security.md, O1 and O3)."""

import mimetypes
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from app.errors import InvalidRequestError

BINARY = "application/octet-stream"
_SYNTAX = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}")
_INLINE = frozenset(
    {
        "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif",
        "audio/mpeg", "audio/mp4", "audio/ogg", "audio/flac", "audio/wav", "audio/webm",
        "video/mp4", "video/webm", "video/ogg", "video/quicktime",
    }
)  # fmt: skip
_TEXT = "text/plain; charset=utf-8"
PDF = "application/pdf"
_UNQUOTABLE = re.compile(r"[^ !#$&+.0-9A-Z^_`a-z{}~()\[\]=@,-]")


@dataclass(frozen=True, slots=True)
class Presentation:
    """The headers Content-Type and Content-Disposition."""

    media_type: str
    disposition: str


def check_content_type(content_type: str) -> str:
    """Return a content type in lower case, without parameters.

    Raises:
        InvalidRequestError: it is not of the form `type/subtype` (RFC 6838, 4.2).
    """
    plain = plain_type(content_type)
    if _SYNTAX.fullmatch(plain) is None:
        raise InvalidRequestError("A content type looks like image/jpeg.")
    return plain


def take_content_type(said: str, name: str, *, unsaid: Collection[str]) -> str:
    """Return the content type that a door was told, or the one that the name suggests where that is of `unsaid`.

    Raises:
        InvalidRequestError: what was said is none.
    """
    return guess_content_type(name) if plain_type(said) in unsaid else check_content_type(said)


def plain_type(content_type: str) -> str:
    """Return a content type in lower case and without parameters, whether it can be one or not."""
    return content_type.partition(";")[0].strip().lower()


def guess_content_type(name: str) -> str:
    """Return the content type that a name's ending suggests."""
    return mimetypes.guess_type(name, strict=False)[0] or BINARY


def is_inline(name: str, content_type: str) -> bool:
    """Tell whether a browser may show a file by itself: stored type and name must both be of the harmless kinds."""
    return content_type in _INLINE | {"text/plain"} and guess_content_type(name) == content_type


def is_viewable(name: str, content_type: str) -> bool:
    """Tell whether our own pages can show a file: what a browser shows by itself, PDF, and any text."""
    return is_inline(name, content_type) or content_type == PDF or content_type.startswith("text/")


def present_as(name: str, content_type: str, *, download: bool) -> Presentation:
    """Return how a file is served: scripts, pages and unknown things only as a download of plain bytes."""
    inline = not download and is_inline(name, content_type)
    shown = "inline" if inline else "attachment"
    if inline and content_type == "text/plain":
        media_type = _TEXT
    else:
        media_type = content_type if content_type in _INLINE else BINARY
    return Presentation(media_type, content_disposition(shown, name))


def present_framed(name: str, content_type: str) -> Presentation:
    """Return how a file is served to a frame of our own pages: a PDF to be shown there, all else as always.

    A browser's viewer of PDFs runs apart from pages, also from those of the PDF's own origin; that nothing else comes
    as a PDF, and a PDF as nothing else, is what the type and `nosniff` see to.
    """
    if content_type == PDF and guess_content_type(name) == PDF:
        return Presentation(PDF, content_disposition("inline", name))
    return present_as(name, content_type, download=False)


def content_disposition(kind: str, name: str) -> str:
    """Return a Content-Disposition value: an ASCII name for old clients and the exact one (RFC 6266, 4.3)."""
    plain = _UNQUOTABLE.sub("_", name)
    exact = quote(name, safe="!#$&+-.^_`|~")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}"
