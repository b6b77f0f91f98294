"""What a client can do with the ways past our server that it is handed out, and what it cannot."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.device import Device
from tests.direct.conftest import Caller, World, until
from tests.storage.makers import id_of, noise
from tests.storage.servers import BUCKET

_numbers = itertools.count(100)


def fresh(size: int = 300_000) -> bytes:
    """Return bytes that the server has never seen."""
    return noise(next(_numbers), size)


@pytest.fixture(scope="module", params=["seaweedfs", "rclone"])
def kind(request: pytest.FixtureRequest) -> str:
    """One that takes only the bytes that were signed, and one that takes any of that length."""
    return str(request.param)


def way(upload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = upload["chunks"][0]["direct"]
    return found


def key(upload: dict[str, Any], content: bytes) -> str:
    return f"incoming/{upload['upload_id']}/{id_of(content).hex()}"


def test_small_chunk_has_no_way_past_the_server(caller: Caller) -> None:
    content = fresh()
    upload = caller.upload("/small", content[:64_000])

    assert "direct" not in upload["chunks"][0]


def test_other_request_than_was_signed_is_refused(both: World, caller: Caller) -> None:
    content, other_content = fresh(), fresh()
    upload = caller.upload("/signed", content)
    direct, other = way(upload), way(caller.upload("/foreign", other_content))
    url = direct["url"]
    tampered = url[:-1] + ("0" if url[-1] != "0" else "1")
    elsewhere = url.replace(f"/{id_of(content).hex()}?", f"/{id_of(other_content).hex()}?")
    final = url.replace(f"incoming/{upload['upload_id']}/", f"objects/{id_of(content).hex()[:2]}/")
    foreign = url.replace(upload["upload_id"], other["url"].split("incoming/")[1].split("/")[0])
    longer = url.replace("X-Amz-Expires=3660", "X-Amz-Expires=36600")

    refused = [
        caller.put({**direct, "url": changed}, content) for changed in (tampered, elsewhere, final, foreign, longer)
    ]
    refused += [
        caller.put(direct, content[:-1]),
        caller.put(direct, content + b"x"),
        caller.put(direct, content, Content_Type="text/html"),
        caller.put(direct, content, method="DELETE"),
        caller.put(direct, content, x_amz_copy_source=f"/{BUCKET}/cairn/cairn-store.json"),
        caller.put(direct, content, x_amz_acl="public-read"),
        caller.put({"url": url.partition("?")[0], "headers": {}}, content),
        caller.fetch(direct)[0],
    ]

    assert [status for status in refused if not 400 <= status < 500] == []
    assert caller.commit(upload)[0] == 422
    assert key(upload, content) not in both.lying()


def test_wrong_bytes_of_the_right_length_never_become_the_chunk(both: World, caller: Caller, kind: str) -> None:
    content, other_content = fresh(), fresh()
    upload = caller.upload("/wrong", content)

    status = caller.put(way(upload), other_content)
    code, problem = caller.commit(upload)

    assert status == (400 if kind == "seaweedfs" else 200)
    assert (code, problem["code"]) == (422, "missing_chunks")
    assert [chunk["sha256"] for chunk in problem["missing"]] == [id_of(content).hex()]
    assert key(upload, content) not in both.lying()
    assert caller.put(way(upload), content) == 200
    assert caller.commit(upload)[0] == 201


def test_bytes_of_an_earlier_upload_are_not_had_by_their_name(both: World, caller: Caller, tmp_path: Path) -> None:
    """Another user's chunk is not skipped, and the way to it takes its bytes and nothing else."""
    content = fresh()
    first = caller.upload("/mine", content)
    assert caller.put(way(first), content) == 200
    assert caller.commit(first)[0] == 201
    object_ = f"objects/{id_of(content).hex()[:2]}/{id_of(content).hex()}"
    stranger = Caller(both, stranger_of(both, tmp_path))
    upload = stranger.upload("/theirs", content)

    copied = stranger.put(way(upload), content, x_amz_copy_source=f"/{BUCKET}/cairn/{object_}")
    refused = stranger.commit(upload)

    assert copied in {400, 403}
    assert refused[0] == 422
    assert stranger.put(way(upload), content) == 200
    assert stranger.commit(upload)[0] == 201
    assert both.lying(object_) == [object_]


def stranger_of(both: World, folder: Path) -> Device:
    admin = Device(folder / "admin")
    made = admin.run("user", "add", "eve", "--password-stdin", "--data", both.server.data, stdin="plover-lantern-88\n")
    assert made.code in {0, 1}, made.err
    return Device(folder / "eve").login(both.server, "eve", "plover-lantern-88")


def test_put_after_the_commit_changes_nothing_and_is_removed(both: World, caller: Caller) -> None:
    content, other = fresh(), fresh()
    upload = caller.upload("/replayed", content)
    assert caller.put(way(upload), content) == 200
    status, done = caller.commit(upload)
    assert status == 201

    caller.put(way(upload), other)
    assert caller.put(way(upload), content) == 200
    again = caller.commit(upload)
    both.server.kill()
    both.server.start()

    assert again[1]["file"]["version_id"] == done["file"]["version_id"]
    until(lambda: both.lying(f"incoming/{upload['upload_id']}/") == [])
    listed = caller.call("GET", f"/api/v1/download?file_id={done['file']['file_id']}")[1]
    assert caller.fetch(listed["chunks"][0]["direct"]) == (200, content)


def test_what_was_put_for_an_upload_that_is_given_up_is_removed(both: World, caller: Caller) -> None:
    content = fresh()
    upload = caller.upload("/given-up", content)
    assert caller.put(way(upload), content) == 200
    assert both.lying(f"incoming/{upload['upload_id']}/") != []

    assert caller.call("DELETE", f"/api/v1/uploads/{upload['upload_id']}")[0] == 204

    until(lambda: both.lying(f"incoming/{upload['upload_id']}/") == [])


def test_what_was_put_is_not_asked_for_again_after_a_crash(both: World, caller: Caller) -> None:
    content, other, given_up = fresh(), fresh(), fresh()
    upload, gone = caller.upload("/resumed", content, other), caller.upload("/gone", given_up)
    assert caller.put(way(upload), content) == 200
    assert caller.put(way(gone), given_up) == 200
    assert caller.call("DELETE", f"/api/v1/uploads/{gone['upload_id']}")[0] == 204
    both.server.kill()
    both.server.start()

    missing = caller.call("GET", f"/api/v1/uploads/{upload['upload_id']}")[1]["missing"]
    assert [chunk["index"] for chunk in missing] == [1]
    assert caller.put(missing[0]["direct"], other) == 200
    assert caller.commit(upload)[0] == 201
    until(lambda: both.lying(f"incoming/{upload['upload_id']}/") == [])
    until(lambda: both.lying(f"incoming/{gone['upload_id']}/") == [])
    assert both.lying("taken/") == []


def test_file_read_by_ways_past_the_server_is_only_for_who_may_read_it(both: World, caller: Caller) -> None:
    content, other_content = fresh(), fresh()
    upload = caller.upload("/read", content)
    assert caller.put(way(upload), content) == 200
    file = caller.commit(upload)[1]["file"]

    chunk = caller.call("GET", f"/api/v1/download?file_id={file['file_id']}")[1]["chunks"][0]
    url = chunk["direct"]["url"]

    assert caller.fetch({"url": url}) == (200, content)
    assert caller.fetch({"url": url.partition("?")[0]})[0] in {400, 403}
    assert caller.put({"url": url, "headers": {}}, other_content) in {400, 403}
    assert caller.fetch({"url": url.replace(id_of(content).hex(), id_of(other_content).hex())})[0] in {400, 403}
