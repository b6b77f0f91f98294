"""Signed URLs: a query string that says what it allows, under a MAC over every word of it."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from storage.base import WireEncoding
from storage.clock import ForwardClock
from storage.errors import BadSignatureError, UrlExpiredError
from storage.keyring import LONGEST_LIFETIME_S, SKEW_S, Key, Keyring

LABEL = "cairn-url-v1"

_WORD = r"[A-Za-z0-9._~-]{0,128}"
_NUMBER = r"0|[1-9][0-9]{0,15}"
_TEXT = r"[A-Za-z0-9_-]{0,2048}"
_QUERY = re.compile(
    rf"k=(?P<key>[A-Za-z0-9_-]{{1,32}})&z=(?P<size>{_NUMBER})&w=(?P<wire_size>{_NUMBER})"
    rf"&s=(?P<space>{_WORD})&c=(?P<claim>{_WORD})&u=(?P<user>{_WORD})&g=(?P<generation>{_NUMBER})"
    rf"&e=(?P<encodings>i?z?g?)&t=(?P<media_type>{_TEXT})&d=(?P<disposition>{_TEXT})"
    rf"&n=(?P<not_before>{_NUMBER})&x=(?P<expires>{_NUMBER})&m=(?P<mac>[A-Za-z0-9_-]{{43}})",
    re.ASCII,
)
_LETTERS = {WireEncoding.IDENTITY: "i", WireEncoding.ZSTD: "z", WireEncoding.GZIP: "g"}


class Operation(StrEnum):
    """What a signed URL may be used for."""

    PUT_CHUNK = "put-chunk"
    GET_CHUNK = "get-chunk"
    PUT_BUNDLE = "put-bundle"
    GET_CONTENT = "get-content"


@dataclass(frozen=True, slots=True)
class Grant:
    """All that one signed URL allows.

    Attributes:
        operation: what may be done.
        subject: to what: the chunk's hex id, the bundle's id, or `<file_id>.<version_id>`. It stands in the path.
        size: plain size in bytes that the subject has, or the most that a bundle may hold.
        wire_size: the most bytes that the body may have on the wire.
        space, user: ids of whose space and whose permission this is; words of letters, digits and `._~-`.
        claim: the upload, bundle or other grant that this belongs to; a word too.
        generation: counter of the user's credentials; the caller compares it.
        encodings: the content encodings that the body may have.
        media_type, disposition: the headers of the answer, empty where they do not apply.
        not_before_s, expires_s: Unix seconds by `UrlSigner.now_s`.
    """

    operation: Operation
    subject: str
    size: int
    wire_size: int
    space: str
    claim: str
    user: str
    generation: int
    not_before_s: int
    expires_s: int
    encodings: frozenset[WireEncoding] = frozenset()
    media_type: str = ""
    disposition: str = ""


class UrlSigner:
    """Signs and verifies the query strings of one server's URLs. Needs no database."""

    def __init__(
        self,
        instance_id: str,
        keyring: Keyring,
        now_s: Callable[[], float] = time.time,
        *,
        uptime_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the name of this server, which stands for host and scheme in the MAC, its keys and its wall clock."""
        self._instance_id = instance_id
        self._keyring = keyring
        self._clock = ForwardClock(now_s, mark_s=keyring.clock_mark_s(), uptime_s=uptime_s)
        self._mac_keys: dict[Key, bytes] = {}

    def now_s(self) -> int:
        """Return the Unix time by which URLs live: the wall clock, save that it never goes back."""
        return self._clock.now_s()

    def tend(self) -> None:
        """Keep the clock's mark, rotate the keys when it is time. To be called at start, each minute, and at the end.

        Blocks on the disk, so call it in a worker thread.
        """
        now_s = self.now_s()
        self._keyring.tend(now_s)
        self._keyring.keep_clock_mark(now_s)
        self._mac_keys.clear()

    def sign(self, grant: Grant) -> str:
        """Return the query string of a URL that allows `grant`, ready to follow the `?`.

        Raises:
            ValueError: a field is outside its alphabet or range, or the lifetime is over 24 h.
            KeyFileError: the keys are unusable.
        """
        if not 0 <= grant.expires_s - grant.not_before_s <= LONGEST_LIFETIME_S:
            raise ValueError("a signed URL lives at most 24 hours")
        query = self._signed(grant, self._keyring.current)
        if _QUERY.fullmatch(query) is None:
            raise ValueError("a field of the grant cannot be signed")
        return query

    def verify(self, operation: Operation, subject: str, query_string: str) -> Grant:
        """Return what the URL allows, if this server signed it for `operation` and `subject` and it is its time.

        Args:
            operation: what is being asked, from method and path.
            subject: the path's part that names the object, as in `Grant`.
            query_string: raw, as received: without `?`, not decoded.

        Raises:
            BadSignatureError: anything about it is not as it was signed.
            UrlExpiredError: it is over, or not yet begun, by more than the skew of 60 s.
            KeyFileError: the keys are unusable.
        """
        match = _QUERY.fullmatch(query_string)
        key = self._keyring.find(match["key"]) if match else None
        if match is None or key is None:
            raise BadSignatureError("the address is not one of this server")
        grant = _parsed(operation, subject, match)
        # The whole string is compared, not the MAC alone: a second spelling of the same values is refused as well.
        if not hmac.compare_digest(self._signed(grant, key).encode(), query_string.encode()):
            raise BadSignatureError("the address is not one of this server")
        if not grant.not_before_s - SKEW_S <= self.now_s() <= grant.expires_s + SKEW_S:
            raise UrlExpiredError("the address has expired")
        return grant

    def _signed(self, grant: Grant, key: Key) -> str:
        """Return the one spelling of a grant's query string, MAC included."""
        fields = _fields(grant)
        mac_key = self._mac_keys.get(key)
        if mac_key is None:
            mac_key = self._mac_keys[key] = key.derive(LABEL, self._instance_id.encode())
        message = [LABEL, self._instance_id, key.key_id, grant.operation.value, grant.subject, *fields.values()]
        mac = hmac.digest(mac_key, pack_fields(message), hashlib.sha256)
        items = "&".join(f"{name}={value}" for name, value in fields.items())
        return f"k={key.key_id}&{items}&m={_to_text(mac)}"


def pack_fields(fields: list[str]) -> bytes:
    """Return the fields as UTF-8, each after its length in 4 bytes, so that no value can imitate a border."""
    packed = bytearray()
    for value in fields:
        data = value.encode()
        packed += len(data).to_bytes(4, "big") + data
    return bytes(packed)


def _fields(grant: Grant) -> dict[str, str]:
    """Return the items of the query string between key id and MAC, in their order."""
    return {
        "z": str(grant.size),
        "w": str(grant.wire_size),
        "s": grant.space,
        "c": grant.claim,
        "u": grant.user,
        "g": str(grant.generation),
        "e": "".join(letter for encoding, letter in _LETTERS.items() if encoding in grant.encodings),
        "t": _to_text(grant.media_type.encode()),
        "d": _to_text(grant.disposition.encode()),
        "n": str(grant.not_before_s),
        "x": str(grant.expires_s),
    }


def _parsed(operation: Operation, subject: str, match: re.Match[str]) -> Grant:
    try:
        media_type, disposition = (_from_text(match[name]).decode() for name in ("media_type", "disposition"))
    except ValueError as error:
        raise BadSignatureError("the address is not one of this server") from error
    return Grant(
        operation=operation,
        subject=subject,
        size=int(match["size"]),
        wire_size=int(match["wire_size"]),
        space=match["space"],
        claim=match["claim"],
        user=match["user"],
        generation=int(match["generation"]),
        not_before_s=int(match["not_before"]),
        expires_s=int(match["expires"]),
        encodings=frozenset(encoding for encoding, letter in _LETTERS.items() if letter in match["encodings"]),
        media_type=media_type,
        disposition=disposition,
    )


def _to_text(data: bytes) -> str:
    """Return unpadded base64url, whose alphabet no proxy or browser touches."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_text(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
