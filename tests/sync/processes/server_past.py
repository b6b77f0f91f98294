"""What a server holds, read from its folder without its help: every content of every version, and the live tree."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import zstandard

from app.manifest import Manifest
from storage.base import Encoding

_LIVE = """
    WITH RECURSIVE live(id, path, kind, version_id, executable) AS (
        SELECT id, '', kind, version_id, executable FROM nodes WHERE parent_id IS NULL AND dead_seq = 0
        UNION ALL
        SELECT n.id, live.path || '/' || n.name, n.kind, n.version_id, n.executable
        FROM nodes AS n JOIN live ON n.parent_id = live.id WHERE n.dead_seq = 0)
    SELECT substr(path, 2), kind, manifest, live.executable
    FROM live LEFT JOIN versions ON versions.id = live.version_id WHERE path != ''
"""
_CHUNK = """
    SELECT chunks.id, chunks.encoding, small.data FROM chunks LEFT JOIN small ON small.chunk = chunks.seq WHERE id = ?
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path; `content` is None of a folder."""

    content: bytes | None
    executable: bool


class ServerPast:
    """Reads both databases beside a running server, or without one."""

    def __init__(self, data: Path) -> None:
        self._metadata = data / "metadata.db"
        self._store = data / "store"

    @property
    def head(self) -> int:
        """The number of the last change."""
        with closing(_open(self._metadata)) as database:
            (seq,) = database.execute("SELECT seq FROM meta").fetchone()
        return int(seq)

    def tree(self) -> dict[str, Entry]:
        """Return the live nodes by path, without the top."""
        with closing(_open(self._metadata)) as database:
            rows = database.execute(_LIVE).fetchall()
        with closing(_open(self._store / "chunks.db")) as index:
            return {
                path: Entry(None if kind else self._content(index, manifest), bool(executable))
                for path, kind, manifest, executable in rows
            }

    def contents(self) -> Iterator[bytes]:
        """Yield the content of every version: of live files, of history and of the trash."""
        with closing(_open(self._metadata)) as database:
            rows = database.execute("SELECT manifest FROM versions").fetchall()
        with closing(_open(self._store / "chunks.db")) as index:
            for (manifest,) in rows:
                yield self._content(index, manifest)

    def names(self) -> set[str]:
        """Return every name that a node has or had."""
        with closing(_open(self._metadata)) as database:
            return {name for (name,) in database.execute("SELECT name FROM nodes UNION SELECT name FROM past")}

    def _content(self, index: sqlite3.Connection, manifest: bytes) -> bytes:
        return b"".join(self._chunk(index, chunk.id, chunk.size) for chunk in Manifest(manifest))

    def _chunk(self, index: sqlite3.Connection, chunk_id: bytes, size: int) -> bytes:
        row = index.execute(_CHUNK, (chunk_id,)).fetchone()
        assert row is not None, f"no chunk {chunk_id.hex()} is in the store"
        _, encoding, data = row
        is_packed = encoding == Encoding.ZSTD
        if data is None:
            name = chunk_id.hex() + (".zst" if is_packed else "")
            data = (self._store / "chunks" / name[0] / name[1] / name).read_bytes()
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=size) if is_packed else bytes(data)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
