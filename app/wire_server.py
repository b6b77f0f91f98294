"""JSON bodies about the server as a whole, for admins. Sizes are bytes, `…_ms` Unix milliseconds."""

from collections.abc import Sequence
from typing import Literal, Self

from msgspec import Struct

from app.ids import encode_id
from app.services.collector import Collected, Rounds
from app.services.health import Limit, Probe
from app.services.jobs import OfUser
from app.services.room import Space
from app.services.selfcheck import Verdict
from app.services.supervision import State
from app.surroundings import Missing, Notice
from storage.disposal import Freed


class PartReply(Struct, frozen=True):
    """One part of the server; `took_ms` is null where it failed or did not answer in time."""

    part: Literal["readers", "writer", "store"]
    took_ms: int | None

    @classmethod
    def of(cls, probe: Probe) -> Self:
        """Show `probe`."""
        return cls(probe.part, probe.took_ms)


class DiskReply(Struct, frozen=True):
    """The volume of the data folder: of `free`, uploads leave `kept`."""

    total: int
    free: int
    kept: int

    @classmethod
    def of(cls, space: Space) -> Self:
        """Show `space`."""
        return cls(space.total, space.free, space.kept)


class FreedReply(Struct, frozen=True):
    """So many chunks, and what they take on the disk."""

    chunks: int
    size: int

    @classmethod
    def of(cls, freed: Freed) -> Self:
        """Show `freed`."""
        return cls(freed.chunks, freed.size)


class CollectedReply(Struct, frozen=True):
    """What a collection came to: gone, going within the grace, and left for a later collection."""

    freed: FreedReply
    leaving: FreedReply
    waiting: FreedReply

    @classmethod
    def of(cls, collected: Collected) -> Self:
        """Show `collected`."""
        return cls(FreedReply.of(collected.freed), FreedReply.of(collected.leaving), FreedReply.of(collected.waiting))


class CollectionReply(Struct, frozen=True):
    """How collections of unused chunks go.

    `since_s` and `every_s` are seconds for which the server ran: since the last whole one began, null before the first,
    and from one to the next. `last` and `refused` are of the last one since the start: what it came to, and why it
    broke off.
    """

    state: Literal["idle", "running"]
    since_s: int | None
    every_s: int
    last: CollectedReply | None
    refused: str | None

    @classmethod
    def of(cls, rounds: Rounds) -> Self:
        """Show `rounds`."""
        return cls(
            "running" if rounds.is_running else "idle",
            rounds.since_s,
            rounds.every_s,
            None if rounds.last is None else CollectedReply.of(rounds.last),
            rounds.refused,
        )


class NoticeReply(Struct, frozen=True):
    """Something that is missing around the server; `about` is an address, or words on a certificate."""

    missing: Missing
    about: str

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """Show `notice`."""
        return cls(notice.missing, notice.about)


class ServerState(Struct, frozen=True):
    """Answer to GET /api/v1/server.

    `limits` are those of GET /readyz, `read_only_why` is null while changes are taken. `databases` is what a look
    over the databases found, which follows a stop that was not clean.
    """

    version: str
    begun_ms: int
    limits: list[Limit]
    read_only_why: str | None
    parts: list[PartReply]
    databases: Verdict
    disk: DiskReply
    collection: CollectionReply
    notices: list[NoticeReply]

    @classmethod
    def of(cls, state: State, version: str, notices: Sequence[Notice]) -> Self:
        """Show `state`, and what is missing."""
        return cls(
            version=version,
            begun_ms=state.begun_ms,
            limits=state.limits,
            read_only_why=state.read_only_why or None,
            parts=[PartReply.of(probe) for probe in state.probes],
            databases=state.verdict,
            disk=DiskReply.of(state.space),
            collection=CollectionReply.of(state.rounds),
            notices=[NoticeReply.of(notice) for notice in notices],
        )


class WorkReply(Struct, frozen=True):
    """Work that goes on after its request was answered, for whom, and how far it is.

    `done` of `total` steps are made; `total` is 0 where that is not known. One that `failed` met a fault of the server,
    which tries again when it starts next.
    """

    job_id: str
    kind: str
    username: str
    state: Literal["running", "done", "failed"]
    done: int
    total: int
    created_ms: int

    @classmethod
    def of(cls, of_user: OfUser) -> Self:
        """Show `of_user`."""
        report, job = of_user.report, of_user.report.job
        return cls(
            encode_id(job.id, job.tag),
            job.kind.name.lower(),
            of_user.username,
            report.state,
            job.done,
            job.total,
            job.created_ms,
        )


class WorkPage(Struct, frozen=True):
    """A page of such work; `next` is what `after` takes, null at the end."""

    items: list[WorkReply]
    next: str | None
