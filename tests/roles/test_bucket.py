"""Chunks through processes of their own, where they lie in a bucket."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.s3.bucket import Bucket
from tests.roles.site import PATIENCE_S, Site, in_bucket, objects, opened, received, until
from tests.storage.conftest import Servers
from tests.storage.servers import part

SIZE = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def bucket(servers: Servers) -> Bucket:
    return part(servers.get("rclone").bucket, "roles")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Site]:
    """What all tests here share."""
    with opened(tmp_path_factory.mktemp("nginx"), "chunks", "chunks", environment=in_bucket(bucket)) as site:
        yield site


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
