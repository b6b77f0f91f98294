"""Makes an upload's content the file's version: the rules of a commit, run inside one transaction.

All that was checked when the upload was requested is checked again here (api.md, Conventions).
"""

from dataclasses import dataclass

import msgspec

from app.auth.identity import Actor
from app.db.transaction import Snapshot, Transaction
from app.errors import ChunkListError, ConflictError, MissingChunksError
from app.ids import decode_id
from app.repositories import nodes, spaces, uploads, versions
from app.repositories.nodes import Content, Kind, Node, Sums
from app.repositories.uploads import Expiry, State, Upload
from app.services import access
from app.services.access import Sight
from app.services.open_uploads import wire_id
from app.services.targets import Folders, Target, Wish, find_target
from storage.base import ChunkId


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a commit made, or had made before."""

    upload: Upload
    node_id: int
    version_id: int


class Commit:
    """One unit of work that commits any number of uploads of one actor; make it inside the transaction."""

    def __init__(self, tx: Transaction, actor: Actor, expiry: Expiry) -> None:
        """Take the transaction, the actor, and until when the answers are kept."""
        self._tx = tx
        self._actor = actor
        self._expiry = expiry
        self._folders = Folders(tx, actor)
        self._sums = Sums()

    def run(self, upload: Upload, *, claimed_sha256: bytes | None = None, sha256: bytes | None = None) -> Outcome:
        """Commit one upload, or leave everything as it was and raise.

        Args:
            upload: the row, as read in this transaction.
            claimed_sha256: hash of the whole content as the uploader says.
            sha256: the same as this server computed it.
        """
        if upload.state is State.COMMITTED:
            return _known(upload)
        try:
            with self._tx.part():
                return self._commit(upload, claimed_sha256, sha256)
        except Exception:
            self._folders.forget()  # folders made for this upload are undone
            raise

    def finish(self) -> None:
        """Write what the folders sum up; once, at the end of the unit."""
        self._sums.apply(self._tx)

    def _commit(self, upload: Upload, claimed_sha256: bytes | None, sha256: bytes | None) -> Outcome:
        tx = self._tx
        wish = msgspec.json.decode(upload.request, type=Wish)
        size = upload.chunk_size
        if upload.size is not None and upload.size != size:
            raise ChunkListError(f"The chunks add up to {size} bytes, and {upload.size} were announced.")
        manifest = uploads.manifest(tx, upload.id)
        target = find_target(tx, self._actor, wish, self._folders)
        if target.folder.space.id != upload.space_id:
            raise ConflictError("The place of this upload has moved to another space: ask for a new upload.")
        if missing_chunks(tx, self._actor, upload, manifest.ids()):
            raise MissingChunksError("Some chunks have not arrived.", wire_id(upload))

        folder = self._make_folders(target)
        version_id, tag = tx.next_id(), tx.next_tag()
        content = Content(version_id, tag, size, wish.mtime_ms, wish.executable)
        node = self._place(target, folder, content)
        if len(manifest) == 1:
            sha256 = manifest.packed[:32]
        if claimed_sha256 is None and wish.sha256 is not None:
            claimed_sha256 = bytes.fromhex(wish.sha256)
        versions.add(
            tx,
            version_id=version_id,
            tag=tag,
            node_id=node.id,
            size=size,
            mtime_ms=wish.mtime_ms,
            executable=wish.executable,
            content_type=wish.content_type,
            sha256=sha256,
            claimed_sha256=claimed_sha256 if sha256 is None else None,
            base_id=None if wish.base_version is None else decode_id(wish.base_version)[0],
            ancestors=bytes.fromhex("".join(wish.ancestors)) if wish.ancestors else None,
            actor_id=self._actor.id,
            manifest=manifest,
        )
        versions.possess(tx, upload.space_id, set(manifest.ids()))
        spaces.charge(tx, upload.space_id, size=size, reserved=upload.reserved, seq=node.seq)
        uploads.finish(tx, upload.id, node_id=node.id, version_id=version_id, expiry=self._expiry)
        before = target.existing.size if target.existing is not None else None
        self._sums.add(folder.below, seq=node.seq, size=size - (before or 0), items=int(target.existing is None))
        return Outcome(upload, node.id, version_id)

    def _make_folders(self, target: Target) -> Sight:
        folder = target.folder
        for name in target.missing:
            made = make_folder(self._tx, self._actor, folder, name, self._sums)
            folder = Sight(made, folder.space, folder.below, folder.child_path(name), folder.rights)
        return folder

    def _place(self, target: Target, folder: Sight, content: Content) -> Node:
        if target.existing is not None:
            return nodes.set_content(self._tx, target.existing, content, actor_id=self._actor.id)
        return nodes.create(
            self._tx,
            space_id=folder.space.id,
            parent_id=folder.node.id,
            name=target.name,
            kind=Kind.FILE,
            actor_id=self._actor.id,
            content=content,
        )


def make_folder(tx: Transaction, actor: Actor, parent: Sight, name: str, sums: Sums) -> Node:
    """Make one folder below `parent` and note it in the sums."""
    made = nodes.create(
        tx, space_id=parent.space.id, parent_id=parent.node.id, name=name, kind=Kind.FOLDER, actor_id=actor.id
    )
    spaces.touch(tx, parent.space.id, made.seq)
    sums.add(parent.below, seq=made.seq, items=1)
    return made


def missing_chunks(tx: Transaction, actor: Actor, upload: Upload, ids: list[ChunkId]) -> set[ChunkId]:
    """Return the chunks that keep an upload from being committed.

    A chunk counts if the store has it, and this upload or its bundle sent it, or the actor can read it in some file
    (security.md, X1).
    """
    wanted = set(ids)
    claims = [wire_id(upload)] if upload.bundle is None else [wire_id(upload), upload.bundle]
    sent = tx.chunks.claimed(claims, wanted)
    readable = versions.possessed(tx, [space.id for space in access.spaces_of(tx, actor)], wanted - sent)
    return wanted - (tx.chunks.present(wanted) & (sent | readable))


def bundles_done(tx: Snapshot, outcomes: list[Outcome]) -> list[str]:
    """Return the bundles of committed uploads that have no open upload left: their claims are over."""
    bundles = {outcome.upload.bundle for outcome in outcomes if outcome.upload.bundle is not None}
    return [bundle for bundle in bundles if not uploads.any_open_of_bundle(tx, bundle)]


def _known(upload: Upload) -> Outcome:
    if upload.result_node is None or upload.result_version is None:
        raise AssertionError(f"upload {upload.id} is committed and names no result")
    return Outcome(upload, upload.result_node, upload.result_version)
