"""Lets go of what time has passed over: thinned versions, old trash, and history beyond its horizon.

Rounds go in slices, each with its place in its own transaction, so that a kill costs no more than a slice; and they
wait while others write (decision 0018).
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice

from app.clock import now_ms
from app.config import History
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import NoRoomError
from app.repositories import feed, nodes, retention, spaces, usage, versions
from app.repositories.references import end_possession
from app.repositories.retention import Kept
from app.services.jobs import JobService
from app.services.purge import begin_purge
from app.services.retention import DAY_MS, DAY_S, Ages, Rule, Rules, taken
from app.services.uptime import HOUR_S, Uptime
from storage.errors import StorageError

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
ROUND_EVERY_S = 6 * HOUR_S
LOOKED_AT = 2_000
"""Versions that one look goes over."""
THINNED_AT_ONCE = 300
TRIMMED_AT_ONCE = 2_000
PURGED_AT_ONCE = 50
QUIET_S, PATIENCE_S = 0.5, 10.0
VERSIONS, PAST = "versions", "past"


class Keeper:
    """Runs the rounds."""

    def __init__(
        self,
        database: Database,
        jobs_: JobService,
        uptime: Uptime,
        settings: History,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        """Take the parts it works with; `clock_ms` is the wall clock."""
        self._database = database
        self._jobs = jobs_
        self._uptime = uptime
        self._settings = settings
        self._configured = Rule.of(settings)
        self._clock_ms = clock_ms
        self._due = 0
        self.versions_due: int | None = None
        """Bytes of versions that go within a day, as the last whole round found; None before one."""

    async def run(self) -> None:
        """Look every minute whether a round is due or was broken off, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.tend()
            except (StorageError, NoRoomError) as error:
                logger.warning("retention waits, for %s", error)
            except Exception:
                logger.exception("retention failed")

    async def tend(self) -> None:
        """Begin a round when it is time, and go on with what is under way."""
        await self._database.write(self._begin, use=Use.FREES)
        while await self._step(self._empty_trash):
            await self._jobs.wait_idle()
        while await self._step(self._thin):
            pass
        while await self._step(self._trim):
            pass

    async def _step(self, work: Callable[[Transaction], bool]) -> bool:
        """Do one slice when nobody writes, or nobody stopped writing for a while; tell whether there is more."""
        waited_s = 0.0
        while waited_s < PATIENCE_S:
            before = self._database.commits
            await asyncio.sleep(QUIET_S if waited_s else 0)
            if self._database.commits == before:
                break
            waited_s += QUIET_S
        is_more = await self._database.write(work, use=Use.FREES)
        self._jobs.added()
        return is_more

    def _begin(self, tx: Transaction) -> None:
        """Note the counters, and begin new rounds; the horizon moves with them."""
        last_s, at_s = retention.last_age_s(tx), self._uptime.now_s()
        if last_s is not None and at_s < last_s + ROUND_EVERY_S:
            return
        retention.note_age(tx, at_s)
        days, ages = self._settings.horizon_days, self._ages(tx)
        seq = feed.seq_before(tx, ages.time_ms(days), feed.head(tx))
        if seq is not None and not retention.is_planned(tx):
            retention.advance_horizon(tx, min(seq, ages.age(days).seq))
        for name, place in ((VERSIONS, [0]), (PAST, [0, 0])):
            if retention.place_of(tx, name) is None:
                retention.set_place(tx, name, place)

    def trash_due(self, tx: Snapshot) -> int:
        """Return the bytes of what leaves the trash within a day."""
        days, ages = self._settings.trash_days, self._ages(tx, days_on=1)
        if not days:
            return 0
        seq, before_ms = ages.age(days).seq, ages.time_ms(days)
        return sum(usage.trash_size(tx, space, seq=seq, before_ms=before_ms) for space in usage.space_ids(tx))

    def _ages(self, tx: Snapshot, *, days_on: int = 0) -> Ages:
        now_ms_, uptime_s = self._clock_ms() + days_on * DAY_MS, self._uptime.now_s() + days_on * DAY_S
        return Ages(tx, now_ms=now_ms_, uptime_s=uptime_s)

    def _thin(self, tx: Transaction) -> bool:
        """Let versions go that no rule keeps; none while a plan may need them."""
        place = retention.place_of(tx, VERSIONS)
        if place is None or retention.is_planned(tx):
            return False
        at, left = place[0], THINNED_AT_ONCE
        rules, ages, later = Rules(tx, self._configured), self._ages(tx), self._ages(tx, days_on=1)
        found = retention.nodes_with_versions(tx, at, limit=LOOKED_AT)
        for node_id, count in found:
            is_last = node_id == found[-1][0]
            rule = rules.of_file(node_id)
            if count > rule.newest + 1 or is_last:
                doomed = list(islice(taken(retention.kept(tx, node_id), rule, ages), left))
                self._take(tx, node_id, doomed)
                left -= len(doomed)
                if not left:  # this file may have more
                    break
                self._due += sum(version.size for version in taken(retention.kept(tx, node_id), rule, later))
            at = node_id
        retention.set_place(tx, VERSIONS, [at] if found else None)
        if not found:
            self.versions_due, self._due = self._due, 0
        return bool(found)

    def _take(self, tx: Transaction, node_id: int, doomed: list[Kept]) -> None:
        node, chunks = nodes.find(tx, node_id), versions.chunks_of(tx, (version.id for version in doomed))
        freed = sum(retention.thin(tx, version.id) for version in doomed)
        if freed and node is not None:
            spaces.adjust(tx, node.space_id, used=-freed)
            # Nobody reads them any more, so nobody may skip sending them: but what the file still has.
            chunks -= versions.chunks_of(tx, [node.version_id])
            end_possession(tx, ((node.space_id, chunk_id) for chunk_id in chunks))

    def _trim(self, tx: Transaction) -> bool:
        """Delete closed states from before the horizon."""
        place = retention.place_of(tx, PAST)
        if place is None or retention.is_planned(tx):
            return False
        states = retention.past_after(tx, place[0], place[1], limit=TRIMMED_AT_ONCE)
        retention.trim_past(tx, states)
        retention.set_place(tx, PAST, list(states[-1]) if states else None)
        return bool(states)

    def _empty_trash(self, tx: Transaction) -> bool:
        """Let jobs purge what has been in the trash for long enough."""
        days, ages = self._settings.trash_days, self._ages(tx)
        if not days:
            return False
        room = PURGED_AT_ONCE
        for space_id, owner_id, server_id in retention.owners(tx):
            due = retention.due_trash(tx, space_id, seq=ages.age(days).seq, before_ms=ages.time_ms(days), limit=room)
            for node_id, is_root in due:
                root_of = space_id if is_root else None
                begin_purge(tx, node_id, root_of=root_of, user_id=owner_id, actor_id=server_id)
            room -= len(due)
        return room == 0
