"""A bucket as we use it, spoken to through the `minio` SDK; nothing else of ours knows that SDK.

Calls block, and fail with FileNotFoundError, StoreFullError or StoreUnavailableError. Keys are relative to the prefix.
"""

import base64
import contextlib
import hashlib
import re
from collections.abc import Collection, Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import REPLACE, CopySource
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.lifecycleconfig import Rule

from storage.errors import StorageError, StoreFullError, StoreUnavailableError
from storage.s3.bucket import Bucket

CONTENT_TYPE = "application/octet-stream"
"""The type of all objects."""
CONNECTIONS = 16
"""Most connections to the server at once."""
LARGEST = 32 * 1024 * 1024
"""No object of ours is longer; of one that is, so many bytes are read."""
_MISSING = frozenset({"NoSuchKey", "ResourceNotFound"})
_NO_ROOM = frozenset({"XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded"})
_BUSY = frozenset({"SlowDown", "SlowDownRead", "SlowDownWrite", "TooManyRequests", "RequestLimitExceeded"})
_NO_RULES = frozenset({"NoSuchLifecycleConfiguration", "NotImplemented", "MethodNotAllowed"})
_PASSING = frozenset({"InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "BadDigest"})
_CODE = re.compile(r"<Code>(\w+)</Code>")
_TRY_AGAIN_FROM = 500
_TOO_MANY = 429
_BEYOND = 416
_FULL = 507
_BUSY_STATUS = 503


class AwayError(StoreUnavailableError):
    """The server gave no answer, or not the one that was asked for.

    Attributes:
        passes: another try makes sense at once; else a person has to do something first.
        is_busy: the server asks for fewer calls.
    """

    def __init__(self, cause: str, *, passes: bool = True, is_busy: bool = False) -> None:
        super().__init__("the object server does not answer as it should: its state is in the log")
        self.cause = cause
        self.passes = passes
        self.is_busy = is_busy


class Client(Protocol):
    """What is asked of a bucket."""

    def put(self, key: str, content: bytes, *, is_new: bool = False) -> None:
        """Put one object, and see that the server has all of it; with `is_new` none is replaced if it heeds that."""

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return an object, or a part of it that lies within."""

    def copy(self, source: str, key: str, size: int) -> None:
        """Copy an object of a length within the bucket, and see that the server has all of it."""

    def size(self, key: str) -> int:
        """Return the length of an object in bytes."""

    def delete(self, keys: Collection[str]) -> None:
        """Remove up to 1,000 objects; one that is not there is fine."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that begin so."""

    def lengths(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield all keys that begin so, each with the length of its object in bytes."""

    def expiring(self) -> list[str]:
        """Return the rules by which the bucket lets objects of ours expire, by their names."""


class SdkClient:
    """Speaks to a bucket once for each call: who tries again, and how many do at once, is for others to say."""

    def __init__(self, bucket: Bucket) -> None:
        """Prepare connections; nothing is sent yet."""
        url = urlsplit(bucket.endpoint)
        self._bucket = bucket.name
        self._prefix = bucket.prefix
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=bucket.connect_timeout_s, read=bucket.read_timeout_s),
            maxsize=CONNECTIONS,
            retries=False,
        )
        self._sdk = Minio(
            url.netloc,
            access_key=bucket.access_key,
            secret_key=bucket.secret_key,
            secure=url.scheme == "https",
            region=bucket.region,
            http_client=self._http,
        )
        if not bucket.path_style:
            self._sdk.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call] # the SDK has left this one out

    def put(self, key: str, content: bytes, *, is_new: bool = False) -> None:
        """Put one object. Its two checksums are for the server to check; what it answers is checked here."""
        md5 = hashlib.md5(content, usedforsecurity=False)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-MD5": base64.b64encode(md5.digest()).decode(),
            "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            **({"If-None-Match": "*"} if is_new else {}),
        }
        with _translated():
            etag = put_with_headers(self._sdk, self._bucket, self._prefix + key, content, headers)
        if etag != md5.hexdigest() and self.size(key) != len(content):
            raise AwayError(f"the server has not kept the whole of {key}")

    def get(self, key: str, start: int = 0, size: int | None = None) -> bytes:
        """Return an object or a part of it; nothing where it ends before that part.

        It is what lies there, whatever coding its headers name: whoever puts an object may send those unsigned.
        """
        try:
            with _translated():
                response = self._sdk.get_object(self._bucket, self._prefix + key, offset=start, length=size or 0)
                try:
                    data = response.read(LARGEST, decode_content=False)
                    length = int(response.headers.get("Content-Length", len(data)))
                finally:
                    response.close()
                    response.release_conn()
        except EOFError:
            return b""
        if len(data) < min(length, LARGEST):
            raise AwayError(f"the answer for {key} was cut off")
        if size is not None and len(data) > size:  # a server that knows no ranges gave all of it
            return bytes(data[start : start + size])
        return bytes(data)

    def copy(self, source: str, key: str, size: int) -> None:
        """Copy an object within the bucket, without the headers that it was put with; its bytes do not come here."""
        with _translated():
            self._sdk.copy_object(
                self._bucket,
                self._prefix + key,
                CopySource(self._bucket, self._prefix + source),
                metadata={"Content-Type": CONTENT_TYPE},
                metadata_directive=REPLACE,
            )
        if self.size(key) != size:
            raise AwayError(f"the server has not copied the whole of {source}")

    def size(self, key: str) -> int:
        """Return the length of an object in bytes."""
        with _translated():
            return int(self._sdk.stat_object(self._bucket, self._prefix + key).size or 0)

    def delete(self, keys: Collection[str]) -> None:
        """Remove objects, and look at what became of each."""
        with _translated():
            objects = [DeleteObject(self._prefix + key) for key in keys]
            errors = [error for error in self._sdk.remove_objects(self._bucket, objects) if error.code not in _MISSING]
        if errors:
            raise AwayError(f"{len(errors)} objects were not removed: {errors[0].code} for {errors[0].name}")

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that begin so, page by page to the end."""
        return (key for key, _ in self.lengths(prefix))

    def lengths(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield all keys that begin so, and the lengths of their objects, page by page to the end."""
        with _translated():
            for found in self._sdk.list_objects(self._bucket, prefix=self._prefix + prefix, recursive=True):
                if not found.is_dir:
                    yield str(found.object_name).removeprefix(self._prefix), int(found.size or 0)

    def expiring(self) -> list[str]:
        """Return the rules by which the bucket lets objects of ours expire."""
        with _translated():
            try:
                config = self._sdk.get_bucket_lifecycle(self._bucket)
            except S3Error as error:
                if error.code in _NO_RULES:
                    return []
                raise
        return [rule.rule_id or "without a name" for rule in (config.rules if config else ()) if self._expires(rule)]

    def _expires(self, rule: Rule) -> bool:
        end = rule.expiration
        if rule.status != "Enabled" or end is None or (end.days is None and end.date is None):
            return False
        filtered = rule.rule_filter
        both = filtered.and_operator if filtered else None
        at = ((both.prefix if both else filtered.prefix) if filtered else "") or ""
        return at.startswith(self._prefix) or self._prefix.startswith(at)


def put_with_headers(sdk: Minio, bucket: str, key: str, content: bytes, headers: dict[str, str]) -> str:
    """Put an object with request headers of ours; return its ETag without quotes.

    The SDK's public call makes user metadata of them, in silence. This is the one place that knows its private one.
    """
    result = sdk._put_object(bucket, key, content, headers=dict(headers))  # noqa: SLF001 - see above; a test pins it
    return str(result.etag or "").strip('"')


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what the SDK and its HTTP raise into errors of ours."""
    try:
        yield
    except S3Error as error:
        raise _of_code(error.code or "", _status(error.response), str(error)) from error
    except ServerError as error:
        raise _of_code("", error.status_code, str(error)) from error
    except InvalidResponseError as error:
        code = _CODE.search(error._body or "")  # noqa: SLF001 - some servers give their XML another type
        raise _of_code(code[1] if code else "", int(error._code), str(error)) from error  # noqa: SLF001 - as above
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise AwayError(f"{type(error).__name__}: {error}") from error


def _of_code(code: str, status: int, told: str) -> StorageError | FileNotFoundError | EOFError:
    if code in _MISSING:  # a 404 of something in between says nothing about objects
        return FileNotFoundError(told)
    if status == _BEYOND:
        return EOFError(told)
    if code in _NO_ROOM or status == _FULL:
        return StoreFullError("the object server is full")
    is_busy = code in _BUSY or status in {_TOO_MANY, _BUSY_STATUS}
    return AwayError(told, passes=is_busy or code in _PASSING or status >= _TRY_AGAIN_FROM, is_busy=is_busy)


def _status(response: Any) -> int:
    return int(getattr(response, "status", 0) or 0)
