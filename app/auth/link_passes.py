"""What a browser keeps once it has shown a link's password: bound to that link and that password, for half a day."""

import hashlib
import hmac
import re
from collections.abc import Callable

from storage.keyring import Keyring
from storage.signing import pack_fields

LABEL = "cairn-link-pass-v1"
LIFETIME_S = 12 * 3600
_FORM = re.compile(r"(?P<key>[A-Za-z0-9_-]{11})\.(?P<expires>[1-9][0-9]{0,11})\.(?P<mac>[0-9a-f]{64})", re.ASCII)


class LinkPasses:
    """Makes and judges passes. Their keys are derived from those of signed URLs and rotate with them."""

    def __init__(self, instance_id: str, keyring: Keyring, now_s: Callable[[], int]) -> None:
        """Take the name of this server, its keys, and its clock, which does not go back."""
        self._instance_id = instance_id
        self._keyring = keyring
        self._now_s = now_s

    def make(self, link_id: int, generation: int) -> str:
        """Return a pass for whoever has shown the password of this generation."""
        key, expires_s = self._keyring.current, self._now_s() + LIFETIME_S
        return f"{key.key_id}.{expires_s}.{self._mac(key.derive(LABEL), link_id, generation, expires_s)}"

    def is_good(self, text: str, link_id: int, generation: int) -> bool:
        """Say whether a pass was made for this link and password, and has not ended."""
        found = _FORM.fullmatch(text)
        key = None if found is None else self._keyring.find(found["key"])
        if found is None or key is None:
            return False
        expires_s = int(found["expires"])
        right = self._mac(key.derive(LABEL), link_id, generation, expires_s)
        return hmac.compare_digest(found["mac"], right) and self._now_s() < expires_s

    def _mac(self, key: bytes, link_id: int, generation: int, expires_s: int) -> str:
        message = pack_fields([LABEL, self._instance_id, str(link_id), str(generation), str(expires_s)])
        return hmac.digest(key, message, hashlib.sha256).hex()
