"""The rule by which the pages of this server, and no others, may speak to the bucket."""

import logging
from dataclasses import replace

import pytest
import urllib3

from storage.s3.bucket import Bucket
from storage.s3.cors import allow_browsers
from storage.s3.requests import Requests
from tests.storage.conftest import Servers
from tests.storage.test_bucket_client import sdk_of

OURS, FOREIGN = "https://cairn.example.org", "https://evil.example.org"


def may(bucket: Bucket, origin: str) -> bool:
    """Ask as a browser does before it puts a chunk for a page."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-amz-checksum-sha256",
    }
    url = Requests(bucket, bucket.endpoint).open_url("incoming/a/b")
    answer = urllib3.PoolManager(retries=False).request("OPTIONS", url, headers=headers)
    return answer.status == 200 and answer.headers.get("Access-Control-Allow-Origin") == origin


@pytest.fixture
def bucket(servers: Servers, request: pytest.FixtureRequest) -> Bucket:
    server = servers.get("seaweedfs")
    name = "cors-" + str(abs(hash(request.node.name)))[:8]
    sdk_of(server).make_bucket(name)
    return replace(server.bucket, name=name)


def test_pages_of_ours_may_and_others_may_not(bucket: Bucket) -> None:
    requests = Requests(bucket, bucket.endpoint)

    allow_browsers(requests, OURS)
    allow_browsers(requests, OURS)

    assert (may(bucket, OURS), may(bucket, FOREIGN)) == (True, False)


def test_rule_follows_the_address_of_the_server(bucket: Bucket) -> None:
    requests = Requests(bucket, bucket.endpoint)
    allow_browsers(requests, OURS)

    allow_browsers(requests, "https://moved.example.org")

    assert (may(bucket, "https://moved.example.org"), may(bucket, OURS)) == (True, False)


def test_rules_of_somebody_else_are_left_alone(
    bucket: Bucket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = Requests(bucket, bucket.endpoint)
    monkeypatch.setattr("storage.s3.cors._NAME", "<ID>somebody</ID>")
    allow_browsers(requests, FOREIGN)
    monkeypatch.undo()

    with caplog.at_level(logging.WARNING):
        allow_browsers(requests, OURS)

    assert (may(bucket, FOREIGN), may(bucket, OURS)) == (True, False)
    assert "rules of its own" in caplog.text


def test_server_without_such_rules_is_told_of_and_used(servers: Servers, caplog: pytest.LogCaptureFixture) -> None:
    bucket = servers.get("rclone").bucket

    with caplog.at_level(logging.WARNING):
        allow_browsers(Requests(bucket, bucket.endpoint), OURS)

    assert "takes no CORS rule" in caplog.text
