"""Which earlier versions are kept: the rule, its folders, and what it takes of one file (decision 0018)."""

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from app.auth.identity import Actor
from app.config import History
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import NotFoundError
from app.repositories import nodes, retention
from app.repositories.retention import Age, Kept
from app.services import access
from app.services.access import Right, Sight

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAY_S = 86_400
MONDAY = 3
"""1970 began on a Thursday: with these days more, weeks begin on Mondays."""

Days = Annotated[int, Meta(ge=0, le=36_500)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which earlier versions of a file are kept beside those with a label.

    Attributes:
        newest: so many, whatever their age.
        hourly_days, daily_days, weekly_days: for so many days the last one of each hour, day, week; older ones go.
    """

    newest: Annotated[int, Meta(ge=0, le=1_000_000)]
    hourly_days: Days
    daily_days: Days
    weekly_days: Days

    @classmethod
    def of(cls, settings: History) -> "Rule":
        """Return the rule of the configuration."""
        return cls(settings.newest, settings.hourly_days, settings.daily_days, settings.weekly_days)


class Ages:
    """Tells what is older than so many days by the clock and by the server's uptime: no clock that jumps is enough."""

    def __init__(self, tx: Snapshot, *, now_ms: int, uptime_s: int) -> None:
        """Look from now, by both."""
        self._tx = tx
        self._now_ms = now_ms
        self._uptime_s = uptime_s
        self._ages: dict[int, Age] = {}

    def age(self, days: int) -> Age:
        """Return where the counters stood so many days of uptime ago."""
        if days not in self._ages:
            self._ages[days] = retention.age_at(self._tx, self._uptime_s - days * DAY_S)
        return self._ages[days]

    def time_ms(self, days: int) -> int:
        """Return the time so many days ago."""
        return self._now_ms - days * DAY_MS

    def is_older(self, version: Kept, days: int) -> bool:
        """Tell whether a version was made more than so many days ago."""
        return version.created_ms <= self.time_ms(days) and version.id < self.age(days).next_id


def taken(versions: Iterable[Kept], rule: Rule, ages: Ages) -> Iterator[Kept]:
    """Yield those of a file's earlier versions that the rule does not keep; they come the newest first."""
    seen = set[tuple[str, int]]()
    number = 0
    for version in versions:
        if version.is_labelled:
            continue
        number += 1
        span = _span(version, rule, ages)
        if number > rule.newest and (span is None or span in seen):
            yield version
        else:
            seen.update(_spans(version))


def _spans(version: Kept) -> tuple[tuple[str, int], ...]:
    at_ms = version.created_ms
    return ("hour", at_ms // HOUR_MS), ("day", at_ms // DAY_MS), ("week", (at_ms // DAY_MS + MONDAY) // 7)


def _span(version: Kept, rule: Rule, ages: Ages) -> tuple[str, int] | None:
    """Return the hour, day or week of which the last version is kept at the age of this one; None beyond all."""
    for days, span in zip((rule.hourly_days, rule.daily_days, rule.weekly_days), _spans(version), strict=True):
        if not ages.is_older(version, days):
            return span
    return None


class Rules:
    """The rules of all folders; the nearest above a file counts, up to the root of its space."""

    def __init__(self, tx: Snapshot, configured: Rule) -> None:
        """Read them."""
        self._tx = tx
        self._configured = configured
        self.of_folders = retention.rules(tx)

    def of_file(self, node_id: int) -> Rule:
        """Return the rule for a file."""
        if not self.of_folders:
            return self._configured
        return self.above([step.id for step in nodes.way_up(self._tx, node_id)[1:]])[0]

    def above(self, folder_ids: Iterable[int]) -> tuple[Rule, int | None]:
        """Return the first rule among folders, nearest first, and whose it is; None for the configuration's."""
        for folder_id in folder_ids:
            packed = self.of_folders.get(folder_id)
            if packed is not None:
                return msgspec.json.decode(packed, type=Rule), folder_id
        return self._configured, None


class RetentionService:
    """The rules of folders, for their owners."""

    def __init__(self, database: Database, settings: History) -> None:
        """Take the database and the configuration's rule."""
        self._database = database
        self._configured = Rule.of(settings)

    async def get(self, actor: Actor, folder_id: str) -> tuple[Rule, bool]:
        """Return the rule that holds in a folder, and whether it is the folder's own.

        Raises:
            NotFoundError: there is no such folder.
        """

        def work(tx: Snapshot) -> tuple[Rule, bool]:
            folder = _folder(tx, actor, folder_id)
            rule, owner_id = Rules(tx, self._configured).above(folder.below)
            return rule, owner_id == folder.node.id

        return await self._database.read(work)

    async def put(self, actor: Actor, folder_id: str, rule: Rule | None) -> None:
        """Give a folder a rule of its own, for all below it; None takes it away.

        Raises:
            NotFoundError: there is no such folder.
            ForbiddenError: it is another's.
        """

        def work(tx: Transaction) -> None:
            folder = _folder(tx, actor, folder_id)
            folder.require(Right.SHARE)
            if rule is None:
                retention.drop_rule(tx, folder.node.id)
            else:
                retention.set_rule(tx, folder.node.id, msgspec.json.encode(rule))

        await self._database.write(work)


def _folder(tx: Snapshot, actor: Actor, folder_id: str) -> Sight:
    sight = access.look(tx, actor, folder_id)
    if not sight.node.is_folder:
        raise NotFoundError("There is no folder with this id.")
    sight.require(Right.READ)
    return sight
