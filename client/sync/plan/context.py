"""What each question of the planner is given, and how each ends."""

from dataclasses import dataclass
from enum import Enum

from client.sync.model import RemoteNode, SyncedNode
from client.sync.plan.draft import Draft
from client.sync.plan.fates import Fates
from client.sync.plan.view import View


class Step(Enum):
    """How one question about a node ended."""

    AGREED = "agreed"
    PLANNED = "planned"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class Context:
    """The trees, the fates, and the plan as far as it is made."""

    view: View
    fates: Fates
    draft: Draft


def agreed_row(node: RemoteNode, base: SyncedNode, place: tuple[int, str], sha256: str | None) -> SyncedNode:
    """Return the synced row of a node on which both sides agree."""
    return SyncedNode(
        id=node.id,
        parent_id=node.parent_id or "",
        name=node.name,
        kind=node.kind,
        version_id=node.version_id,
        sha256=node.sha256 or sha256,
        executable=node.executable,
        mtime_ms=node.mtime_ms,
        lid=base.lid,
        local_parent=place[0],
        local_name=place[1],
    )
