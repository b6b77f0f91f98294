"""The count of seconds that servers have run on this folder."""

from app.db.transaction import Snapshot, Transaction

_READ = "SELECT uptime_s FROM meta"
_WRITE = "UPDATE meta SET uptime_s = :uptime"


def read(tx: Snapshot) -> int:
    """Return the stored count."""
    row = tx.one(_READ)
    return 0 if row is None else row["uptime_s"]


def write(tx: Transaction, uptime_s: int) -> None:
    """Store the count."""
    tx.execute(_WRITE, {"uptime": uptime_s})
