"""Many small changes of one call: a lot of them shares a unit of work, and one that is refused holds up no other."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from app.db.database import Database, Use
from app.db.transaction import Transaction
from app.errors import AppError

Item = TypeVar("Item")
T = TypeVar("T")

LOT = 50
"""Changes in one unit of work: few enough that those of other people go in between."""


async def change_each(
    database: Database, items: Sequence[Item], work: Callable[[Transaction, Item], T], *, use: Use = Use.GROWS
) -> list[T | AppError]:
    """Do `work` for each item; return in order what it gave, or the refusal, which undid that one alone.

    What stops a whole lot, such as a full disk, refuses each of it.
    """
    results: list[T | AppError] = []
    for start in range(0, len(items), LOT):
        lot = items[start : start + LOT]
        try:
            results += await database.write(partial(_attempt_each, work=work, lot=lot), use=use)
        except AppError as error:
            results += [error] * len(lot)
    return results


def _attempt_each(tx: Transaction, work: Callable[[Transaction, Item], T], lot: Sequence[Item]) -> list[T | AppError]:
    return [_attempt(tx, work, item) for item in lot]


def _attempt(tx: Transaction, work: Callable[[Transaction, Item], T], item: Item) -> T | AppError:
    try:
        return tx.attempt(lambda: work(tx, item))
    except AppError as error:
        return error
