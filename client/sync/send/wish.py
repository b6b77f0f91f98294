"""What is asked of the server for an upload."""

import hashlib

import msgspec

from client.protocol import ChunkRef, UploadRequest
from client.sync.model import Stat
from client.sync.operations import Operation, Upload
from client.sync.outcome import Done, Task

_MOST_ANCESTORS = 16  # by the contract


def request_of(
    operation: Upload,
    stat: Stat,
    chunks: list[ChunkRef],
    *,
    executable: bool,
    sha256: str | None,
    append: bool = False,
) -> UploadRequest:
    """Return the request for the content of an entry in the state `stat`.

    The base is the version that the planner compared with, never one that is looked up now.
    """
    grown_from = None if operation.how == "new" else operation.base or operation.node  # without a base by the lineage
    is_new = grown_from is None
    assert is_new == (operation.how == "new"), operation  # noqa: S101 -- a version is one of something
    return UploadRequest(
        parent_id=operation.parent_id if is_new else None,
        name=operation.name if is_new else None,
        file_id=None if grown_from is None else grown_from.id,
        size=stat.size,
        mtime_ms=stat.mtime_ms,
        chunks=chunks,
        executable=executable,
        sha256=sha256,
        base_version=None if is_new else operation.base_version,
        base_sha256=None if grown_from is None else grown_from.sha256,
        ancestors=list(operation.ancestors[:_MOST_ANCESTORS]),
        append=append,
        restore=operation.how == "restore",
    )


def mark_of(request: UploadRequest) -> str:
    """Return a mark of all that was asked but the content: an upload is gone on with only for the same."""
    asked = msgspec.structs.replace(request, chunks=[], sha256=None, append=False)
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]


def upload_of(task: Task[Operation]) -> Upload:
    """Return the operation of a task of an upload."""
    operation = task.operation
    assert isinstance(operation, Upload), operation  # noqa: S101 -- the engine gives no other
    return operation


def unchanged(operation: Upload, stat: Stat, sha256: str, *, sure: bool) -> Done | None:
    """Return the outcome where the content proves to be the one that both sides agreed on: nothing is sent."""
    base = operation.base
    if operation.how == "version" and base is not None and base.sha256 == sha256:
        return Done(stat=stat, sha256=sha256, sure=sure)
    return None
