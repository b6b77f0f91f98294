"""What the simulated server keeps: every content of every version, the live tree, and what hangs below a node."""

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from app.auth.identity import Actor
from app.ids import decode_id
from app.manifest import Manifest
from app.services.feed_page import Change
from app.services.feed_view import Asked
from app.wire import File
from tests.sim.server import SimServer

_NEW_VERSIONS = """
    SELECT id, manifest, (SELECT max(b.id) FROM versions AS b WHERE b.node_id = v.node_id AND b.id < v.id)
      FROM versions AS v WHERE id > ? ORDER BY id
"""
_BELOW = """
    WITH RECURSIVE below(id) AS (
        SELECT ? UNION ALL SELECT n.id FROM nodes AS n JOIN below ON n.parent_id = below.id WHERE n.dead_seq = 0)
    SELECT n.version_id FROM nodes AS n JOIN below USING (id) WHERE n.kind = 0 AND n.dead_seq = 0
"""
_DEAD_ABOVE = """
    WITH RECURSIVE above(id) AS (
        SELECT ? UNION SELECT n.parent_id FROM nodes AS n JOIN above USING (id) WHERE n.parent_id IS NOT NULL)
    SELECT 1 FROM nodes JOIN above USING (id) WHERE dead_seq > 0
"""
_TOKEN = re.compile(rb"<[0-9]+>")


@dataclass(frozen=True, slots=True)
class LiveNode:
    """A node as a test compares it; `content` is None of a folder."""

    id: str
    path: tuple[str, ...]
    content: str | None
    executable: bool


@dataclass(frozen=True, slots=True)
class News:
    """A version that came to the server; `before` is the content that its node had, if it had any."""

    hash: str
    data: bytes
    before: str | None


class ServerPast:
    """Reads the server's database directly; what was read of a version is remembered, for versions never change."""

    def __init__(self, server: SimServer) -> None:
        self._server = server
        self._known: dict[int, str] = {}
        self._contents: dict[str, bytes] = {}
        self._tokens: set[bytes] = set()
        self._last = 0
        self._news: list[News] = []
        self._once: set[str] = set()

    def forget(self) -> None:
        """Begin anew, since the server was put back."""
        self._once |= self._contents.keys()
        self._known.clear()
        self._contents.clear()
        self._tokens.clear()
        self._news.clear()
        self._last = 0
        self._read()
        self._news.clear()

    def has(self, hash_: str) -> bool:
        """Tell whether a content is in the history."""
        self._read()
        return hash_ in self._contents

    def had(self, hash_: str) -> bool:
        """Tell whether a content was in the history before the server was put back."""
        return hash_ in self._once

    def tokens(self) -> set[bytes]:
        """Return all tokens in the history."""
        self._read()
        return self._tokens

    def news(self) -> Iterator["News"]:
        """Yield what came since the last call."""
        self._read()
        news, self._news = self._news, []
        yield from news

    def shown(self, hash_: str) -> str:
        """Return a content for a message."""
        data = self._contents.get(hash_, b"")
        return f"{len(data)} bytes {b' '.join(_TOKEN.findall(data)[:4]).decode()}"

    def below(self, file_id: str) -> set[str]:
        """Return the contents of the live files at and below a node."""
        self._read()
        try:
            number, _ = decode_id(file_id)
        except Exception:  # noqa: BLE001 -- an id of nothing has nothing below it
            return set()
        if self._connection.execute(_DEAD_ABOVE, (number,)).fetchone() is not None:
            return set()  # what is in the trash already, or below something that is, is not deleted once more
        rows = self._connection.execute(_BELOW, (number,)).fetchall()
        return {self._known[row[0]] for row in rows if row[0] in self._known}

    def is_live(self, file_id: str) -> bool:
        """Tell whether a node is there."""
        number, _ = decode_id(file_id)
        row = self._connection.execute("SELECT dead_seq FROM nodes WHERE id = ?", (number,)).fetchone()
        return row is not None and row[0] == 0

    def view(self, actor: Actor) -> dict[tuple[str, ...], LiveNode]:
        """Return the live nodes that somebody sees, by path, without the home itself; read as a new device does."""
        self._read()
        found: dict[tuple[str, ...], LiveNode] = {}
        for file in self._server.call(self._walk(actor)):
            path = tuple(file.path.split("/")[1:])
            if file.parent_id is None:
                continue
            version = None if file.version_id is None else self._known[decode_id(file.version_id)[0]]
            found[path] = LiveNode(file.file_id, path, version, file.executable)
        return found

    async def _walk(self, actor: Actor) -> list[File]:
        services = self._server.cairn.services

        def show(change: Change) -> File:
            assert change.gone is None, "a first page told of something gone"
            return File.of(change.view, services.epoch)

        files: list[File] = []
        cursor: str | None = None
        while True:
            with services.answers.lease("") as lease:
                page = await services.feed.poll(
                    actor, Asked(cursor, limit=10_000), wait_s=0, is_gone=lambda: False, show=show, lease=lease
                )
            files += page.changes
            cursor = page.cursor.encode()
            if not page.has_more:
                return files

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._server.session.connection

    def _read(self) -> None:
        if not self._server.is_open:
            return  # nothing has come to it
        store = self._server.cairn.store
        for number, packed, before in self._connection.execute(_NEW_VERSIONS, (self._last,)).fetchall():
            ids = Manifest(packed).ids()
            data = b"".join(self._server.call(store.read(chunk_id)) for chunk_id in ids)
            hash_ = hashlib.sha256(data).hexdigest()
            self._known[number] = hash_
            self._contents[hash_] = data
            self._tokens.update(_TOKEN.findall(data))
            self._news.append(News(hash_, data, self._known.get(before)))
            self._last = number
