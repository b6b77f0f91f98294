"""`cairn` that lets an old store be emptied at once and, if told, collects unused chunks without a pause.

Run as a module, as `tests.server` does.
"""

import contextlib
import os
import sys

from app import application, cli
from app.services import migration
from app.services.collector import Collector
from storage.errors import StoreUnavailableError
from tests.collect.hasty_server import no_patience

COLLECTS = "HASTY_COLLECTS"
"""Names the variable that says, if it is set, that it collects."""


async def collect_always(self: Collector) -> None:
    """Collect again and again; where the object server errs, the next one goes on."""
    while True:
        with contextlib.suppress(StoreUnavailableError):
            await self.collect(over_half=True)


if __name__ == "__main__":
    setattr(migration, "RETAINED_S", 0)  # noqa: B010 - patience is no setting
    if os.environ.get(COLLECTS):
        setattr(application, "_patience", no_patience)  # noqa: B010 - as above
        Collector.run = collect_always  # type: ignore[method-assign] # as above
    sys.exit(cli.main(sys.argv[1:]))
