"""What a unit of work promises, uses and changes of spaces: judged at once, written once at its end."""

from dataclasses import dataclass

from app.db.transaction import Transaction
from app.errors import QuotaExceededError
from app.repositories import spaces
from app.repositories.spaces import Usage


@dataclass(slots=True)
class _Entry:
    """What is noted of a space."""

    owner_id: int
    used: int = 0
    reserved: int = 0
    property_size: int = 0
    seq: int = 0

    @property
    def sum(self) -> int:
        """What it takes of the owner's quota."""
        return self.used + self.reserved + self.property_size


class Ledger:
    """Sees the spaces as the writer's transaction left them, so nobody else changes them meanwhile.

    The limit is that of a space's owner, for all that they own together.
    """

    def __init__(self, tx: Transaction) -> None:
        """Begin with nothing noted."""
        self._tx = tx
        self._entries: dict[int, _Entry] = {}
        self._usages: dict[int, Usage] = {}

    def reserve(self, space_id: int, size: int) -> None:
        """Promise `size` bytes to an upload.

        Raises:
            QuotaExceededError: what is used and promised leaves no room for them.
        """
        if not self._has_room(space_id, size):
            raise quota_exceeded()
        self._entry(space_id).reserved += size

    def require(self, space_id: int, *, size: int, reserved: int) -> None:
        """Refuse if `size` bytes do not fit in place of a promise of `reserved` bytes.

        Raises:
            QuotaExceededError: the quota was lowered, or the content grew beyond what was promised.
        """
        if size > reserved and not self._has_room(space_id, size - reserved):
            raise quota_exceeded()

    def release(self, space_id: int, reserved: int) -> None:
        """Take a promise of `reserved` bytes back."""
        self._entry(space_id).reserved -= reserved

    def charge(self, space_id: int, *, size: int, reserved: int, seq: int) -> None:
        """Turn a promise of `reserved` bytes into `size` bytes used by the change `seq`."""
        entry = self._entry(space_id)
        entry.used += size
        entry.reserved -= reserved
        entry.seq = max(entry.seq, seq)

    def keep(self, space_id: int, size: int) -> None:
        """Note that what programs keep on nodes grew by `size` bytes; it shrinks by less than 0.

        Raises:
            QuotaExceededError: it grew, and what is used and promised leaves no room.
        """
        if size > 0 and not self._has_room(space_id, size):
            raise quota_exceeded()
        self._entry(space_id).property_size += size

    def apply(self) -> None:
        """Write what was noted."""
        for space_id, entry in self._entries.items():
            spaces.adjust(
                self._tx,
                space_id,
                used=entry.used,
                reserved=entry.reserved,
                property_size=entry.property_size,
                seq=entry.seq,
            )
        self._entries.clear()
        self._usages.clear()

    def owner_of(self, space_id: int) -> int:
        """Return the user whose quota a space counts for."""
        return self._entry(space_id).owner_id

    def _has_room(self, space_id: int, more: int) -> bool:
        """Tell whether `more` bytes fit beside what the owner uses, is promised, and what is noted here."""
        owner_id = self._entry(space_id).owner_id
        if owner_id not in self._usages:
            self._usages[owner_id] = spaces.usage_of(self._tx, owner_id)
        noted = sum(entry.sum for entry in self._entries.values() if entry.owner_id == owner_id)
        return self._usages[owner_id].has_room(noted + more)

    def _entry(self, space_id: int) -> _Entry:
        entry = self._entries.get(space_id)
        if entry is None:
            entry = self._entries[space_id] = _Entry(spaces.get(self._tx, space_id).owner_id)
        return entry


def quota_exceeded() -> QuotaExceededError:
    """Return the refusal of what a quota has no room for."""
    return QuotaExceededError("The quota has no room for this: delete something, or ask for more.")
