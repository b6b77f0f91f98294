"""Presigned URLs of an S3 server: AWS Signature Version 4 in the query, over what a request says in its headers too.

The SDK signs the host alone, so whoever has such a URL may put any bytes of any length. Source: "Authenticating
Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

LONGEST_LIFETIME_S = 7 * 86_400
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a key of an account, and the region that its signatures are for."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str

    def presign(
        self,
        method: str,
        url: str,
        *,
        at_s: int,
        lifetime_s: int,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> str:
        """Return `url` with a signature in its query. Needs no network.

        Args:
            method: the HTTP method, in capitals.
            url: scheme, host and path, not encoded, without a query.
            at_s: Unix time in seconds from which on it is good.
            lifetime_s: for so long.
            headers: what the request must carry as well, with just these values; the host is signed in any case.
            query: further parameters, such as those that choose headers of the answer.

        Raises:
            ValueError: the lifetime is none that a server takes.
        """
        if not 0 < lifetime_s <= LONGEST_LIFETIME_S:
            raise ValueError("a presigned URL lives for at most seven days")
        parts = urlsplit(url)
        signed = {name.lower(): " ".join(value.split()) for name, value in (headers or {}).items()}
        signed["host"] = parts.netloc
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at_s))
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        names = ";".join(sorted(signed))
        said = {
            **(query or {}),
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(lifetime_s),
            "X-Amz-SignedHeaders": names,
        }
        path = quote(parts.path or "/", safe="/~")
        items = sorted((_encoded(name), _encoded(value)) for name, value in said.items())
        asked = "&".join(f"{name}={value}" for name, value in items)
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        canonical = f"{method}\n{path}\n{asked}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key(moment[:8]), text.encode(), hashlib.sha256).hex()
        return f"{parts.scheme}://{parts.netloc}{path}?{asked}&X-Amz-Signature={signature}"

    def _key(self, day: str) -> bytes:
        """Return the key of a day, a region and this service."""
        key = f"AWS4{self.secret_key}".encode()
        for word in (day, self.region, "s3", "aws4_request"):
            key = hmac.digest(key, word.encode(), hashlib.sha256)
        return key


def _encoded(text: str) -> str:
    return quote(text, safe="~")
