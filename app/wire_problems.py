"""The JSON bodies of refusals that carry more than `app.problems.Problem` does, and of answers that hold refusals."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from app.problems import Problem
from app.wire import File, FileReply, MissingChunk, UploadReply
from app.wire_tree import PurgedReply, TrashedReply


class ConflictProblem(Problem, frozen=True, kw_only=True):
    """Something is not, or no longer, as the caller saw it: `current` is what stands in the way, as it is now."""

    current: File | None


class MissingProblem(Problem, frozen=True, kw_only=True):
    """A commit lacks chunks: those that are missing, and where the list of them goes on."""

    missing: list[MissingChunk]
    next_from: int | None


class FrameProblem(Problem, frozen=True, kw_only=True):
    """A bundle's frame is bad: how many before it are stored, and its number from 0."""

    stored: int
    frame: int


def _one_of(*kinds: type[Struct]) -> Meta:
    """Say in the published document what `Any` stands for: msgspec itself knows no union of untagged structs."""
    return Meta(extra_json_schema={"anyOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in kinds]})


class UploadBatchReply(Struct, frozen=True):
    """Answer to an upload request for many files: for each, in order, an answer or the problem that it met."""

    uploads: list[Annotated[Any, _one_of(UploadReply, ConflictProblem, Problem)]]
    bundle_url: str | None


class TrashManyReply(Struct, frozen=True):
    """Answer to a delete of many nodes: for each, in order, its id or the problem that it met."""

    results: list[Annotated[Any, _one_of(TrashedReply, ConflictProblem, Problem)]]


class PurgeManyReply(Struct, frozen=True):
    """Answer to a purge of many entries of the trash: for each, in order, its id or the problem that it met."""

    results: list[Annotated[Any, _one_of(PurgedReply, ConflictProblem, Problem)]]


class FilesReply(Struct, frozen=True):
    """Answer to a change of many nodes: for each, in order, the file or the problem that it met."""

    results: list[Annotated[Any, _one_of(FileReply, ConflictProblem, Problem)]]


class CommitBatchReply(Struct, frozen=True):
    """Answer to a commit of many uploads: for each, in order, the file or the problem that it met."""

    results: list[Annotated[Any, _one_of(FileReply, ConflictProblem, MissingProblem, Problem)]]
