"""Small work that comes round by itself: uploads that end, keys that rotate, clocks that are kept."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

logger = logging.getLogger(__name__)

EVERY_S = 60.0


async def run_chores(chores: Sequence[Callable[[], Awaitable[None]]], every_s: float = EVERY_S) -> None:
    """Do all chores every minute until cancelled; one that fails is logged and tried again."""
    while True:
        await asyncio.sleep(every_s)
        for chore in chores:
            try:
                await chore()
            except Exception:
                logger.exception("a chore failed")
