"""What a sender says that its bytes hash to, computed while they come in."""

import hashlib
import hmac
import zlib
from typing import Protocol

from app.errors import InvalidRequestError

_NAMES = {"SHA1": "sha1", "MD5": "md5", "SHA256": "sha256"}


class Running(Protocol):
    """A hash under way."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""

    def hexdigest(self) -> str:
        """Return what came so far, in small hexadecimal."""


class Adler32:
    """Adler-32 as a hash object (RFC 1950, 9); no proof against malice, but some programs know no other."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sum = 1

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        self._sum = zlib.adler32(data, self._sum)

    def hexdigest(self) -> str:
        """Return the sum in eight hexadecimal digits."""
        return f"{self._sum:08x}"


def running_hash(algorithm: str) -> Running:
    """Return a hash that has seen nothing yet, of SHA1, MD5, SHA256 or ADLER32.

    Raises:
        InvalidRequestError: it is another algorithm.
    """
    if algorithm == "ADLER32":
        return Adler32()
    if algorithm in _NAMES:
        return hashlib.new(_NAMES[algorithm], usedforsecurity=False)
    raise InvalidRequestError("A checksum is SHA1, MD5, SHA256 or ADLER32 here: leave others out.")


class Witness:
    """Holds the bytes of one body against what its sender says of them."""

    def __init__(self, algorithm: str, digest: str) -> None:
        """Take what is said.

        Args:
            algorithm: SHA1, MD5, SHA256 or ADLER32.
            digest: in hexadecimal; leading zeros of an ADLER32 may be left out.

        Raises:
            InvalidRequestError: it is another algorithm, which nobody here could hold it to.
        """
        self._digest = digest.lower()
        if algorithm == "ADLER32":
            self._digest = self._digest.rjust(8, "0")
        self._running = running_hash(algorithm)

    def update(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._running.update(piece)

    def require(self) -> None:
        """Refuse bytes that are not what their sender meant.

        Raises:
            InvalidRequestError: they hash to something else.
        """
        if not hmac.compare_digest(self._running.hexdigest(), self._digest):
            raise InvalidRequestError(
                "The bytes that came do not have the checksum that was announced: send them again."
            )
