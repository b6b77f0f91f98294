"""JSON bodies of jobs: work that goes on after its request was answered."""

from typing import Literal, Self

from msgspec import Struct

from app.ids import encode_id
from app.services.jobs import Report
from app.services.planned import Outcomes


class JobAccepted(Struct, frozen=True):
    """Answer to a call whose work goes on: GET /api/v1/jobs/{job_id} tells how far it is."""

    job_id: str


class JobResult(Struct, frozen=True):
    """What came of a rewind or undo: nodes put back, and nodes left alone, which GET /api/v1/jobs/{id}/kept lists.

    `reason` says why it ended early: the code of the refusal that asking for it would meet now.
    """

    changed: int
    kept: int
    reason: str | None


class JobReply(Struct, frozen=True):
    """Answer to GET /api/v1/jobs/{id}.

    `done` of `total` steps are made; `total` is 0 until that is known. `failed` with a
    `result` ended early, for its `reason`; without one it met a fault of the server, which tries again when it starts
    next.
    """

    job_id: str
    kind: str
    state: Literal["running", "done", "failed"]
    done: int
    total: int
    created_ms: int
    ended_ms: int | None
    result: JobResult | None

    @classmethod
    def of(cls, report: Report) -> Self:
        """Show `report`."""
        job = report.job
        outcomes = job.result(Outcomes)
        return cls(
            job_id=encode_id(job.id, job.tag),
            kind=job.kind.name.lower(),
            state="failed" if outcomes is not None and outcomes.reason is not None else report.state,
            done=job.done,
            total=job.total,
            created_ms=job.created_ms,
            ended_ms=job.done_ms,
            result=None if outcomes is None else JobResult(outcomes.changed, outcomes.kept, outcomes.reason),
        )
