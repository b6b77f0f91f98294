"""Secrets that work once and that people pass on: links of invitations, codes of resets. Only their SHA-256 is kept."""

import re
import secrets
from dataclasses import dataclass

SECRET_SIZE = 16
_LINK = re.compile(r"([0-9a-v]{21})([A-Za-z0-9_-]{22})")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter that is taken for a digit
_MISREAD = str.maketrans("OIL", "011", "- ")
_GROUPS, _GROUP_LENGTH = 4, 5


@dataclass(frozen=True, slots=True)
class Shown:
    """A link's token as somebody shows it: the id finds the row, the secret of 128 random bits proves it."""

    invitation_id: str
    secret: str

    def __repr__(self) -> str:
        """Show no secret, whatever this lands in."""
        return f"Shown({self.invitation_id!r})"


def make_secret() -> str:
    """Return 128 random bits as 22 characters of the URL-safe alphabet."""
    return secrets.token_urlsafe(SECRET_SIZE)


def read_link(token: str) -> Shown | None:
    """Return what a link's token claims, or None if it has not the form of one: the id, then the secret."""
    found = _LINK.fullmatch(token)
    return Shown(found[1], found[2]) if found else None


def make_code() -> str:
    """Return 100 random bits as a person can read them out: four groups of five."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def read_code(text: str) -> str:
    """Return a code as it was made, however it was typed: in small letters, without dashes, with O for 0."""
    plain = text.upper().translate(_MISREAD)
    return "-".join(plain[at : at + _GROUP_LENGTH] for at in range(0, len(plain), _GROUP_LENGTH))
