"""Changes of the properties that programs keep on nodes: their limits, and what they take of an owner's quota."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.db.transaction import Transaction
from app.errors import LimitReachedError
from app.repositories import properties
from app.repositories.nodes import Node
from app.repositories.properties import Kept
from app.services.ledger import Ledger

MOST = 100
PROPERTY_SIZE = 16 * 1024
ALL_SIZE = 128 * 1024


@dataclass(frozen=True, slots=True)
class Setting:
    """One change of a property that is kept; `xml` is the whole element, None where the property is removed."""

    namespace: str
    name: str
    xml: str | None


def keep(tx: Transaction, node: Node, settings: Sequence[Setting]) -> None:
    """Set and remove properties of a node.

    Raises:
        LimitReachedError: they would be too many, or too large.
        QuotaExceededError: the quota has no room for what they grow by.
    """
    if not settings:
        return
    _, before = properties.used(tx, node.id)
    for setting in settings:
        if setting.xml is None:
            properties.remove(tx, node.id, setting.namespace, setting.name)
        elif len(setting.xml.encode()) > PROPERTY_SIZE:
            raise LimitReachedError(f"A property may have {PROPERTY_SIZE} bytes.")
        else:
            properties.put(tx, node.id, Kept(setting.namespace, setting.name, setting.xml))
    number, size = properties.used(tx, node.id)
    if number > MOST or size > ALL_SIZE:
        raise LimitReachedError(f"At most {MOST} properties of {ALL_SIZE} bytes together are kept here.")
    _book(tx, node, size - before)


def copy_kept(tx: Transaction, ledger: Ledger, source: Node, made: Node) -> int:
    """Give a new node the properties of another one, and note them in a ledger; return the bytes.

    Raises:
        QuotaExceededError: the quota has no room for them.
    """
    if not properties.copy(tx, source.id, to=made.id):
        return 0
    _, size = properties.used(tx, made.id)
    ledger.keep(made.space_id, size)
    return size


def lay_over(tx: Transaction, source: Node, target: Node) -> None:
    """Give a file the properties of another one; its own stay where the other has none of that name, while they fit.

    Raises:
        QuotaExceededError: the quota has no room for what they grow by.
    """
    _book(tx, target, _lay(tx, source, target))


def hand_over(tx: Transaction, source: Node, target: Node) -> None:
    """Do as `lay_over` does, and let the other file of the same space have none any more; needs no room."""
    growth = _lay(tx, source, target)
    _book(tx, target, growth - properties.delete_of_nodes(tx, [source.id]))


def _lay(tx: Transaction, source: Node, target: Node) -> int:
    """Return by how much the target's properties grew."""
    found = properties.of_nodes(tx, [source.id, target.id])
    came, own = found.get(source.id, ()), found.get(target.id, ())
    if not came:
        return 0
    named = {(one.namespace, one.name) for one in came}
    before = properties.delete_of_nodes(tx, [target.id])
    properties.copy(tx, source.id, to=target.id)
    number, size = properties.used(tx, target.id)
    for one in own:
        if (one.namespace, one.name) in named:
            continue
        number, more = number + 1, size + len(one.xml.encode())
        if number > MOST or more > ALL_SIZE:  # a save must not fail for what somebody noted on the file
            break
        properties.put(tx, target.id, one)
        size = more
    return size - before


def _book(tx: Transaction, node: Node, growth: int) -> None:
    ledger = Ledger(tx)
    ledger.keep(node.space_id, growth)
    ledger.apply()
