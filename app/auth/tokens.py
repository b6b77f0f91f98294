"""Bearer tokens: how they look, what is kept of them, how they are compared (security.md, S1).

A token is `cairn_<device id>_<secret>`. The id finds the row; the secret is 256 random bits, of which only the SHA-256
is kept. That needs no slow hash: nobody guesses 256 bits.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

SECRET_SIZE = 32
_FORM = re.compile(r"cairn_([a-z0-9]{1,64})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Presented:
    """A token as a client showed it, the secret already hashed."""

    device_id: str
    digest: bytes

    def proves(self, stored: bytes | None) -> bool:
        """Compare with the stored digest in constant time; None, where nothing is stored, is proved by nothing."""
        return stored is not None and hmac.compare_digest(self.digest, stored)


def make_secret() -> str:
    """Return 256 random bits as 43 characters of the URL-safe alphabet."""
    return secrets.token_urlsafe(SECRET_SIZE)


def digest_of(secret: str) -> bytes:
    """Return what the database keeps of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def is_digest_of(secret: str, stored: bytes | None) -> bool:
    """Compare a secret with a stored digest in constant time; None, where nothing is stored, matches nothing."""
    return stored is not None and hmac.compare_digest(digest_of(secret), stored)


def write(device_id: str, secret: str) -> str:
    """Return the token that the device is given, once."""
    return f"cairn_{device_id}_{secret}"


def read(token: str) -> Presented | None:
    """Return what a token claims, or None if it has not the form of one."""
    found = _FORM.fullmatch(token)
    return Presented(found[1], digest_of(found[2])) if found else None
