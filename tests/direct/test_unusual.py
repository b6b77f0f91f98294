"""Days on which the way past our server does not lead there, or must not be taken."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.device import Device
from tests.direct import dying_server
from tests.direct.conftest import Caller, World, until, world
from tests.storage.makers import noise
from tests.storage.servers import running

MIB = 2**20


@pytest.mark.parametrize("kind", ["seaweedfs", "rclone"])
def test_server_killed_between_copy_and_commit_loses_nothing(kind: str, tmp_path: Path) -> None:
    flag, content, other = tmp_path / "die", noise(1, 300_000), noise(2, 200_000)
    with world(kind, tmp_path, "tests.direct.dying_server", **{dying_server.FLAG: str(flag)}) as both:
        caller = Caller(both, both.device(tmp_path / "home"))
        upload = caller.upload("/killed", content, other)
        for chunk, data in zip(upload["chunks"], (content, other), strict=True):
            assert caller.put(chunk["direct"], data) == 200
        flag.touch()

        with pytest.raises(urllib3.exceptions.HTTPError):  # nobody answers
            caller.commit(upload)
        assert both.server.process is not None
        both.server.process.wait()
        both.server.start()

        assert both.lying("objects/") != []
        status, done = caller.commit(upload)
        assert status == 201
        until(lambda: [*both.lying("incoming/"), *both.lying("taken/")] == [])
        content_path = f"/api/v1/files/{done['file']['file_id']}/content"
        assert caller.get(content_path) == content + other
        both.server.stop()
        assert both.fsck() == 0


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The address at which clients should reach the object server leads to nobody."""
    folder = tmp_path_factory.mktemp("lost")
    with world("seaweedfs", folder, CAIRN_STORAGE__S3__PUBLIC_ENDPOINT="http://127.0.0.1:9") as made:
        yield made


def test_device_that_does_not_reach_the_object_server_goes_by_ours(lost: World, tmp_path: Path) -> None:
    device = lost.device(tmp_path / "home")
    content = noise(3, 8 * MIB)
    (tmp_path / "large").write_bytes(content)

    device.ok("put", tmp_path / "large", "/large")
    device.ok("get", "/large", tmp_path / "again")

    assert (tmp_path / "again").read_bytes() == content
    assert lost.relay.passed > 2 * len(content)


def test_what_goes_to_another_object_server_is_sent_again_by_way_of_ours(tmp_path: Path) -> None:
    """It takes all that it is sent, and none of it is in our bucket."""
    (tmp_path / "other").mkdir()
    with running("seaweedfs", tmp_path / "other") as other:
        public = {"CAIRN_STORAGE__S3__PUBLIC_ENDPOINT": other.bucket.endpoint}
        with world("seaweedfs", tmp_path, **public) as both:
            device = both.device(tmp_path / "home")
            content = noise(6, 8 * MIB)
            (tmp_path / "large").write_bytes(content)

            device.ok("put", tmp_path / "large", "/large")

            assert device.ok("cat", "/large").out == content
            assert both.relay.up > len(content)


def test_encrypted_store_hands_out_no_way_past_the_server(tmp_path: Path) -> None:
    device = Device(tmp_path / "admin")
    told = device.ok("encrypt", "key", tmp_path / "master.key").out.decode()
    check = re.search(r"Check value: (\S+)", told)
    assert check is not None
    with world("seaweedfs", tmp_path, CAIRN_ENCRYPTION__KEY_FILE=str(tmp_path / "master.key")) as both:
        caller = Caller(both, both.device(tmp_path / "home"))
        plain, later = noise(4, 300_000), noise(5, 300_000)
        before, open_ = caller.upload("/before", plain), caller.upload("/open", later)
        for upload, data in ((before, plain), (open_, later)):
            assert caller.put(upload["chunks"][0]["direct"], data) == 200
        file = caller.commit(before)[1]["file"]

        device.ok("encrypt", "on", "--check", check[1], "--data", both.server.data)

        assert caller.commit(open_)[0] == 422
        missing = caller.call("GET", f"/api/v1/uploads/{open_['upload_id']}")[1]["missing"]
        assert ["direct" in chunk for chunk in missing] == [False]
        listed = caller.call("GET", f"/api/v1/download?file_id={file['file_id']}")[1]
        assert "direct" not in listed["chunks"][0]
        told = json.loads(device.ok("store", "status", "--json", "--data", both.server.data).out)
        assert "encrypted" in told["direct"]
