"""What the planner knows beside the trees, and what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from client.sync.model import Path, Problem, Verdict
from client.sync.operations import Operation
from client.sync.seams.files import Traits


@dataclass(frozen=True, slots=True)
class Limits:
    """When deletes and shrinks are held for a person."""

    deletes: int = 500
    deletes_percent: int = 25
    whole_from: int = 20  # all files of at least so many
    shrinks: int = 20


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a person was shown of a Held and let go on: no more files than that, for that reason, on that side."""

    reason: str
    side: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The rest of the planner's input; it stands still while a plan is made.

    Args:
        traits: of the disk.
        device_name: for the names of conflict copies.
        stamp: the local time for the same, as 2026-11-23 14-05-09.
        below_seq: the seq of this device's cursor: all changes up to it are in the remote tree.
        is_certain: whether an entry (and each folder above it) is known as it is on disk: false while it is missing
            and not yet taken for absent, unreadable, being written to, or its folder is being scanned.
        is_ignored: by the rules, for a path and whether it is a folder.
        verdicts: of comparisons, by (version id, SHA-256 of the content here).
        split: folders whose delete the server refused: their known children are deleted singly.
        leaving: nodes whose delete was answered, and of which the feed has not told yet: they count as deleted there.
        busy: nodes and entries with an operation under way (ids and lids): nothing is planned that touches them.
        limits: of the guards.
        holds_others: whether a folder on disk holds something that has no row: links, special files, ignored things.
        may_delete: what a person confirmed of what is held, less what has come to pass of it.
        deleting: files whose delete was planned before and has not ended, by side.
        deleted: files that were deleted since both sides last agreed, by side.
        missing_files: asks how many files are missing here, and not yet taken for absent.
    """

    traits: Traits
    device_name: str
    stamp: str
    below_seq: int
    is_certain: Callable[[int], bool]
    is_ignored: Callable[[Path, bool], bool]
    verdicts: Mapping[tuple[str, str], Verdict] = field(default_factory=dict)
    split: AbstractSet[str] = frozenset()
    leaving: AbstractSet[str] = frozenset()
    busy: AbstractSet[str | int] = frozenset()
    limits: Limits = field(default_factory=Limits)
    holds_others: Callable[[int], bool] = lambda _lid: False
    may_delete: Sequence[Confirmed] = ()
    deleting: Mapping[str, int] = field(default_factory=dict)
    deleted: Mapping[str, int] = field(default_factory=dict)
    missing_files: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True)
class Held:
    """Deletes (or shrinks) that wait for a person: how many files, on which side, and up to ten of their paths."""

    reason: str  # held_deletes or held_shrinks
    side: str  # here or there: where the files would go
    files: int
    tracked: int
    examples: list[str]


@dataclass(slots=True)
class Plan:
    """What is to be done now, and what is known to agree.

    A candidate that is neither agreed nor the subject of an operation waits: for its folder, for a look, for a person.
    `found_ids` hang on candidates and do not agree: they are to be candidates until they do.
    """

    operations: list[Operation] = field(default_factory=list)
    agreed_ids: set[str] = field(default_factory=set)
    agreed_lids: set[int] = field(default_factory=set)
    found_ids: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
