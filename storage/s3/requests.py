"""Presigned requests to a bucket at one of its addresses: their URLs, and a way to make them ourselves."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from storage.base import ChunkId
from storage.s3.bucket import Bucket
from storage.s3.client import CONTENT_TYPE, AwayError
from storage.s3.sigv4 import Signer

LARGEST_ANSWER = 64 * 1024
_BUSY = 503


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered; `body` is at most its first 64 KiB."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of the status


class Requests:
    """Requests to a bucket as a client makes them that has only a URL."""

    def __init__(self, bucket: Bucket, endpoint: str) -> None:
        """Take the bucket, and by which of its addresses it is reached."""
        url = urlsplit(endpoint)
        host, path = (url.netloc, f"/{bucket.name}") if bucket.path_style else (f"{bucket.name}.{url.netloc}", "")
        self._root = f"{url.scheme}://{host}{path}"
        self._prefix = bucket.prefix
        self._bucket = bucket.name
        self._signer = Signer(bucket.access_key, bucket.secret_key, bucket.region)
        self._timeout = urllib3.Timeout(connect=bucket.connect_timeout_s, read=bucket.read_timeout_s)

    def url(
        self,
        method: str,
        key: str,
        *,
        at_s: int,
        lifetime_s: int,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> str:
        """Return a presigned URL of an object; see `Signer.presign`."""
        return self._signer.presign(
            method, self.open_url(key), at_s=at_s, lifetime_s=lifetime_s, headers=headers, query=query
        )

    def bucket_url(
        self, method: str, *, at_s: int, lifetime_s: int, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> str:
        """Return a presigned URL of the bucket itself."""
        return self._signer.presign(
            method, f"{self._root}/", at_s=at_s, lifetime_s=lifetime_s, headers=headers, query=query
        )

    def open_url(self, key: str) -> str:
        """Return the URL of an object, without any permission."""
        return f"{self._root}/{self._prefix}{key}"

    def source(self, key: str) -> str:
        """Return how a request names an object that is to be copied."""
        return f"/{self._bucket}/{self._prefix}{key}"

    def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """Make a request. Blocks.

        Raises:
            AwayError: there was no answer, or the server is too busy for one.
        """
        with urllib3.PoolManager(retries=False, timeout=self._timeout) as http:
            try:
                answer = http.request(
                    method, url, headers=dict(headers or {}), body=body or None, preload_content=False, redirect=False
                )
                told = answer.read(LARGEST_ANSWER)
                answer.release_conn()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise AwayError(type(error).__name__) from error  # its text may hold the URL
        if answer.status == _BUSY:
            raise AwayError(f"the server answered {answer.status}", is_busy=True)
        return Reply(answer.status, told)


def put_headers(chunk_id: ChunkId) -> dict[str, str]:
    """Return what a client must send with a chunk that it puts, besides its length."""
    return {"Content-Type": CONTENT_TYPE, "x-amz-checksum-sha256": base64.b64encode(chunk_id).decode()}
