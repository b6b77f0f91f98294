"""Lets the pages of this server, and no others, speak to the bucket from a browser. The SDK has no calls for this."""

import base64
import hashlib
import logging
import time
from html import escape

from storage.s3.client import AwayError
from storage.s3.requests import Requests

_LIFETIME_S = 60
_NAME = "<ID>cairn</ID>"
_TYPE = "application/xml"

_log = logging.getLogger(__name__)


def allow_browsers(requests: Requests, origin: str) -> None:
    """Set the rule, unless it is there. What cannot be set is told, and browsers then send through this server.

    Args:
        requests: to the bucket.
        origin: of our pages: scheme, host and port.

    """
    try:
        _set_rule(requests, origin)
    except AwayError as error:
        _log.warning("the CORS rule of the bucket could not be set: %s", error.cause)


def _set_rule(requests: Requests, origin: str) -> None:
    now_s = int(time.time())
    asked = requests.bucket_url("GET", at_s=now_s, lifetime_s=_LIFETIME_S, headers={}, query={"cors": ""})
    there = requests.send("GET", asked)
    rules = there.body.decode("utf-8", "replace") if there.is_success else ""
    if _NAME in rules and f"<AllowedOrigin>{escape(origin)}</AllowedOrigin>" in rules:
        return
    if "<CORSRule" in rules and _NAME not in rules:
        _log.warning("the bucket has CORS rules of its own: see docs/storage.md for the one that our pages need")
        return
    rule = (
        f"<CORSConfiguration><CORSRule>{_NAME}<AllowedOrigin>{escape(origin)}</AllowedOrigin>"
        "<AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod>"
        "<AllowedHeader>content-type</AllowedHeader><AllowedHeader>x-amz-checksum-sha256</AllowedHeader>"
        "<MaxAgeSeconds>3600</MaxAgeSeconds></CORSRule></CORSConfiguration>"
    ).encode()
    md5 = base64.b64encode(hashlib.md5(rule, usedforsecurity=False).digest()).decode()
    headers = {"Content-Type": _TYPE, "Content-MD5": md5}
    url = requests.bucket_url("PUT", at_s=now_s, lifetime_s=_LIFETIME_S, headers=headers, query={"cors": ""})
    if not requests.send("PUT", url, headers=headers, body=rule).is_success:
        _log.warning("the bucket takes no CORS rule: browsers go on to send through this server")
