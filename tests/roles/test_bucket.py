"""Chunks through processes of their own, where they lie in a bucket."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.s3.bucket import Bucket
from storage.s3.claim import OBJECTS
from storage.s3.client import SdkClient
from tests.roles.site import PATIENCE_S, Site, opened, until
from tests.server import NO_RESERVE
from tests.storage.conftest import Servers
from tests.storage.servers import part

SIZE = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def bucket(servers: Servers) -> Bucket:
    return part(servers.get("rclone").bucket, "roles")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Site]:
    """What all tests here share."""
    environment = {
        **NO_RESERVE,
        "CAIRN_STORAGE__BACKEND": "s3",
        "CAIRN_STORAGE__S3__ENDPOINT": bucket.endpoint,
        "CAIRN_STORAGE__S3__BUCKET": bucket.name,
        "CAIRN_STORAGE__S3__PREFIX": bucket.prefix,
        "CAIRN_STORAGE__S3__ACCESS_KEY": bucket.access_key,
        "CAIRN_STORAGE__S3__SECRET_KEY": bucket.secret_key,
    }
    with opened(tmp_path_factory.mktemp("nginx"), "chunks", "chunks", environment=environment) as site:
        yield site


def objects(bucket: Bucket) -> int:
    """Return how many objects of chunks there are."""
    return sum(1 for _ in SdkClient(bucket).keys(OBJECTS))


def received(site: Site) -> int:
    """Return how many bytes of bodies the main process has read."""
    found = re.search(rb"cairn_received_bytes_total (\d+)", site.ask("GET", "/metrics")[2])
    assert found is not None
    return int(found[1])


def test_an_upload_into_a_bucket_goes_on_whichever_process_is_killed(
    site: Site, bucket: Bucket, tmp_path: Path
) -> None:
    device, _ = site.log_in(tmp_path / "home")
    source, text = tmp_path / "source", tmp_path / "text"
    source.write_bytes(os.urandom(SIZE))
    text.write_bytes(b"what compresses " * 12_500)

    put = device.begin("put", "--quiet", source, "/large.bin")
    for least, kill in ((3, kill_chunks), (8, Site.kill_main)):
        until(lambda: objects(bucket) >= least)  # noqa: B023 - waited for at once
        put.send_signal(signal.SIGSTOP)  # so that it cannot be done before
        kill(site)
        put.send_signal(signal.SIGCONT)
    _, errors = put.communicate(timeout=PATIENCE_S)
    device.ok("put", "--quiet", text, "/text")
    device.ok("get", "--quiet", "/large.bin", tmp_path / "source again")
    device.ok("get", "--quiet", "/text", tmp_path / "text again")

    assert put.returncode == 0, errors
    assert (tmp_path / "source again").read_bytes() == source.read_bytes()
    assert (tmp_path / "text again").read_bytes() == text.read_bytes()
    assert received(site) < SIZE // 100, "the main process took bytes of chunks"
    assert not list((site.main.data / "store" / "chunks").rglob("*")), "there are files of chunks"


def kill_chunks(site: Site) -> None:
    site.kill("chunks")
    site.start("chunks")


def test_what_is_encrypted_in_a_bucket_goes_through_them_too(site: Site, tmp_path: Path) -> None:
    device, _ = site.log_in(tmp_path / "home")
    source = tmp_path / "source"
    source.write_bytes(os.urandom(SIZE // 8) + b"what compresses " * 100_000)
    key = tmp_path / "master.key"
    check = re.search(r"Check value: (\S+)", device.ok("encrypt", "key", key).out.decode())
    assert check is not None
    site.begin_anew({"CAIRN_ENCRYPTION__KEY_FILE": str(key)})
    device.ok("encrypt", "on", "--check", check[1], "--data", site.main.data)

    device.ok("put", "--quiet", source, "/sealed.bin")
    device.ok("get", "--quiet", "/sealed.bin", tmp_path / "again")

    assert (tmp_path / "again").read_bytes() == source.read_bytes()
    assert received(site) < source.stat().st_size // 100, "the main process took bytes of chunks"
