"""The bodies of transfers are those of the golden file: as the client writes and reads them, and as the server does."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import wire
from client import protocol
from client.errors import ConflictError, error_of

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "transfer.json").read_text(encoding="utf-8"))
REQUESTS: dict[str, Any] = GOLDEN["requests"]
ANSWERS: dict[str, Any] = GOLDEN["answers"]
A, B = "a" * 64, "b" * 64
MIB = 1024 * 1024

WRITTEN: dict[str, msgspec.Struct] = {
    "upload_request": protocol.UploadRequest(
        path="/Docs/plan.odt",
        size=3 * MIB,
        mtime_ms=1_764_000_000_000,
        chunks=[protocol.ChunkRef(A, MIB)],
        executable=True,
        base_version="00000000000082",
        append=True,
        parents=True,
    ),
    "upload_request_of_an_empty_file": protocol.UploadRequest(path="/Docs/empty", size=0, mtime_ms=-1, chunks=[]),
    "upload_batch": protocol.BatchRequest(
        [protocol.UploadRequest(path="/a", size=1, mtime_ms=0, chunks=[protocol.ChunkRef(B, 1)], parents=True)]
    ),
    "append": protocol.AppendRequest(16, [protocol.ChunkRef("c" * 64, 256 * 1024)]),
    "commit_batch": protocol.CommitRequest(["00000000000091", "00000000000092"]),
    "download_bundle": protocol.DownloadBundleRequest([protocol.BundledFile("00000000000081", "00000000000082")]),
    "folder": protocol.FolderRequest("/Docs/new", parents=True),
    "upload_request_of_a_version": protocol.UploadRequest(
        file_id="00000000000081",
        size=3 * MIB,
        mtime_ms=1_764_000_000_000,
        chunks=[protocol.ChunkRef(A, MIB)],
        sha256=B,
        base_version="00000000000082",
        base_sha256=A,
        ancestors=[A],
        restore=True,
    ),
    "upload_request_in_a_folder": protocol.UploadRequest(
        parent_id="00000000000041", name="plan.odt", size=0, mtime_ms=0, chunks=[], on_conflict="rename"
    ),
    "commit": protocol.CommitHash(A),
    "folder_in_a_folder": protocol.ChildRequest("00000000000041", "new"),
    "change": protocol.ChangeRequest(name="b.odt", parent_id="00000000000041", if_seq=42),
    "change_of_state": protocol.ChangeRequest(mtime_ms=1_764_000_000_000, executable=False, if_seq=42),
}
TAKEN: dict[str, type[msgspec.Struct]] = {
    "upload_request": wire.UploadRequest,
    "upload_request_of_an_empty_file": wire.UploadRequest,
    "upload_batch": wire.UploadBatchRequest,
    "append": wire.AppendRequest,
    "commit_batch": wire.CommitBatchRequest,
    "download_bundle": wire.DownloadBundleRequest,
    "folder": wire.FolderRequest,
    "upload_request_of_a_version": wire.UploadRequest,
    "upload_request_in_a_folder": wire.UploadRequest,
    "commit": wire.CommitRequest,
    "folder_in_a_folder": wire.FolderRequest,
    "change": wire.ChangeRequest,
    "change_of_state": wire.ChangeRequest,
}
ANSWERED: dict[str, type[msgspec.Struct]] = {
    "file": wire.File,
    "folder": wire.File,
    "page": wire.Page,
    "upload": wire.UploadReply,
    "progress": wire.ProgressReply,
    "progress_of_a_committed_upload": wire.ProgressReply,
    "commit": wire.FileReply,
    "download": wire.DownloadReply,
    "upload_with_direct_ways": wire.UploadReply,
    "progress_with_direct_ways": wire.ProgressReply,
    "download_with_direct_ways": wire.DownloadReply,
}


def read(name: str, kind: Any) -> Any:
    return msgspec.json.decode(json.dumps(ANSWERS[name]), type=kind)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_client_writes_the_golden_request(name: str) -> None:
    assert json.loads(msgspec.json.encode(WRITTEN[name])) == REQUESTS[name]


@pytest.mark.parametrize("name", TAKEN)
def test_the_server_takes_the_golden_request_whole(name: str) -> None:
    taken = msgspec.json.decode(json.dumps(REQUESTS[name]), type=TAKEN[name])

    again = json.loads(msgspec.json.encode(taken))
    assert again.keys() >= REQUESTS[name].keys()


def test_every_golden_request_is_written_and_taken() -> None:
    assert REQUESTS.keys() == WRITTEN.keys() == TAKEN.keys()


@pytest.mark.parametrize("name", ANSWERED)
def test_the_golden_answer_has_the_fields_that_the_server_writes_and_no_other(name: str) -> None:
    strict = msgspec.defstruct("Strict", [], bases=(ANSWERED[name],), forbid_unknown_fields=True)

    answer = msgspec.json.decode(json.dumps(ANSWERS[name]), type=strict)

    assert json.loads(msgspec.json.encode(answer)) == ANSWERS[name]


def test_the_client_reads_files_folders_and_pages() -> None:
    file = read("file", protocol.File)
    page = read("page", protocol.Page)

    assert (file.kind, file.size, file.executable, file.version_id) == ("file", 3 * MIB, True, "00000000000082")
    assert [item.kind for item in page.items] == ["folder", "file"]
    assert (page.items[0].mtime_ms, page.next) == (None, "opaque")


def test_the_client_reads_which_chunks_an_upload_needs() -> None:
    upload = read("upload", protocol.UploadAnswer)

    assert [(chunk.index, chunk.needed, chunk.url) for chunk in upload.chunks] == [
        (0, True, f"/chunks/{A}?k=1"),
        (1, False, None),
    ]
    assert upload.next_from == 4096


def test_the_client_reads_ways_past_the_server_where_there_are_any() -> None:
    upload = read("upload_with_direct_ways", protocol.UploadAnswer)
    missing = read("progress_with_direct_ways", protocol.UploadState).missing
    download = read("download_with_direct_ways", protocol.Manifest)

    assert [chunk.direct is not None for chunk in upload.chunks] == [True, False]
    assert missing[0].direct == upload.chunks[0].direct
    assert upload.chunks[0].direct is not None
    assert sorted(upload.chunks[0].direct.headers) == ["Content-Type", "x-amz-checksum-sha256"]
    assert download.chunks[0].direct == protocol.DirectWay(
        f"https://s3.example.org/cairn/objects/aa/{A}?X-Amz-Signature=1"
    )
    assert read("upload", protocol.UploadAnswer).chunks[0].direct is None


def test_the_client_reads_uploads_and_problems_of_a_batch() -> None:
    batch = read("batch", protocol.BatchAnswer)
    results = read("commit_batch", protocol.CommitResults).results

    assert [outcome.upload_id for outcome in batch.uploads] == ["00000000000091", None]
    assert [outcome.code for outcome in batch.uploads[1:]] == ["name_taken"]
    assert batch.bundle_url == "/bundles/abc?k=1"
    assert results[0].file == read("file", protocol.File)
    assert (results[1].file, results[1].status, results[1].code) == (None, 409, "name_taken")


def test_the_client_reads_what_an_upload_misses_and_that_it_is_committed() -> None:
    open_one = read("progress", protocol.UploadState)

    assert [(chunk.index, chunk.sha256) for chunk in open_one.missing] == [(3, A)]
    assert read("progress_of_a_committed_upload", protocol.UploadState).state == "committed"


def test_the_client_reads_a_chunk_list_and_a_problem() -> None:
    download = read("download", protocol.Manifest)
    problem = read("problem", protocol.Problem)

    assert [(chunk.offset, chunk.size) for chunk in download.chunks] == [(0, MIB)]
    assert problem.current == read("folder", protocol.File)
    assert isinstance(error_of(problem), ConflictError)
