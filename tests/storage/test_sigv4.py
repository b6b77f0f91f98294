"""Presigned URLs, against what AWS has published, what the SDK makes, and real servers."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import urllib3
from minio import Minio

from storage.s3.sigv4 import Signer
from tests.storage.conftest import Servers
from tests.storage.servers import BUCKET, KEY, SECRET

EXAMPLE = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
FRIDAY_S = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp())


def test_published_example_of_a_presigned_get() -> None:
    """Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"."""
    url = EXAMPLE.presign("GET", "https://examplebucket.s3.amazonaws.com/test.txt", at_s=FRIDAY_S, lifetime_s=86_400)

    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


@pytest.mark.parametrize("key", ["plain", "a/b/c", "with space", "ümläut~-._", "a+b=c&d"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_sdk_signs_the_same(method: str, key: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    sdk = Minio("s3.example.org:9000", access_key=KEY, secret_key=SECRET, region="eu-west-3")
    further: dict[str, str | list[str] | tuple[str]] = (
        {"response-content-disposition": "attachment; filename=ä b"} if method == "GET" else {}
    )

    theirs = sdk.get_presigned_url(
        method, BUCKET, key, expires=timedelta(minutes=5), extra_query_params=further, request_date=now
    )
    ours = Signer(KEY, SECRET, "eu-west-3").presign(
        method,
        f"https://s3.example.org:9000/{BUCKET}/{key}",
        at_s=int(now.timestamp()),
        lifetime_s=300,
        query={name: str(value) for name, value in further.items()},
    )

    assert urlsplit(ours)[:3] == urlsplit(theirs)[:3]
    assert sorted(urlsplit(ours).query.split("&")) == sorted(urlsplit(theirs).query.split("&"))


@pytest.mark.parametrize("kind", ["seaweedfs", "rclone"])
def test_real_server_heeds_each_header_that_was_signed(servers: Servers, kind: str) -> None:
    endpoint = servers.get(kind).bucket.endpoint
    http, headers = urllib3.PoolManager(retries=False), {"Content-Type": "text/plain", "Content-Length": "5"}
    url = Signer(KEY, SECRET, "us-east-1").presign(
        "PUT", f"{endpoint}/{BUCKET}/signed/some one", at_s=int(time.time()), lifetime_s=60, headers=headers
    )

    other_type = http.request("PUT", url, body=b"hello", headers={"Content-Type": "text/html"})
    other_length = http.request("PUT", url, body=b"hello!", headers={"Content-Type": "text/plain"})
    right = http.request("PUT", url, body=b"hello", headers={"Content-Type": "text/plain"})

    assert (other_type.status, other_length.status, right.status) == (403, 403, 200)


@pytest.mark.parametrize("lifetime_s", [0, -1, 7 * 86_400 + 1])
def test_no_url_lives_longer_than_servers_take(lifetime_s: int) -> None:
    with pytest.raises(ValueError, match="seven days"):
        EXAMPLE.presign("GET", "https://s3.example.org/a", at_s=FRIDAY_S, lifetime_s=lifetime_s)


def test_secret_is_in_no_text_of_a_signer() -> None:
    assert "EXAMPLE" not in repr(EXAMPLE)
