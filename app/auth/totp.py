"""Time-based one-time passwords (RFC 6238: SHA-1, 6 digits, 30 s), and the recovery codes beside them."""

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import quote, urlencode

STEP_S = 30
SKEW_STEPS = 1
DIGITS = 6
SECRET_SIZE = 20  # as long as a SHA-1, which RFC 4226, 4 recommends
RECOVERY_CODES = 10
_RECOVERY_SIZE = 10  # 80 bits
_CODE = re.compile(r"[0-9]{6}")
_RECOVERY = re.compile(r"[a-z2-7]{16}")
_LONGEST_TYPED = 64


def make_secret() -> bytes:
    """Return a new secret, to be shared with an authenticator app."""
    return secrets.token_bytes(SECRET_SIZE)


def write_secret(secret: bytes) -> str:
    """Return a secret as people type it into such an app: base 32."""
    return base64.b32encode(secret).decode()


def uri_of(secret: bytes, *, username: str, issuer: str) -> str:
    """Return the `otpauth:` URI that such an app reads from a QR code."""
    label = f"{quote(issuer, safe='')}:{quote(username, safe='')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': write_secret(secret), 'issuer': issuer}, quote_via=quote)}"


def code_at(secret: bytes, step: int) -> str:
    """Return the code of one time step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, typed: str, *, now_s: float, after: int) -> int | None:
    """Return the time step whose code this is: the present one or a neighbour, and later than `after`; else None.

    Args:
        typed: as a person types it, with or without a gap.
        now_s: Unix seconds.
        after: the last step whose code was used: none counts twice.
    """
    code = typed.replace(" ", "")
    if _CODE.fullmatch(code) is None:
        return None
    present = int(now_s) // STEP_S
    found = None
    for step in range(present - SKEW_STEPS, present + SKEW_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step), code) and step > after:
            found = step
    return found


def make_recovery_codes() -> list[str]:
    """Return new recovery codes, in groups of four, as they are shown, once."""
    codes = [base64.b32encode(secrets.token_bytes(_RECOVERY_SIZE)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def digest_of_recovery(typed: str) -> bytes | None:
    """Return what the database keeps of a recovery code, however its groups were typed; None if it has no such form."""
    if len(typed) > _LONGEST_TYPED:
        return None
    plain = typed.lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).digest() if _RECOVERY.fullmatch(plain) else None
