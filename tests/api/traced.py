"""Watches the units of work of a server: which statements each one runs."""

from collections.abc import Callable
from typing import Any

import pytest

from app.db.database import Database

OF_THE_TREE = ("nodes", "versions", "spaces", "members", "folders")


class Traced:
    """The statements about the tree that each unit of work ran, a list for each unit that ran one."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        """Watch from now on, until `patch` is undone."""
        self.units: list[list[str]] = []
        for name in ("read", "write"):
            patch.setattr(Database, name, self._watched(getattr(Database, name)))

    def take(self) -> list[list[str]]:
        """Return what ran since the last call."""
        units, self.units = self.units, []
        return units

    def statements(self) -> list[str]:
        """Return what ran since the last call, of all units."""
        return [statement for unit in self.take() for statement in unit]

    def _watched(self, run: Callable[..., Any]) -> Callable[..., Any]:
        async def watched(database: Database, work: Callable[[Any], Any], **options: Any) -> Any:
            def traced(tx: Any) -> Any:
                statements: list[str] = []
                tx.connection.set_trace_callback(statements.append)
                try:
                    return work(tx)
                finally:
                    tx.connection.set_trace_callback(None)
                    about = [one for one in statements if any(f" {table}" in one for table in OF_THE_TREE)]
                    if about:
                        self.units.append(about)

            return await run(database, traced, **options)

        return watched
