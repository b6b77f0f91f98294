"""What is asked of a bucket, as a real server hears it: headers, conditions, pages, rules by which objects expire."""

from pathlib import Path

import pytest
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import InvalidResponseError, S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from storage.s3.bucket import Bucket
from storage.s3.client import AwayError, SdkClient, put_with_headers
from tests.storage.conftest import Servers
from tests.storage.servers import BUCKET, KEY, SECRET, S3Server, part, running


def sdk_of(server: S3Server) -> Minio:
    return Minio(f"127.0.0.1:{server.port}", access_key=KEY, secret_key=SECRET, secure=False, region="us-east-1")


@pytest.mark.parametrize("kind", ["seaweedfs", "rclone"])
def test_header_of_ours_reaches_the_server_with_a_put(servers: Servers, kind: str) -> None:
    """The SDK has no public call for that: this pins its private one."""
    sdk = sdk_of(servers.get(kind))

    etag = put_with_headers(sdk, BUCKET, "pinned/one", b"hello", {"Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="})

    assert etag == "5d41402abc4b2a76b9719d911017c592"
    with pytest.raises((S3Error, InvalidResponseError), match="BadDigest"):
        put_with_headers(sdk, BUCKET, "pinned/one", b"hullo", {"Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="})


def test_condition_and_checksum_are_heeded_by_a_server_that_knows_them(servers: Servers) -> None:
    server = servers.get("seaweedfs")
    client = SdkClient(part(server.bucket, "conditions"))
    client.put("one", b"first", is_new=True)

    with pytest.raises(AwayError) as refused:
        client.put("one", b"second", is_new=True)
    with pytest.raises(S3Error, match="BadDigest"):
        put_with_headers(sdk_of(server), BUCKET, "two", b"x", {"x-amz-checksum-sha256": "A" * 43 + "="})

    assert not refused.value.passes
    assert client.get("one") == b"first"


@pytest.fixture(params=["seaweedfs", "rclone"])
def bucket(request: pytest.FixtureRequest, servers: Servers) -> Bucket:
    return part(servers.get(request.param).bucket, "pages")


def test_listing_and_removal_go_over_pages(tmp_path: Path) -> None:
    names = [f"objects/{number:04}" for number in range(1003)]
    with running("rclone", tmp_path) as server:
        folder = Path(server.command[-1], BUCKET, "objects")
        folder.mkdir()
        for name in names:  # a thousand puts take their time; this server keeps objects as files
            (folder / name.rpartition("/")[2]).write_bytes(b"x")
        client = SdkClient(server.bucket)

        found = list(client.keys("objects/"))
        client.delete([*names[:999], "objects/never"])

        assert sorted(found) == names
        assert list(client.keys("objects/")) == names[999:]


def test_parts_of_an_object_and_objects_that_are_not_there(bucket: Bucket) -> None:
    client = SdkClient(bucket)
    client.put("whole", b"0123456789")

    assert (client.get("whole"), client.get("whole", 3, 4), client.size("whole")) == (b"0123456789", b"3456", 10)
    assert (client.get("whole", 8, 4), client.get("whole", 10, 4)) == (b"89", b"")
    with pytest.raises(FileNotFoundError):
        client.get("none")
    with pytest.raises(FileNotFoundError):
        client.size("none")


def test_wrong_secret_and_a_bucket_that_is_not_there_are_no_missing_objects(bucket: Bucket) -> None:
    for wrong in (
        Bucket(bucket.endpoint, bucket.name, KEY, "another"),
        Bucket(bucket.endpoint, "elsewhere", KEY, SECRET),
    ):
        with pytest.raises(AwayError) as refused:
            SdkClient(wrong).get("none")
        assert not refused.value.passes


def test_rule_by_which_our_objects_expire_is_found_and_others_are_not(servers: Servers) -> None:
    server = servers.get("seaweedfs")
    rules = [
        Rule(ENABLED, rule_filter=Filter(prefix="logs/"), rule_id="logs", expiration=Expiration(days=1)),
        Rule(ENABLED, rule_filter=Filter(prefix="mine/objects/"), rule_id="mine", expiration=Expiration(days=1)),
    ]
    sdk = sdk_of(server)
    sdk.set_bucket_lifecycle(BUCKET, LifecycleConfig(rules))
    try:
        assert SdkClient(part(server.bucket, "mine")).expiring() == ["mine"]
        assert SdkClient(part(server.bucket, "other")).expiring() == []
    finally:
        sdk.delete_bucket_lifecycle(BUCKET)
