"""Commits: an upload's content becomes the file's version.

All that was checked when the upload was requested is checked again here, in the transaction that makes the version
(api.md, Conventions). Everything that can be refused is refused before the first row is written, so that one upload of
a batch that fails leaves nothing behind and does not hold up the others.
"""

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
from app.services.ledger import Ledger
from app.services.open_uploads import OpenUploads, own_upload, wire_id
from app.services.places import bring_back
from app.services.targets import Folders, Target, Wish, find_target, grew_from
from app.services.uptime import Uptime
from app.services.views import View
from storage.base import ChunkId
from storage.store import ChunkStore


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
        """
        result = (await self._commit(actor, [upload_id], hashes))[0]
        if isinstance(result, AppError):
            raise result
        return result

    async def commit_many(self, actor: Actor, upload_ids: Sequence[str]) -> list[View | AppError]:
        """Commit several uploads in one transaction; one that fails does not hold up the others."""
        return await self._commit(actor, upload_ids, Hashes())

    async def commit_stream(self, actor: Actor, upload_id: str, chunks: Manifest, sha256: bytes) -> View:
        """Commit a stream that this server cut and hashed, whose chunk list is known only now."""
        result = (await self._commit(actor, [upload_id], Hashes(computed=sha256), chunks))[0]
        if isinstance(result, AppError):
            raise result
        return result

    async def _commit(
        self, actor: Actor, upload_ids: Sequence[str], hashes: Hashes, grown: Manifest | None = None
    ) -> list[View | AppError]:
        claims = set(upload_ids)
        for upload_id in upload_ids:
            known = await self._table.find(upload_id)
            if known is not None and known.bundle is not None:
                claims.add(known.bundle)
        await self._store.barrier(claims)

        def work(tx: Transaction) -> tuple[list[View | Upload | AppError], list[str]]:
            if grown is not None:
                uploads.add_chunks(tx, own_upload(tx, actor, upload_ids[0]).id, 0, grown)
            unit = _Unit(tx, actor, [_found(tx, actor, upload_id) for upload_id in upload_ids])
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

    def __init__(self, tx: Transaction, actor: Actor, found: Sequence[Upload | AppError]) -> None:
        self.uploads = found
        self._tx = tx
        self._actor = actor
        self._folders = Folders(tx, actor)
        self._sums = Sums()
        self._ledger = Ledger(tx)
        self._made: dict[int, View] = {}
        self._finished: list[tuple[Upload, int, int]] = []
        self._possessed: set[tuple[int, ChunkId]] = set()
        open_ = [upload for upload in found if isinstance(upload, Upload) and upload.state is State.OPEN]
        self._manifests = {upload.id: uploads.manifest(tx, upload.id) for upload in open_}
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

    def finish(self, uptime: Uptime, days: int) -> None:
        """Write what all commits together add up to."""
        tx = self._tx
        self._sums.apply(tx)
        self._ledger.apply()
        versions.possess(tx, self._possessed)
        results = ((upload.id, node_id, version_id) for upload, node_id, version_id in self._finished)
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
        base_id = _base(self._tx, self._actor, wish, target.existing)
        # The folder may have been shared since, or moved to another space: what was promised by the same owner holds.
        space_id = _space_of(target)
        is_same = self._ledger.owner_of(space_id) == self._ledger.owner_of(upload.space_id)
        self._ledger.require(space_id, size=size, reserved=upload.reserved if is_same else 0)
        if self._is_incomplete(upload, manifest):
            raise MissingChunksError("Some chunks have not arrived.", wire_id(upload))
        return _Judged(wish, target, base_id)

    def _write(self, upload: Upload, judged: _Judged, hashes: Hashes) -> View:
        wish, target = judged.wish, judged.target
        manifest, folder = self._manifests[upload.id], target.folder
        size = manifest.size
        for name in target.missing:
            folder = make_folder(self._tx, self._actor, folder, name, self._sums)
        content = Content(self._tx.next_id(), self._tx.next_tag(), size, wish.mtime_ms, wish.executable)
        node = self._place(target, folder, content)
        sha256 = manifest.packed[:32] if len(manifest) == 1 else hashes.computed
        self._add_version(wish, node, manifest, judged.base_id, sha256, hashes.claimed)
        self._add_up(target, folder, node)
        self._ledger.release(upload.space_id, upload.reserved)
        self._ledger.charge(node.space_id, size=size, reserved=0, seq=node.seq)
        self._possessed.update((node.space_id, chunk_id) for chunk_id in manifest.ids())
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
            executable=wish.executable,
            content_type=wish.content_type,
            sha256=sha256,
            claimed_sha256=claimed if sha256 is None else None,
            base_id=base_id,
            ancestors=bytes.fromhex("".join(wish.ancestors)) if wish.ancestors else None,
            actor_id=self._actor.id,
            manifest=manifest,
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
