"""What a state keeps beside the trees: values, lineage, what selective sync leaves out, notes of the engine."""

from collections.abc import Iterable, Sequence

from client.sync.trees.database import Database
from client.sync.trees.kept import Kept

LINEAGE = 16

_GET_META = "SELECT value FROM meta WHERE key = ?"
_PUT_META = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_DROP_META = "DELETE FROM meta WHERE key = ?"
_LINEAGE = "SELECT version_id, sha256 FROM lineage WHERE id = ? ORDER BY number DESC"
_NEWEST = "SELECT number, version_id FROM lineage WHERE id = ? ORDER BY number DESC LIMIT 1"
_ADD_LINEAGE = "INSERT INTO lineage VALUES (?, ?, ?, ?)"
_CLEAR_LINEAGE = "DELETE FROM lineage"
_TRIM_LINEAGE = "DELETE FROM lineage WHERE id = ? AND number <= ?"
_EXCLUDED = "SELECT id FROM excluded ORDER BY id"
_EXCLUDE = "INSERT INTO excluded VALUES (?) ON CONFLICT (id) DO NOTHING"
_INCLUDE = "DELETE FROM excluded WHERE id = ?"
_APPLIED_KEY = "applied:"
_APPLIED = "SELECT key FROM meta WHERE key >= 'applied:' AND key < 'applied;' ORDER BY key"
_DROP_APPLIED = "DELETE FROM meta WHERE key >= 'applied:' AND key < 'applied;' AND value <> ?"
_ATTEMPTS = "SELECT key, what FROM attempt ORDER BY key"
_PUT_ATTEMPT = "INSERT INTO attempt VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET what = excluded.what"
_DROP_ATTEMPT = "DELETE FROM attempt WHERE key = ?"


class Notes:
    """The part of a state that knows nothing of trees."""

    def __init__(self, db: Database) -> None:
        """Keep all in `db`."""
        self._db = db
        self._meta = Kept(self._read_meta)
        self._age = 0  # of what is noted as applied now
        self._out: set[str] | None = None

    def reload(self) -> None:
        """Read again what is kept in memory."""
        self._meta.clear()
        self._out = None

    def meta(self, key: str) -> str | None:
        """Return a value that was set."""
        return self._meta.get(key)

    def _read_meta(self, key: str) -> str | None:
        row = self._db.row(_GET_META, (key,))
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str | None) -> None:
        """Set a value; None takes it away."""
        if value is None:
            self._db.run(_DROP_META, (key,))
        else:
            self._db.run(_PUT_META, (key, value))
        self._meta.put(key, value)

    def note_applied(self, lid: int) -> None:
        """Note that the engine itself has put a file's content here, in case a power cut tears it."""
        self.set_meta(f"{_APPLIED_KEY}{lid}", str(self._age))

    def applied(self) -> list[int]:
        """Return the entries whose content was put here lately: see `age_applied`."""
        return sorted(int(row[0].removeprefix(_APPLIED_KEY)) for row in self._db.rows(_APPLIED))

    def forget_applied(self, lids: Iterable[int]) -> None:
        """Forget that these were put here: they were looked at."""
        for lid in lids:
            self.set_meta(f"{_APPLIED_KEY}{lid}", None)

    def age_applied(self) -> None:
        """Forget what was put here before the last call: it is on the disk by now, whatever becomes of the power."""
        self._db.run(_DROP_APPLIED, (str(self._age),))
        self._meta.clear()
        self._age += 1

    def lineage(self, node_id: str) -> Sequence[tuple[str, str]]:
        """Return (version id, SHA-256) of what a file was here, the newest first."""
        return [(row[0], row[1]) for row in self._db.rows(_LINEAGE, (node_id,))]

    def add_lineage(self, node_id: str, versions: Iterable[tuple[str, str]]) -> None:
        """Note what a file was here, the newest last; of each file the last 16 are kept."""
        row = self._db.row(_NEWEST, (node_id,))
        number, newest = (0, None) if row is None else (row[0], row[1])
        for version_id, sha256 in versions:
            if version_id == newest:
                continue
            number, newest = number + 1, version_id
            self._db.run(_ADD_LINEAGE, (node_id, number, version_id, sha256))
        if number > LINEAGE:
            self._db.run(_TRIM_LINEAGE, (node_id, number - LINEAGE))

    def clear_lineage(self) -> None:
        """Forget what all files were here."""
        self._db.run(_CLEAR_LINEAGE)

    def is_excluded(self, node_id: str) -> bool:
        """Tell whether a node was left out by selective sync."""
        if self._out is None:
            self._out = set(self.excluded())
        return node_id in self._out

    def excluded(self) -> list[str]:
        """Return the nodes left out by selective sync."""
        return [row[0] for row in self._db.rows(_EXCLUDED)]

    def set_excluded(self, node_id: str, *, excluded: bool) -> None:
        """Leave a node out, or take it in again."""
        self._db.run(_EXCLUDE if excluded else _INCLUDE, (node_id,))
        self._out = None

    def put_attempts(self, attempts: Iterable[tuple[str, str]]) -> None:
        """Keep notes (key, JSON) of what is about to be sent."""
        self._db.run_many(_PUT_ATTEMPT, attempts)

    def drop_attempts(self, keys: Iterable[str]) -> None:
        """Forget notes whose answers are known."""
        self._db.run_many(_DROP_ATTEMPT, [(each,) for each in keys])

    def attempts(self) -> list[tuple[str, str]]:
        """Return all notes of what was sent, in the order of keys."""
        return [(row[0], row[1]) for row in self._db.rows(_ATTEMPTS)]
