"""Tokens and app passwords: how they look, what is kept of them, how they are compared (security.md, S1, S5).

A token is `cairn_<device id>_<secret>`. The id finds the row; the secret is 256 random bits, of which only the SHA-256
is kept. That needs no slow hash: nobody guesses 256 bits.

An app password is typed by people: six groups of five letters and digits, none of which looks like another. The first
group finds the row, the other five are 125 random bits, too many to guess as well.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

SECRET_SIZE = 32
_FORM = re.compile(r"cairn_([a-z0-9]{1,64})_([A-Za-z0-9_-]{43})")
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_CSRF = b"cairn-csrf-v1"
_GROUPS, _GROUP_LENGTH = 6, 5
_APP_FORM = re.compile(f"[{_LETTERS}]{{{_GROUPS * _GROUP_LENGTH}}}")
_LONGEST_TYPED = 64


@dataclass(frozen=True, slots=True)
class Presented:
    """A token or app password as a client showed it, the secret already hashed.

    Attributes:
        public_id: the part by which its row is found: a device's or session's id, or an app password's locator.
    """

    public_id: str
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


def csrf_token_of(session: str) -> str:
    """Return what a page must show beside the cookie `session`: whoever cannot read the answers cannot know it."""
    return hmac.digest(session.encode(), _CSRF, "sha256").hex()


def is_csrf_token_of(session: str, shown: str | None) -> bool:
    """Compare in constant time."""
    return shown is not None and hmac.compare_digest(csrf_token_of(session).encode(), shown.encode("utf-8", "replace"))


def make_app_password() -> str:
    """Return a new app password in groups, as it is shown, once."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def read_app_password(typed: str) -> Presented | None:
    """Return what an app password claims, however its groups were typed, or None if it has not the form of one."""
    if len(typed) > _LONGEST_TYPED:
        return None
    plain = typed.lower().replace("-", "").replace(" ", "")
    return Presented(plain[:_GROUP_LENGTH], digest_of(plain)) if _APP_FORM.fullmatch(plain) else None
