"""What a unit of work promises, uses and changes of spaces: judged at once, written once at its end."""

from dataclasses import dataclass

from app.db.transaction import Transaction
from app.errors import QuotaExceededError
from app.repositories import spaces
from app.repositories.spaces import Space


@dataclass(slots=True)
class _Entry:
    space: Space
    used: int = 0
    reserved: int = 0
    seq: int = 0

    def has_room(self, more: int) -> bool:
        """Tell whether `more` bytes fit beside what is used and promised."""
        quota = self.space.quota
        taken = self.space.used + self.used + self.space.reserved + self.reserved
        return quota is None or taken + more <= quota


class Ledger:
    """Sees the spaces as the writer's transaction left them, so nobody else changes them meanwhile."""

    def __init__(self, tx: Transaction) -> None:
        """Begin with nothing noted."""
        self._tx = tx
        self._entries: dict[int, _Entry] = {}

    def reserve(self, space_id: int, size: int) -> None:
        """Promise `size` bytes to an upload.

        Raises:
            QuotaExceededError: what is used and promised leaves no room for them.
        """
        entry = self._entry(space_id)
        if not entry.has_room(size):
            raise _exceeded()
        entry.reserved += size

    def require(self, space_id: int, *, size: int, reserved: int) -> None:
        """Refuse if `size` bytes do not fit in place of a promise of `reserved` bytes.

        Raises:
            QuotaExceededError: the quota was lowered, or the content grew beyond what was promised.
        """
        if size > reserved and not self._entry(space_id).has_room(size - reserved):
            raise _exceeded()

    def charge(self, space_id: int, *, size: int, reserved: int, seq: int) -> None:
        """Turn a promise of `reserved` bytes into `size` bytes used by the change `seq`."""
        entry = self._entry(space_id)
        entry.used += size
        entry.reserved -= reserved
        entry.seq = max(entry.seq, seq)

    def apply(self) -> None:
        """Write what was noted."""
        for space_id, entry in self._entries.items():
            spaces.adjust(self._tx, space_id, used=entry.used, reserved=entry.reserved, seq=entry.seq)
        self._entries.clear()

    def _entry(self, space_id: int) -> _Entry:
        entry = self._entries.get(space_id)
        if entry is None:
            entry = self._entries[space_id] = _Entry(spaces.get(self._tx, space_id))
        return entry


def _exceeded() -> QuotaExceededError:
    return QuotaExceededError("The quota has no room for this: delete something, or ask for more.")
