"""Files out of a form that a page sends (multipart/form-data, RFC 7578), one after the other and never held whole."""

import re
from collections.abc import AsyncIterator
from email.message import Message

from app.errors import InvalidRequestError

FORM = "multipart/form-data"
HEAD_SIZE = 8 * 1024
_FILENAME = re.compile(rb'\bfilename="([^"]*)"', re.IGNORECASE)
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}  # as browsers write these, and nothing else, in a name
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,70}")


def boundary_of(content_type: str) -> bytes:
    """Return what stands between the parts.

    Raises:
        InvalidRequestError: the header names none that can be.
    """
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or _BOUNDARY.fullmatch(boundary) is None:
        raise InvalidRequestError("The form does not say what stands between its parts.")
    return boundary.encode("ascii")


class FormFiles:
    """Reads a form as it comes. What a part gives must be read to its end before the next one begins."""

    def __init__(self, pieces: AsyncIterator[bytes], boundary: bytes) -> None:
        """Take the body and what stands between its parts."""
        self._pieces = pieces
        self._border = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # the first border has no line before it

    async def names(self) -> AsyncIterator[str]:
        """Yield the name of each file in the form; fields that are no files, or that name none, are passed over.

        Raises:
            InvalidRequestError: the body is no such form, or ends too early.
        """
        async for _ in self.content():
            pass
        while not (await self._exactly(2)).startswith(b"--"):
            name = self._name_in(await self._head())
            if name:
                yield name
            else:
                async for _ in self.content():
                    pass

    async def content(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the part that was named last.

        Raises:
            InvalidRequestError: the body ends before the part does.
        """
        while (at := self._buffer.find(self._border)) < 0:
            sure = len(self._buffer) - len(self._border) + 1
            if sure > 0:
                piece = bytes(self._buffer[:sure])
                del self._buffer[:sure]
                yield piece
            await self._more()
        piece = bytes(self._buffer[:at])
        del self._buffer[: at + len(self._border)]
        if piece:
            yield piece

    async def _head(self) -> bytes:
        """Return the headers of a part, whose border has just been read."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > HEAD_SIZE:
                raise InvalidRequestError("A part of the form has headers without end.")
            await self._more()
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        return head

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def _more(self) -> None:
        piece = await anext(self._pieces, None)
        if piece is None:
            raise InvalidRequestError("The form ends in the middle.")
        self._buffer += piece

    @staticmethod
    def _name_in(head: bytes) -> str:
        """Return the file's name without a folder before it; "" where there is none."""
        found = _FILENAME.search(head)
        if found is None:
            return ""
        try:
            name = found[1].decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidRequestError("The name of a file is not UTF-8.") from error
        for escaped, character in _ESCAPED.items():
            name = name.replace(escaped, character)
        return name.rpartition("/")[2]
