"""Many small changes of one call: a lot of them shares a unit of work, and one that is refused holds up no other."""

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import TypeVar

from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.errors import AppError

Item = TypeVar("Item")
T = TypeVar("T")

LOT = 50
"""Changes in one unit of work: few enough that those of other people go in between."""
LONG_S = 0.1
"""Once a unit of work has taken so long it begins no further change: a copy of a folder is thousands of rows."""


async def change_each(
    database: Database, items: Sequence[Item], work: Callable[[Transaction, Item], T], *, use: Use = Use.GROWS
) -> list[T | AppError]:
    """Do `work` for each item; return in order what it gave, or the refusal, which undid that one alone.

    What stops a whole lot, such as a full disk, refuses each of it.
    """
    results: list[T | AppError] = []
    while len(results) < len(items):
        lot = items[len(results) : len(results) + LOT]
        try:
            results += await database.write(partial(_attempt_some, work=work, lot=lot), use=use)
        except AppError as error:
            results += [error] * len(lot)
    return results


def _attempt_some(tx: Transaction, work: Callable[[Transaction, Item], T], lot: Sequence[Item]) -> list[T | AppError]:
    """Do the first of a lot at least, and the others while there is time."""
    end_s, results = monotonic() + LONG_S, [_attempt(tx, work, lot[0])]
    for item in lot[1:]:
        if monotonic() >= end_s:
            break
        results.append(_attempt(tx, work, item))
    return results


def _attempt(tx: Transaction, work: Callable[[Transaction, Item], T], item: Item) -> T | AppError:
    try:
        return tx.attempt(lambda: work(tx, item))
    except AppError as error:
        return error
