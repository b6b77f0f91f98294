"""The whole tree against a plain model: a long random script, then every promise of the metadata is recomputed."""

import hashlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.application import Cairn
from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.errors import AppError, ConflictError, InvalidRequestError, NameTakenError
from app.manifest import Chunk, Manifest
from app.services.commits import Hashes
from app.services.targets import Wish
from app.services.tree import Change
from app.services.uploads import Declared
from app.services.views import View
from storage.base import ChunkId

STEPS = 300
NAMES = ["a", "b", "c", "d.txt", "é", "F", "10", "9"]
SIZES = [1, 10, 1000, 70_000]


@dataclass(frozen=True)
class Entry:
    """A node as the model has it."""

    parent: str | None
    name: str
    is_folder: bool
    version: str | None = None
    size: int = 0
    mtime_ms: int | None = None
    executable: bool = False


@dataclass
class Model:
    """What the tree should be."""

    nodes: dict[str, Entry] = field(default_factory=dict)
    below_seq: dict[str, int] = field(default_factory=dict)
    history: dict[int, dict[str, Entry]] = field(default_factory=dict)
    used: int = 0

    def above(self, node: str | None) -> Iterator[str]:
        """Yield a node and all above it."""
        while node is not None:
            yield node
            node = self.nodes[node].parent

    def path(self, node: str) -> str:
        return "/" + "/".join(reversed([self.nodes[step].name for step in self.above(node)][:-1]))

    def child(self, parent: str, name: str) -> str | None:
        return next((key for key, entry in self.nodes.items() if (entry.parent, entry.name) == (parent, name)), None)

    def below(self, folder: str) -> list[str]:
        return [key for key in self.nodes if key != folder and folder in self.above(key)]

    def folders(self) -> list[str]:
        return [key for key, entry in self.nodes.items() if entry.is_folder]

    def files(self) -> list[str]:
        return [key for key, entry in self.nodes.items() if not entry.is_folder]

    def touch(self, parent: str | None, seq: int) -> None:
        for folder in self.above(parent):
            self.below_seq[folder] = max(self.below_seq.get(folder, 0), seq)

    def keep(self, view: View, entry: Entry) -> None:
        """Take over what one step made."""
        old, seq = self.nodes.get(view.file_id), view.listed.node.seq
        if old is not None:
            self.touch(old.parent, seq)
        elif entry.is_folder:
            self.below_seq[view.file_id] = seq
        self.nodes[view.file_id] = entry
        self.touch(entry.parent, seq)
        self.history[seq] = dict(self.nodes)


class Script:
    """Draws steps, does them, and says what the model expects of each."""

    def __init__(self, cairn: Cairn, actor: Actor, seed: int) -> None:
        self.services, self.actor = cairn.services, actor
        self.chance = random.Random(seed)  # noqa: S311 - the same steps in each run
        self.model = Model()
        self.content: dict[int, ChunkId] = {}
        self.refusals: list[str] = []

    async def begin(self) -> None:
        """Note the home, and upload each content once: later uploads of it need no bytes."""
        home = await self.services.tree.get(self.actor, "root")
        self.root = home.file_id
        self.model.keep(home, Entry(None, "", is_folder=True))
        for size in SIZES:
            view = await self._stream(f"/first {size}", self.chance.randbytes(size))
            self._keep_file(view, self.root)
            assert view.listed.sha256 is not None
            self.content[size] = ChunkId(view.listed.sha256)

    async def _stream(self, path: str, data: bytes) -> View:
        async def body() -> AsyncIterator[bytes]:
            yield data

        wish = Wish(mtime_ms=0, content_type="text/plain", path=path)
        declared = Declared(wish, len(data), Manifest(b""), append=True)
        with self.services.bodies.lease("") as lease:
            return await self.services.receive.take_stream(self.actor, declared, body(), lease)

    async def step(self) -> None:
        """Do one step, or see it refused as the model says."""
        kinds = [self._make_folder, self._upload, self._upload, self._edit, self._move, self._move, self._touch]
        await self.chance.choice(kinds)()

    async def _make_folder(self) -> None:
        parent, name = self._somewhere()
        await self._expect(
            self.services.tree.make_folder_in(self.actor, parent, name),
            NameTakenError if self.model.child(parent, name) else None,
            lambda view: self.model.keep(view, Entry(parent, name, is_folder=True)),
        )

    async def _upload(self) -> None:
        parent, name = self._somewhere()
        wish = Wish(mtime_ms=self.chance.randrange(10**12), content_type="a/b", parent_id=parent, name=name)
        taken = self.model.child(parent, name) is not None
        await self._expect(
            self._commit(wish), NameTakenError if taken else None, lambda view: self._keep_file(view, parent)
        )

    async def _edit(self) -> None:
        file_id = self.chance.choice(self.model.files())
        entry, is_stale = self.model.nodes[file_id], self.chance.random() < 0.2
        base = "0" * 21 if is_stale else entry.version
        wish = Wish(mtime_ms=5, content_type="a/b", file_id=file_id, base_version=base, executable=True)
        parent = entry.parent or ""
        await self._expect(
            self._commit(wish), ConflictError if is_stale else None, lambda view: self._keep_file(view, parent)
        )

    async def _move(self) -> None:
        node = self.chance.choice([*self.model.nodes])
        parent, name = self._somewhere()
        entry = self.model.nodes[node]
        refusal: type[AppError] | None = None
        if entry.parent is None:
            refusal = InvalidRequestError
        elif node in self.model.above(parent):
            refusal = ConflictError
        elif self.model.child(parent, name) not in (None, node):
            refusal = NameTakenError
        if (entry.parent, entry.name) == (parent, name):
            return  # nothing changes, and no seq is taken
        await self._expect(
            self.services.tree.change(self.actor, node, Change(name=name, parent_id=parent)),
            refusal,
            lambda view: self.model.keep(view, replace(entry, parent=parent, name=name)),
        )

    async def _touch(self) -> None:
        file_id = self.chance.choice(self.model.files())
        entry, mtime_ms = self.model.nodes[file_id], self.chance.randrange(10**12)
        await self._expect(
            self.services.tree.change(self.actor, file_id, Change(mtime_ms=mtime_ms, executable=not entry.executable)),
            None,
            lambda view: self.model.keep(view, replace(entry, mtime_ms=mtime_ms, executable=not entry.executable)),
        )

    async def _commit(self, wish: Wish) -> View:
        size = self.chance.choice(SIZES)
        declared = Declared(wish, size, Manifest.of([Chunk(self.content[size], size)]))
        answer = await self.services.uploads.request(self.actor, declared, bundle=False)
        assert not any(chunk.needed for chunk in answer.chunks)
        return await self.services.commits.commit(self.actor, answer.upload_id, Hashes())

    async def _expect(self, call: Any, refusal: type[AppError] | None, keep: Any) -> None:
        if refusal is not None:
            with pytest.raises(refusal) as told:
                await call
            self.refusals.append(type(told.value).__name__)
        else:
            keep(await call)

    def _somewhere(self) -> tuple[str, str]:
        return self.chance.choice(self.model.folders()), self.chance.choice(NAMES)

    def _keep_file(self, view: View, parent: str) -> None:
        node = view.listed.node
        self.model.used += node.size or 0
        self.model.keep(
            view,
            Entry(
                parent,
                node.name,
                is_folder=False,
                version=view.version_id,
                size=node.size or 0,
                mtime_ms=node.mtime_ms,
                executable=node.executable,
            ),
        )


@pytest.fixture(params=[1, 2])
async def script(cairn: Cairn, actor: Actor, request: pytest.FixtureRequest) -> Script:
    """A script that has run."""
    script = Script(cairn, actor, request.param)
    await script.begin()
    for _ in range(STEPS):
        await script.step()
    return script


async def test_the_tree_is_what_a_plain_model_says(cairn: Cairn, actor: Actor, script: Script) -> None:
    model, tree = script.model, script.services.tree
    assert len(model.nodes) > 60
    assert set(script.refusals) == {"NameTakenError", "ConflictError", "InvalidRequestError"}

    for node, entry in model.nodes.items():
        view = await tree.get(actor, node)
        assert view.path == model.path(node)
        assert (view.parent_id, view.listed.node.name, view.version_id) == (entry.parent, entry.name, entry.version)
        assert (await tree.get_path(actor, view.path)).file_id == node
        if entry.is_folder:
            below = model.below(node)
            assert view.listed.size == sum(model.nodes[key].size for key in below)
            assert view.listed.below_seq == model.below_seq[node], view.path
            children, _ = await tree.children(actor, node, sort="name", order="asc", after=None, limit=10_000)
            assert {child.file_id for child in children} == {key for key in below if model.nodes[key].parent == node}
        else:
            assert (view.listed.size, view.listed.node.mtime_ms, view.listed.node.executable) == (
                entry.size, entry.mtime_ms, entry.executable,
            )  # fmt: skip
    await cairn.database.read(lambda tx: _hold_records(tx, model))


def _hold_records(tx: Snapshot, model: Model) -> None:
    """Recompute what the tables say of themselves."""
    assert _sums(tx) == {row[0]: (row[1], row[2]) for row in tx.execute("SELECT node_id, size, items FROM folders")}
    used, reserved, head = tx.execute("SELECT used, reserved, head_seq FROM spaces").fetchone()
    assert (used, reserved) == (model.used, 0)
    assert head == tx.execute("SELECT max(feed_seq) FROM nodes").fetchone()[0]
    _hold_journal(tx)
    _hold_history(tx, model)


def _sums(tx: Snapshot) -> dict[int, tuple[int, int]]:
    """Return bytes and nodes below each folder, counted one by one."""
    parents = {row[0]: (row[1], row[2], row[3]) for row in tx.execute("SELECT id, parent_id, size, kind FROM nodes")}
    sums = {node: (0, 0) for node, (_, _, kind) in parents.items() if kind == 1}
    for parent, size, _ in parents.values():
        at = parent
        while at is not None:
            sums[at] = (sums[at][0] + (size or 0), sums[at][1] + 1)
            at = parents[at][0]
    return sums


def _hold_journal(tx: Snapshot) -> None:
    """The journal has no gap, its marks form a chain, its time never goes back, and `meta` knows its head."""
    epoch, seq, mark, oldest = tx.execute("SELECT epoch, seq, mark, oldest_mark FROM meta").fetchone()
    before, last_ms, count = oldest, 0, 0
    for count, row in enumerate(tx.execute("SELECT * FROM journal ORDER BY seq"), 1):
        assert row["seq"] == count
        assert row["at_ms"] >= last_ms
        numbers = [row[name].to_bytes(8, "big") for name in ("seq", "node_id", "op", "actor_id", "at_ms")]
        before = hashlib.blake2b(before + b"".join(numbers), digest_size=8, key=epoch.encode()).digest()
        assert row["mark"] == before
        last_ms = row["at_ms"]
    assert (seq, mark) == (count, before)
    assert (
        tx.execute("SELECT count(*) FROM nodes n JOIN journal j ON j.seq = n.seq AND j.node_id = n.id").fetchone()[0]
        == (tx.execute("SELECT count(*) FROM nodes").fetchone()[0])
    )


def _hold_history(tx: Snapshot, model: Model) -> None:
    """`past` and `nodes` together give every earlier state."""
    for seq, nodes in model.history.items():
        rows = tx.execute(
            "SELECT id, parent_id, name, version_id, mtime_ms, executable FROM nodes WHERE seq <= :s"
            " UNION ALL SELECT node_id, parent_id, name, version_id, mtime_ms, executable FROM past"
            " WHERE from_seq <= :s AND to_seq > :s",
            {"s": seq},
        ).fetchall()
        found = {(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows}
        assert len(rows) == len(found) == len(nodes)
        assert found == {
            (_number(key), _number(entry.parent), entry.name, _number(entry.version), entry.mtime_ms, entry.executable)
            for key, entry in nodes.items()
        }


def _number(wire_id: str | None) -> int | None:
    return None if wire_id is None else int(wire_id, 32) >> 40
