"""Pictures, harmless and hostile, and how people look at small ones of them."""

import io
import struct
import zlib
from http import HTTPStatus
from typing import Any

from PIL import Image

from tests.accounts.api import Reply
from tests.api.people import Person

PNG = b"\x89PNG\r\n\x1a\n"


def picture(size: tuple[int, int] = (400, 300), kind: str = "JPEG", mode: str = "RGB", **saved: Any) -> bytes:
    """Return a picture whose left half is red and whose right half is blue."""
    width, height = size
    drawn = Image.new("RGB", size, "red")
    drawn.paste("blue", (width // 2, 0, width, height))
    body = io.BytesIO()
    drawn.convert(mode).save(body, kind, **saved)
    return body.getvalue()


def opened(reply: Reply) -> Image.Image:
    """Return the picture that was answered."""
    assert reply.status == HTTPStatus.OK, (reply.status, reply.body)
    return Image.open(io.BytesIO(reply.body))


def colour(shown: Image.Image, across: float, down: float) -> str:
    """Tell which of the three colours is at a place, as parts of width and height."""
    dot = shown.convert("RGB").getpixel((int(shown.width * across), int(shown.height * down)))
    assert isinstance(dot, tuple)
    return ("red", "green", "blue")[dot.index(max(dot))]


async def look(
    person: Person, file: Any, size: int = 256, *, version_id: str | None = None, known: str | None = None
) -> Reply:
    """Ask for a thumbnail; `known` is the etag of the one that is there already."""
    query = f"size={size}" + (f"&version_id={version_id}" if version_id else "")
    headers = {} if known is None else {"If-None-Match": known}
    return await person.call("GET", f"/api/v1/files/{file['file_id']}/thumbnail?{query}", headers=headers)


def png(width: int, height: int, data: bytes) -> bytes:
    """Return a grey PNG that announces a size, whatever its data."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return PNG + _piece(b"IHDR", head) + _piece(b"IDAT", data) + _piece(b"IEND", b"")


def _piece(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def long_gif(frames: int) -> bytes:
    """Return a GIF of so many frames of four dots."""
    head = bytes.fromhex("47494638396102000200810000ff00000000ff000000000000")
    return head + bytes.fromhex("2c000000000200020000080600010410181000") * frames + b";"
