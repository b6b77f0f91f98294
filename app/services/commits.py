"""Commits: an upload's content becomes the file's version.

All that was checked when the upload was requested is checked again here, in the transaction that makes the version
(api.md, Conventions). Everything that can be refused is refused before the first row is written, so that one upload of
a batch that fails leaves nothing behind and does not hold up the others.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app.auth.identity import Actor
from app.config import Uploads
from app.db.database import Database
from app.db.transaction import Snapshot, Transaction
from app.errors import AppError, ChunkListError, MissingChunksError, NotFoundError
from app.manifest import Manifest, pack
from app.repositories import nodes, uploads, versions
from app.repositories.listings import Listed
from app.repositories.nodes import Content, Kind, Node, Sums
from app.repositories.uploads import State, Upload
from app.services import access
from app.services.access import Sight
from app.services.folders import make_folder
from app.services.guard import Guard
from app.services.ledger import Ledger
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.open_uploads import OpenUploads, own_upload, wire_id
from app.services.places import bring_back
from app.services.targets import Folders, Target, Wish, find_target, grew_from, require_free
from app.services.uploads import Declared
from app.services.uptime import Uptime
from app.services.views import View
from storage.base import ChunkId
from storage.store import ChunkStore

_EMPTY = hashlib.sha256().digest()
_UNWRITTEN = 0
"""In place of the number of an upload, or of its space, that stands in no row: no row has it."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 of a whole content: as this server computed it, or as the uploader says."""

    computed: bytes | None = None
    claimed: bytes | None = None


class CommitService:
    """Makes received chunks durable, then visible."""

    def __init__(
        self, database: Database, store: ChunkStore, table: OpenUploads, uptime: Uptime, policy: Uploads
    ) -> None:
        """Take the parts it works with."""
        self._database = database
        self._store = store
        self._table = table
        self._uptime = uptime
        self._policy = policy

    async def commit(self, actor: Actor, upload_id: str, hashes: Hashes) -> View:
        """Make the upload's content the file's version and show the file; again gives the same version.

        Raises:
            NotFoundError: the actor has no such upload.
            MissingChunksError: chunks are missing; the upload stays open.
            ConflictError: the place, the name or the base is not as the uploader saw it.
            LockedError: somebody's lock binds the file, or the folder where it would be new.
        """
        result = (await self._commit(actor, [upload_id], hashes))[0]
        if isinstance(result, AppError):
            raise result
        return result

    async def commit_many(self, actor: Actor, upload_ids: Sequence[str]) -> list[View | AppError]:
        """Commit several uploads in one transaction; one that fails does not hold up the others."""
        return await self._commit(actor, upload_ids, Hashes())

    async def commit_stream(
        self, actor: Actor, upload_id: str, chunks: Manifest, sha256: bytes, shown: Shown = NOTHING_SHOWN
    ) -> View:
        """Commit a stream that this server cut and hashed, whose chunk list is known only now."""
        result = (await self._commit(actor, [upload_id], Hashes(computed=sha256), chunks, shown))[0]
        if isinstance(result, AppError):
            raise result
        return result

    async def commit_small(self, actor: Actor, declared: Declared, claim: str, chunks: Manifest, shown: Shown) -> View:
        """Commit a file of at most one chunk, received under `claim`, that no upload was opened for.

        Raises:
            MissingChunksError: the claim has ended.
            AppError: as for any upload and commit.
        """
        await self._store.barrier([claim])

        def work(tx: Transaction) -> View:
            upload = _unwritten(actor, declared, claim)
            unit = _Unit(tx, actor, [upload], shown, {upload.id: chunks})
            view = unit.make(upload, Hashes(computed=_EMPTY if not len(chunks) else None))
            unit.finish(self._uptime, self._policy.upload_lifetime_days)
            return view

        return await self._database.write(work)

    async def _commit(
        self,
        actor: Actor,
        upload_ids: Sequence[str],
        hashes: Hashes,
        grown: Manifest | None = None,
        shown: Shown = NOTHING_SHOWN,
    ) -> list[View | AppError]:
        claims = set(upload_ids)
        for upload_id in upload_ids:
            known = await self._table.find(upload_id)
            if known is not None and known.bundle is not None:
                claims.add(known.bundle)
        if grown is None:
            await self._store.arrivals.receive(claims)
        await self._store.barrier(claims)

        def work(tx: Transaction) -> tuple[list[View | Upload | AppError], list[str]]:
            if grown is not None:
                uploads.add_chunks(tx, own_upload(tx, actor, upload_ids[0]).id, 0, grown)
            unit = _Unit(tx, actor, [_found(tx, actor, upload_id) for upload_id in upload_ids], shown)
            results = [unit.commit(upload, hashes) for upload in unit.uploads]
            unit.finish(self._uptime, self._policy.upload_lifetime_days)
            return results, unit.bundles_done()

        results, over = await self._database.write(work)
        closed = [id_ for id_, result in zip(upload_ids, results, strict=True) if not isinstance(result, AppError)]
        self._table.closed(closed)
        self._store.drop_claims([*closed, *over])
        if not any(isinstance(result, Upload) for result in results):
            return [result for result in results if not isinstance(result, Upload)]
        return await self._database.read(lambda tx: [_shown(tx, actor, result) for result in results])


@dataclass(frozen=True, slots=True)
class _Judged:
    """An upload that nothing keeps from being committed: what was asked, where it goes, what it grew from."""

    wish: Wish
    target: Target
    base_id: int | None


class _Unit:
    """One transaction's commits. What they all need is read, and what they all add up is written, once."""

    def __init__(
        self,
        tx: Transaction,
        actor: Actor,
        found: Sequence[Upload | AppError],
        shown: Shown,
        manifests: dict[int, Manifest] | None = None,
    ) -> None:
        """Read what is needed; `manifests` are chunk lists that stand in no row, by upload."""
        self.uploads = found
        self._guard = Guard(tx, actor, shown)
        self._tx = tx
        self._actor = actor
        self._folders = Folders(tx, actor)
        self._sums = Sums()
        self._ledger = Ledger(tx)
        self._made: dict[int, View] = {}
        self._finished: list[tuple[Upload, int, int]] = []
        self._possessed: set[tuple[int, ChunkId]] = set()
        open_ = [upload for upload in found if isinstance(upload, Upload) and upload.state is State.OPEN]
        self._manifests = (
            manifests if manifests is not None else {upload.id: uploads.manifest(tx, upload.id) for upload in open_}
        )
        wanted = {chunk_id for manifest in self._manifests.values() for chunk_id in manifest.ids()}
        self._present = {pack(*chunk) for chunk in tx.chunks.sizes(wanted).items()}
        self._sent = {
            bundle: tx.chunks.claimed([bundle], wanted)
            for bundle in {upload.bundle for upload in open_ if upload.bundle is not None}
        }

    def commit(self, upload: Upload | AppError, hashes: Hashes) -> View | Upload | AppError:
        """Commit one upload and show the file; give back the upload if it had been committed before."""
        if isinstance(upload, AppError) or upload.state is State.COMMITTED:
            return upload
        if upload.id in self._made:  # named twice in one batch
            return self._made[upload.id]
        try:
            judged = self._judge(upload)
        except AppError as error:
            return error
        # Not within the try: a refusal after the first row must undo the whole unit, or half a commit would stay.
        view = self._made[upload.id] = self._write(upload, judged, hashes)
        return view

    def make(self, upload: Upload, hashes: Hashes) -> View:
        """Commit the only upload of a unit that nothing else is in: what refuses it undoes the unit.

        Raises:
            AppError: as for any commit.
        """
        return self._write(upload, self._judge(upload), hashes)

    def finish(self, uptime: Uptime, days: int) -> None:
        """Write what all commits together add up to."""
        tx = self._tx
        self._sums.apply(tx)
        self._ledger.apply()
        versions.possess(tx, self._possessed)
        results = [(upload.id, node_id, version_id) for upload, node_id, version_id in self._finished]
        if results:
            uploads.finish_many(tx, results, uptime.expiry(tx.now_ms(), days))

    def bundles_done(self) -> list[str]:
        """Return the bundles that have no open upload left: their claims are over."""
        return [bundle for bundle in self._sent if not uploads.any_open_of_bundle(self._tx, bundle)]

    def _judge(self, upload: Upload) -> _Judged:
        """Return what is to be committed and where; everything that can be refused is refused here."""
        wish, manifest = msgspec.json.decode(upload.request, type=Wish), self._manifests[upload.id]
        size = manifest.size
        if upload.size not in (None, size):
            raise ChunkListError(f"The chunks add up to {size} bytes, and {upload.size} were announced.")
        target = find_target(self._tx, self._actor, wish, self._folders)
        require_free(self._guard, target)
        base_id = _base(self._tx, self._actor, wish, target.existing)
        # The folder may have been shared since, or moved to another space: what was promised by the same owner holds.
        space_id = _space_of(target)
        reserved = upload.reserved
        if reserved and self._ledger.owner_of(space_id) != self._ledger.owner_of(upload.space_id):
            reserved = 0
        self._ledger.require(space_id, size=size, reserved=reserved)
        if self._is_incomplete(upload, manifest):
            raise MissingChunksError("Some chunks have not arrived.", wire_id(upload))
        return _Judged(wish, target, base_id)

    def _write(self, upload: Upload, judged: _Judged, hashes: Hashes) -> View:
        wish, target = judged.wish, judged.target
        manifest, folder = self._manifests[upload.id], target.folder
        size = manifest.size
        for name in target.missing:
            folder = make_folder(self._tx, self._actor, folder, name, self._sums)
        executable = wish.executable
        if executable is None:
            executable = target.existing is not None and target.existing.executable
        content = Content(self._tx.next_id(), self._tx.next_tag(), size, wish.mtime_ms, executable, wish.content_type)
        node = self._place(target, folder, content)
        sha256 = manifest.packed[:32] if len(manifest) == 1 else hashes.computed
        self._add_version(wish, node, manifest, judged.base_id, sha256, hashes.claimed)
        self._add_up(target, folder, node)
        if upload.reserved:
            self._ledger.release(upload.space_id, upload.reserved)
        self._ledger.charge(node.space_id, size=size, reserved=0, seq=node.seq)
        self._possessed.update((node.space_id, chunk_id) for chunk_id in manifest.ids())
        if upload.id != _UNWRITTEN:
            self._finished.append((upload, node.id, content.version_id))
        return _view_of(self._tx, folder, Listed(node, size, 0, sha256, wish.content_type, self._actor.username))

    def _is_incomplete(self, upload: Upload, manifest: Manifest) -> bool:
        """Tell whether a chunk is missing.

        A chunk counts if the store has it in the size that was announced, and this upload or its bundle sent it, or
        the actor can read it in some file (security.md, X1).
        """
        if not manifest.entries() <= self._present:
            return True
        ids = set(manifest.ids())
        rest = ids if upload.bundle is None else ids - self._sent[upload.bundle]
        if rest:
            rest -= self._tx.chunks.claimed([wire_id(upload)], rest)
        if rest:
            readable = [space.id for space in access.spaces_of(self._tx, self._actor)]
            rest = {id_ for id_ in rest if not any((space_id, id_) in self._possessed for space_id in readable)}
            rest -= versions.possessed(self._tx, readable, rest)
        return bool(rest)

    def _place(self, target: Target, folder: Sight, content: Content) -> Node:
        node = target.existing
        if node is not None and target.kept_by is not None:
            node = bring_back(self._tx, self._actor, node, folder, target.name)
        if node is not None:
            return nodes.set_content(self._tx, node, content, actor_id=self._actor.id)
        return nodes.create(
            self._tx,
            space_id=folder.space.id,
            parent_id=folder.node.id,
            name=target.name,
            kind=Kind.FILE,
            actor_id=self._actor.id,
            content=content,
        )

    def _add_up(self, target: Target, folder: Sight, node: Node) -> None:
        """Note in the sums what a commit did: a file more or another size, and what left trashed folders."""
        size, before = node.size or 0, 0 if target.existing is None else target.existing.size or 0
        if target.existing is None or target.kept_by is not None:
            self._sums.add(folder.below, seq=node.seq, size=size, items=1)
            self._sums.add(target.kept_by or (), seq=node.seq, size=-before, items=-1)
        else:
            self._sums.add(folder.below, seq=node.seq, size=size - before)

    def _add_version(
        self,
        wish: Wish,
        node: Node,
        manifest: Manifest,
        base_id: int | None,
        sha256: bytes | None,
        claimed: bytes | None,
    ) -> None:
        if claimed is None and wish.sha256 is not None:
            claimed = bytes.fromhex(wish.sha256)
        if node.version_id is None or node.version_tag is None:
            raise AssertionError("a file was given no version")
        versions.add(
            self._tx,
            version_id=node.version_id,
            tag=node.version_tag,
            node_id=node.id,
            size=manifest.size,
            mtime_ms=wish.mtime_ms,
            executable=node.executable,
            content_type=wish.content_type,
            sha256=sha256,
            claimed_sha256=claimed if sha256 is None else None,
            base_id=base_id,
            ancestors=bytes.fromhex("".join(wish.ancestors)) if wish.ancestors else None,
            actor_id=self._actor.id,
            manifest=manifest,
        )


def _unwritten(actor: Actor, declared: Declared, claim: str) -> Upload:
    """Return an upload as it would stand in its row, had one been opened; its bytes came under `claim`."""
    return Upload(
        id=_UNWRITTEN,
        tag=b"",
        user_id=actor.user_id,
        actor_id=actor.id,
        space_id=_UNWRITTEN,
        bundle=claim,
        state=State.OPEN,
        request=msgspec.json.encode(declared.wish),
        size=declared.size,
        chunk_count=0,
        chunk_size=0,
        reserved=0,
        expires_ms=0,
        result_node=None,
        result_version=None,
    )


def _found(tx: Snapshot, actor: Actor, upload_id: str) -> Upload | AppError:
    try:
        return own_upload(tx, actor, upload_id)
    except NotFoundError as error:
        return error


def _base(tx: Snapshot, actor: Actor, wish: Wish, existing: Node | None) -> int | None:
    """Return the version that the uploader's content grew from; None where the actor can know of none such.

    Where `on_conflict` is not `fail` the base is told and not required, so nothing is refused for it.
    """
    if wish.base_version is None:
        return None
    if existing is not None and grew_from(wish, existing):
        return existing.version_id
    return access.find_version(tx, actor, wish.base_version)


def _space_of(target: Target) -> int:
    """Return the space whose books an upload's content will be in: of a live file its own, else that of its folder."""
    is_live = target.existing is not None and target.kept_by is None
    return target.existing.space_id if target.existing is not None and is_live else target.folder.space.id


def _view_of(tx: Snapshot, folder: Sight, listed: Listed) -> View:
    return View.of_children(tx, folder, [listed])[0]


def _shown(tx: Snapshot, actor: Actor, result: View | Upload | AppError) -> View | AppError:
    """Show what an earlier commit made: its version, on the file as it is now."""
    if not isinstance(result, Upload):
        return result
    if result.result_node is None or result.result_version is None:
        raise AssertionError(f"upload {result.id} is committed and names no result")
    try:
        return View.of(tx, access.look_number(tx, actor, result.result_node)).at_version(tx, result.result_version)
    except NotFoundError as error:
        return error
