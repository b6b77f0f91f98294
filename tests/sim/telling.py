"""Lets engines tell in the trace what they did, for whoever looks for the reason of a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from client.sync.loop.doing import Doing
from client.sync.model import LocalEntry, RemoteNode, SyncedNode
from client.sync.outcome import Outcome, Task


@contextmanager
def telling() -> Iterator[None]:
    """Add to the trace how each operation ended, with the rows that it was decided on."""
    take = Doing._take  # noqa: SLF001 -- where all outcomes come by

    def told(doing: Any, task: Task[Any], outcome: Outcome) -> None:
        operation = task.operation
        where = "/".join(task.path or task.target or ())
        rows = f"{_node(operation.node)} {_entry(operation.entry)} {_base(operation.base)}"
        transport = doing._world.net.transport  # noqa: SLF001 -- as above
        transport.network.note(f"{transport.device}    {type(operation).__name__} {where} {rows}: {_ended(outcome)}")
        take(doing, task, outcome)

    with patch.object(Doing, "_take", told):
        yield


def _ended(outcome: Outcome) -> str:
    return str(outcome)[:200]


def _node(node: RemoteNode | None) -> str:
    return "-" if node is None else f"node({node.id[-12:]} {node.name} seq {node.seq} {_short(node.sha256)})"


def _entry(entry: LocalEntry | None) -> str:
    return "-" if entry is None else f"entry({entry.lid} {entry.name} {_short(entry.sha256)})"


def _base(base: SyncedNode | None) -> str:
    return "-" if base is None else f"base({base.name} {_short(base.sha256)} lid {base.lid} as {base.local_name})"


def _short(sha256: str | None) -> str:
    return "?" if sha256 is None else sha256[:6]
