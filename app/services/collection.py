"""One collection of unused chunks: what is used is marked, then what nobody uses goes one step further.

It runs beside everything. What a commit or an open upload comes to use meanwhile is read before each step, and before
the last one once more within the metadata writer, behind which no commit can slip (durability.md, 5).
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.manifest import Manifest
from app.repositories import journal, references
from app.repositories.references import Place, References
from app.services.mark import Bucket, Mark
from app.services.open_uploads import open_claims
from app.services.uptime import Uptime
from storage.base import ChunkId, ChunkState, Form
from storage.disposal import BUCKETS, SLICE, Freed, Stray
from storage.offload import Offload
from storage.store import ChunkStore
from storage.unused import Held, Step, bounds

T = TypeVar("T")

READ_SIZE = 256 * 1024
"""Bytes of chunk lists that are read at once."""
WRITER_SIZE = 64 * 1024
"""The same within the metadata writer, where others wait meanwhile."""
POSSESSION_ROWS = 500


@dataclass(slots=True)
class Survey:
    """What a run found. Sizes as stored.

    Attributes:
        total: all chunks.
        waiting: unused, and not for long enough.
        due: unused for long enough, strays among them.
        leaving: condemned by an earlier run, and still in their grace.
    """

    total: Freed = field(default_factory=Freed)
    waiting: Freed = field(default_factory=Freed)
    due: Freed = field(default_factory=Freed)
    leaving: Freed = field(default_factory=Freed)

    @property
    def is_over_half(self) -> bool:
        """Whether more than half of the store would go, by number or by size."""
        return 2 * self.due.chunks > self.total.chunks or 2 * self.due.size > self.total.size


class Collection:
    """A run. Call `gather`, then `survey`, then `condemn`; an error in one of them ends it and removes nothing."""

    def __init__(
        self,
        database: Database,
        store: ChunkStore,
        uptime: Uptime,
        mark: Mark,
        offload: Offload,
        *,
        run_s: int,
        due_s: int,
    ) -> None:
        """Take the parts it works with.

        Args:
            mark: empty; `offload` has the one thread in which it is used.
            run_s: when the run began, seconds of uptime; no run before had this number.
            due_s: an earlier run that found a chunk unused counts if it began then or before.
        """
        self._database = database
        self._store = store
        self._disposal = store.disposal
        self._uptime = uptime
        self._mark = mark
        self._offload = offload
        self._run_s = run_s
        self._due_s = due_s
        self._place = Place()

    async def gather(self) -> None:
        """Mark all that is used: by versions, by the lists of open uploads, and what those received."""
        await self._end_dead_claims()
        after = ("", 0)
        while (claimed := await self._disposal.claimed(after))[0]:
            ids, after = claimed
            await self._offload.run(partial(self._mark.add_chunks, ids))
        await self._catch_up()

    async def survey(self) -> Survey:
        """Note what is unused, take back what is used again, and end possession that no version gives."""
        survey = Survey()
        for bucket in range(BUCKETS):
            used = await self._load(bucket)
            async for page in self._pages(bucket):
                await self._note(page, used, survey)
            await self._end_possession(bucket, used)
            strays = await self._unused_strays(bucket, used)
            await self._disposal.note_strays([stray for stray in strays if stray.found_s is None], self._run_s)
            survey.due += Freed(sum(self._is_old(stray.found_s) for stray in strays))
        return survey

    async def condemn(self) -> tuple[Freed, Freed]:
        """Condemn what earlier runs found unused long enough ago and this one too, and remove such strays.

        Returns:
            What was condemned, and the strays that are gone.
        """
        condemned, freed = Freed(), Freed()
        for bucket in range(BUCKETS):
            used = await self._load(bucket)
            due: list[Held] = []
            async for page in self._pages(bucket):
                due += [held for held in page if self._is_due(held) and held.chunk_id not in used.ids]
                if len(due) >= SLICE:
                    condemned += await self._condemn(due, used)
                    due = []
            condemned += await self._condemn(due, used)
            strays = [stray for stray in await self._unused_strays(bucket, used) if self._is_old(stray.found_s)]
            freed += await self._disposal.remove_strays(strays)
        return condemned, freed

    async def finish(self) -> None:
        """Note that the run came to its end."""
        await self._disposal.finish(self._run_s, await self._database.read(journal.head))

    async def _end_dead_claims(self) -> None:
        """Delete the claims of uploads that are over; none that is over ever opens again."""
        after = ""
        while claims := await self._disposal.claims(after):
            after = claims[-1]
            opened = await self._database.read(partial(open_claims, claims=claims))
            await self._disposal.end_claims(set(claims) - opened)

    async def _catch_up(self) -> None:
        """Mark what is used by now and was not yet when this was called last."""
        is_end = False
        while not is_end:
            read = partial(references.references_after, place=self._place, size=READ_SIZE)
            is_end = await self._take(await self._database.read(read))

    async def _take(self, found: References) -> bool:
        await self._offload.run(partial(self._mark.add, found.lists))
        self._place = found.end
        return found.is_end

    async def _load(self, bucket: int) -> Bucket:
        return await self._offload.run(partial(self._mark.load, bucket))

    async def _pages(self, bucket: int) -> AsyncIterator[list[Held]]:
        """Yield the chunks of a bucket; all that uses one of them is marked by then."""
        after = b""
        while page := await self._disposal.page(bucket, after):
            after = page[-1].chunk_id
            await self._catch_up()
            yield page

    async def _note(self, page: Sequence[Held], used: Bucket, survey: Survey) -> None:
        there = [held for held in page if held.step is not Step.REMOVING]
        idle = [held for held in there if held.chunk_id not in used.ids]
        survey.total += _sum(there)
        survey.due += _sum(held for held in idle if self._is_due(held))
        survey.leaving += _sum(held for held in idle if held.step is Step.JUDGED)
        survey.waiting += _sum(held for held in idle if held.step is not Step.JUDGED and not self._is_due(held))
        on_the_way = (held for held in there if held.found_s is not None or held.state is ChunkState.CONDEMNED)
        await self._disposal.note(
            found=[held.chunk_id for held in idle if held.found_s is None],
            used=[held.chunk_id for held in on_the_way if held.chunk_id in used.ids],
            run_s=self._run_s,
        )

    async def _unused_strays(self, bucket: int, used: Bucket) -> list[Stray]:
        """Return files that no row names; one that is used all the same is left for people to look at.

        Sealed ones lie by names that tell nothing, so for them other buckets are loaded, and `used` grows no more.
        """
        strays = await self._disposal.strays(bucket)
        if strays:
            await self._catch_up()
        sealed = [stray for stray in strays if stray.file.blob is not None and stray.file.blob.form is Form.SEALED]
        unused = [stray for stray in strays if stray not in sealed and stray.chunk_id not in used.ids]
        return unused + [stray for stray in sealed if not await self._may_be_used(stray.chunk_id)]

    async def _may_be_used(self, chunk_id: ChunkId | None) -> bool:
        return chunk_id is None or chunk_id in (await self._load(chunk_id[0])).ids

    async def _condemn(self, due: Sequence[Held], used: Bucket) -> Freed:
        """Condemn chunks: first for all who come, then look who came before, and lift what those use."""
        if not due:
            return Freed()
        ids = [held.chunk_id for held in due]
        await self._disposal.condemn(ids)
        basis = await self._catch_up_in_writer(lambda tx, _: journal.head(tx))
        gone = [chunk_id for chunk_id in ids if chunk_id not in used.ids]
        kept = [chunk_id for chunk_id in ids if chunk_id in used.ids]
        await self._disposal.judge(gone=gone, used=kept, now_s=self._uptime.now_s(), basis=basis)
        return _sum(held for held in due if held.chunk_id not in used.ids)

    async def _end_possession(self, bucket: int, used: Bucket) -> None:
        """Delete the rows by which a space may skip sending chunks that no version in it has."""
        first, end = bounds(bucket)
        place = (references.NO_SPACE, first)
        while page := await self._database.read(
            partial(references.possession_after, place=place, first=first, end=end, limit=POSSESSION_ROWS)
        ):
            place = page[-1]
            idle = [pair for pair in page if not used.possesses(*pair)]
            if idle:
                await self._catch_up_in_writer(partial(_end_possession, pairs=idle, used=used))

    async def _catch_up_in_writer(self, work: Callable[[Transaction, References], T]) -> T:
        """Run `work` in the metadata writer, with all that came to be used since the last mark; then mark that too.

        What came is marked outside first, until so little is left that the writer is not held up.
        """

        def unit(tx: Transaction) -> tuple[References, list[T]]:
            found = references.references_after(tx, self._place, size=WRITER_SIZE)
            return found, [work(tx, found)] if found.is_end else []

        results: list[T] = []
        while not results:
            await self._catch_up()
            found, results = await self._database.write(unit, use=Use.FREES)
            await self._take(found)
        return results[0]

    def _is_due(self, held: Held) -> bool:
        return held.step is Step.FOUND and self._is_old(held.found_s)

    def _is_old(self, found_s: int | None) -> bool:
        return found_s is not None and found_s <= self._due_s


def _end_possession(tx: Transaction, came: References, *, pairs: Iterable[tuple[int, ChunkId]], used: Bucket) -> None:
    """End possession but for what versions came to give since it was read: marked by now, or not yet."""
    given = {(chunks.space_id, chunk_id) for chunks in came.lists for chunk_id in Manifest(chunks.packed).ids()}
    references.end_possession(tx, [pair for pair in pairs if pair not in given and not used.possesses(*pair)])


def _sum(held: Iterable[Held]) -> Freed:
    chunks = list(held)
    return Freed(len(chunks), sum(chunk.size for chunk in chunks))
