"""The process's table of open uploads: what a signed PUT is looked up in, without asking the database each time.

It is a cache. An upload that is not in it is read from the database once; one that is closed is taken out at once.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import ForbiddenError, NotFoundError
from app.ids import decode_id, encode_id
from app.repositories import uploads
from app.repositories.uploads import State, Upload
from storage.base import ChunkId

UPLOADS = 100_000
BUNDLES = 64
BUNDLE_CHUNKS = 262_144  # of all bundles that are remembered: some 30 MiB, as much as the largest one alone


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """What must be known of an upload before its bytes are taken."""

    id: int
    user_id: int
    bundle: str | None


class OpenUploads:
    """Knows which uploads and bundles take bytes now."""

    def __init__(self, database: Database) -> None:
        """Begin with an empty table."""
        self._database = database
        self._uploads: OrderedDict[str, OpenUpload] = OrderedDict()
        self._bundles: OrderedDict[str, Mapping[ChunkId, int]] = OrderedDict()
        self._touched: set[int] = set()
        self._changes = 0

    def opened(self, made: Iterable[Upload]) -> None:
        """Take note of uploads whose rows are committed, or whose chunk lists have grown."""
        self._changes += 1
        for upload in made:
            self._uploads[wire_id(upload)] = _open_upload(upload)
            if upload.bundle is not None:
                self._bundles.pop(upload.bundle, None)
        self._trim()

    def closed(self, upload_ids: Iterable[str]) -> None:
        """Take no more bytes for these uploads."""
        self._changes += 1
        for upload_id in upload_ids:
            upload = self._uploads.pop(upload_id, None)
            if upload is not None and upload.bundle is not None:
                self._bundles.pop(upload.bundle, None)

    async def find(self, upload_id: str) -> OpenUpload | None:
        """Return the upload if it is open."""
        known = self._uploads.get(upload_id)
        if known is None:
            before = self._changes
            row = await self._database.read(lambda tx: find_row(tx, upload_id))
            if row is None or row.state is not State.OPEN:
                return None
            known = _open_upload(row)
            if before == self._changes:  # else it may have been closed since it was read
                self._uploads[upload_id] = known
                self._trim()
        return known

    async def require(self, upload_id: str) -> OpenUpload:
        """Return the upload, noting that it is being worked on.

        Raises:
            ForbiddenError: it is closed, or there never was one.
        """
        upload = await self.find(upload_id)
        if upload is None:
            raise ForbiddenError("This upload is finished or given up; it takes no more bytes.")
        self._touched.add(upload.id)
        return upload

    async def require_bundle(self, bundle: str) -> Mapping[ChunkId, int]:
        """Return the chunks, with their sizes in bytes, that the open uploads of a bundle declare.

        Raises:
            ForbiddenError: none of its uploads is open.
        """
        declared = self._bundles.get(bundle)
        if declared is None:
            before = self._changes
            found, touched = await self._database.read(lambda tx: _declared(tx, bundle))
            self._touched.update(touched)
            if before == self._changes:
                self._bundles[bundle] = found
                self._trim()
            declared = found
        else:
            self._bundles.move_to_end(bundle)
        if not declared:
            raise ForbiddenError("All uploads of this bundle are finished or given up; it takes no more bytes.")
        return declared

    def _trim(self) -> None:
        while len(self._uploads) > UPLOADS:
            self._uploads.popitem(last=False)
        while len(self._bundles) > BUNDLES or sum(map(len, self._bundles.values())) > BUNDLE_CHUNKS:
            self._bundles.popitem(last=False)

    def take_touched(self) -> set[int]:
        """Return the uploads that took bytes since the last call."""
        touched, self._touched = self._touched, set()
        return touched


def _open_upload(row: Upload) -> OpenUpload:
    return OpenUpload(row.id, row.user_id, row.bundle)


def wire_id(upload: Upload) -> str:
    """Return an upload's id on the wire, which is also its claim in the store."""
    return encode_id(upload.id, upload.tag)


def claims_of(upload: Upload) -> list[str]:
    """Return the claims under which an upload's chunks may have come: its own, and its bundle's."""
    return [wire_id(upload)] if upload.bundle is None else [wire_id(upload), upload.bundle]


def claims_over(tx: Snapshot, closed: Collection[Upload]) -> list[str]:
    """Return the claims that end with uploads just closed: a bundle's lasts as long as one of its uploads is open."""
    over = {claim for upload in closed for claim in claims_of(upload)}
    bundles = {upload.bundle for upload in closed if upload.bundle is not None}
    return sorted(over - {bundle for bundle in bundles if uploads.any_open_of_bundle(tx, bundle)})


def open_claims(tx: Snapshot, claims: Iterable[str]) -> set[str]:
    """Return those of `claims` that belong to an open upload, or to a bundle that has one."""
    return {claim for claim in claims if _is_open(tx, claim)}


def own_upload(tx: Snapshot, actor: Actor, upload_id: str) -> Upload:
    """Return an upload of the actor's user; a credential that reaches less than all sees those alone that it opened.

    Raises:
        NotFoundError: there is none of this id.
    """
    upload = find_row(tx, upload_id)
    if upload is None or upload.user_id != actor.user_id:
        raise _unknown()
    if not actor.scope.is_whole and upload.actor_id != actor.id:
        raise _unknown()
    return upload


def _unknown() -> NotFoundError:
    return NotFoundError("There is no upload with this id; it may have been finished long ago, or given up.")


def find_row(tx: Snapshot, upload_id: str) -> Upload | None:
    """Return the upload with this wire id, open or finished."""
    try:
        number, tag = decode_id(upload_id)
    except NotFoundError:
        return None
    upload = uploads.find(tx, number)
    return upload if upload is not None and upload.tag == tag else None


def _is_open(tx: Snapshot, claim: str) -> bool:
    upload = find_row(tx, claim)
    return (upload is not None and upload.state is State.OPEN) or uploads.any_open_of_bundle(tx, claim)


def _declared(tx: Snapshot, bundle: str) -> tuple[Mapping[ChunkId, int], set[int]]:
    rows = uploads.open_of_bundle(tx, bundle)
    declared = {chunk.id: chunk.size for row in rows for chunk in uploads.manifest(tx, row.id)}
    return declared, {row.id for row in rows}
