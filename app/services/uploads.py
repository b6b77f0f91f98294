"""Uploads before their commit: requested, grown, resumed, given up."""

import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from app.auth.identity import Actor
from app.config import Limits, Uploads
from app.db.database import Database, Use
from app.db.transaction import Snapshot, Transaction
from app.errors import (
    AppError,
    ChunkListError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    TooLargeError,
)
from app.manifest import HASH, Chunk, Manifest, pack
from app.repositories import spaces, uploads, versions
from app.repositories.uploads import Expiry, State, Upload
from app.services import access
from app.services.direct import DirectTransfer
from app.services.guard import Guard
from app.services.ledger import Ledger, quota_exceeded
from app.services.lock_state import NOTHING_SHOWN, Shown
from app.services.media import check_content_type
from app.services.open_uploads import OpenUploads, claims_of, claims_over, own_upload, wire_id
from app.services.targets import Folders, Wish, find_target, require_free
from app.services.uptime import Uptime
from app.services.urls import Urls
from app.services.views import View
from app.services.waiting import Waiting, waiting_uploads
from storage.base import MAX_CHUNK, ChunkId
from storage.errors import StorageError
from storage.medium import Ticket
from storage.store import ChunkStore

ANSWER_CHUNKS = 4096
BATCH_CHUNKS = 262_144
FINE_CHUNKS, COARSE = 1024, 1024
"""A list of more chunks than the first has on average at least the second's bytes in each: 36 bytes of list a chunk."""
BUSY_RETRY_S = 60


@dataclass(frozen=True, slots=True)
class Declared:
    """One file that somebody wants to upload.

    Attributes:
        size: bytes in all; None for a stream that tells at its end.
        chunks: the complete list, or a beginning of it if `append`.
        expected: where `size` is None, what the stream has at most; 0 if nobody knows.
        at_once: all bytes are promised from the start; else as they come, for who only announces them may not take the
            room from others. What has no room now is refused in either case.
    """

    wish: Wish
    size: int | None
    chunks: Manifest
    append: bool = False
    expected: int = 0
    at_once: bool = True

    @property
    def announced(self) -> int:
        """The bytes for which there must be room."""
        return self.expected if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class ChunkAnswer:
    """One chunk of an upload's list: where its bytes go, or that none are needed. `direct` is another way for them."""

    index: int
    id: ChunkId
    size: int
    needed: bool
    url: str | None
    direct: Ticket | None = None


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """What an uploader is told of an open upload."""

    upload_id: str
    expires_ms: int
    chunks: list[ChunkAnswer]
    next_from: int | None
    bundle_url: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload is: `file` once it is committed, else what is missing."""

    state: State
    expires_ms: int
    missing: list[ChunkAnswer]
    next_from: int | None
    bundle_url: str | None
    file: View | None


class UploadService:
    """Opens and resumes uploads; bytes come in through `ReceiveService`, `CommitService` ends them."""

    def __init__(
        self,
        database: Database,
        store: ChunkStore,
        urls: Urls,
        table: OpenUploads,
        uptime: Uptime,
        limits: Limits,
        policy: Uploads,
        direct: DirectTransfer,
    ) -> None:
        """Take the parts it works with, and what the settings allow."""
        self._direct = direct
        self._database = database
        self._store = store
        self._urls = urls
        self._table = table
        self._uptime = uptime
        self._limits = limits
        self._policy = policy

    async def request(
        self, actor: Actor, declared: Declared, *, bundle: bool, shown: Shown = NOTHING_SHOWN
    ) -> UploadAnswer:
        """Open one upload; raises as `request_many` returns."""
        answer = (await self.request_many(actor, [declared], bundle=bundle, shown=shown, direct=True))[0]
        if isinstance(answer, AppError):
            raise answer
        return answer

    async def request_many(
        self,
        actor: Actor,
        files: Sequence[Declared],
        *,
        bundle: bool,
        shown: Shown = NOTHING_SHOWN,
        direct: bool = False,
    ) -> list[UploadAnswer | AppError]:
        """Open an upload for each file, or say why not, in order.

        Their rows, which pin every chunk in them, are durable before an answer says that no bytes are needed.

        Args:
            direct: say also how large chunks may go to the object server; of many files at once they are small.

        Raises:
            NoRoomError: the disk has no room for uploads now.
            TooLargeError: the files have too many chunks together.
        """
        if sum(len(file.chunks) for file in files) > BATCH_CHUNKS:
            raise TooLargeError(f"A batch may have {BATCH_CHUNKS} chunks.")
        name = secrets.token_urlsafe(18) if bundle else None
        opened = await self._database.write(lambda tx: self._open(tx, actor, files, name, shown))
        made = [upload for upload in opened if isinstance(upload, Upload)]
        self._table.opened(made)
        self._direct.begin({claims_of(upload)[-1] for upload in made})
        here = await self._here(actor, set().union(*(file.chunks.entries() for file in files)))
        bundle_url = self._urls.put_bundle(actor, made[0].space_id, name) if made and name is not None else None
        return [
            upload
            if isinstance(upload, AppError)
            else self._answer(actor, upload, file.chunks, here, bundle_url=bundle_url, direct=direct)
            for upload, file in zip(opened, files, strict=True)
        ]

    async def append(self, actor: Actor, upload_id: str, first: int, chunks: Manifest) -> UploadAnswer:
        """Add to the chunk list of an upload that hashes while it sends; repeating a part is harmless.

        Raises:
            NotFoundError: the actor has no such upload.
            ConflictError: the upload is committed, or the list does not end at `first`.
            ChunkListError: the chunks add up to more than the size, or are many and tiny.
        """
        self._check_chunks(chunks)
        upload = await self._database.write(lambda tx: self._append(tx, actor, upload_id, first, chunks))
        self._table.opened([upload])  # what its bundle takes has changed
        await self._receive(upload)
        here = await self._here(actor, chunks.entries(), upload)
        return self._answer(actor, upload, chunks, here, first=first, bundle_url=self._bundle_url(actor, upload))

    async def progress(self, actor: Actor, upload_id: str, start: int) -> Progress:
        """Return what is missing of an upload from chunk index `start` on, with fresh URLs; this is resume.

        Raises:
            NotFoundError: the actor has no such upload.
        """
        upload, part, view = await self._database.read(lambda tx: _look_up(tx, actor, upload_id, start))
        if upload.state is State.COMMITTED:
            return Progress(upload.state, upload.expires_ms, [], None, None, view)
        await self._table.require(upload_id)
        await self._receive(upload)
        here = await self._here(actor, part.entries(), upload)
        answer = self._answer(actor, upload, part, here, first=start, end=upload.chunk_count)
        missing = [chunk for chunk in answer.chunks if chunk.needed]
        bundle_url = self._bundle_url(actor, upload)
        return Progress(upload.state, upload.expires_ms, missing, answer.next_from, bundle_url, None)

    async def list_open(self, actor: Actor, *, after: str | None, limit: int) -> list[Waiting]:
        """Return a page of the user's open uploads; see `waiting_uploads`."""
        return await self._database.read(lambda tx: waiting_uploads(tx, actor, after=after, limit=limit))

    async def reserve_more(self, actor: Actor, upload_id: str, size: int) -> None:
        """Promise `size` more bytes to a stream whose length nobody announced.

        Raises:
            QuotaExceededError: the quota, or what may wait in open uploads, has no room for them.
        """

        def work(tx: Transaction) -> None:
            upload = own_upload(tx, actor, upload_id)
            _, waiting = uploads.usage_of_user(tx, actor.user_id)
            if waiting + size > self._limits.uncommitted_bytes_per_user:
                raise _too_much_waits()
            ledger = Ledger(tx)
            ledger.reserve(upload.space_id, size)
            ledger.apply()
            uploads.reserve_more(tx, upload.id, size)

        await self._database.write(work)

    async def give_up(self, actor: Actor, upload_id: str) -> None:
        """End an open upload; one that is committed stays as it is.

        Raises:
            NotFoundError: the actor has no such upload.
            ConflictError: it is committed.
        """

        def work(tx: Transaction) -> list[str]:
            upload = own_upload(tx, actor, upload_id)
            if upload.state is State.COMMITTED:
                raise ConflictError("This upload is committed; delete the file instead.", upload.result_node)
            drop(tx, upload)
            return claims_over(tx, [upload])

        over = await self._database.write(work, use=Use.FREES)
        self._table.closed([upload_id])
        self._store.drop_claims(over)

    async def judge(self, actor: Actor, declared: Declared, shown: Shown) -> None:
        """Refuse what could not be committed now, before its bytes come; raises as `request` does."""
        self.check(declared)

        def work(tx: Snapshot) -> None:
            target = find_target(tx, actor, declared.wish, Folders(tx, actor))
            require_free(Guard(tx, actor, shown), target)
            if not spaces.usage_of(tx, target.folder.space.owner_id).has_room(declared.announced):
                raise quota_exceeded()

        await self._database.read(work)

    def check(self, declared: Declared) -> None:
        """Refuse a declaration that cannot become a file, before anything is written.

        Raises:
            ChunkListError: the chunk list contradicts itself or the size, or is long and of tiny chunks.
            InvalidRequestError: this is no content type, or one that the policy does not take.
            TooLargeError: there are too many chunks.
        """
        size = self._check_chunks(declared.chunks)
        _check_coarse(len(declared.chunks), size)
        if declared.size is not None and (size > declared.size or (size != declared.size and not declared.append)):
            raise ChunkListError(f"The chunks add up to {size} bytes, and the size is {declared.size}.")
        content_type = check_content_type(declared.wish.content_type)
        allowed, refused = self._policy.allowed_types, self._policy.refused_types
        if (allowed and not _matches(content_type, allowed)) or _matches(content_type, refused):
            raise InvalidRequestError(f"This server takes no files of type {content_type}.")

    def _check_chunks(self, chunks: Manifest) -> int:
        if len(chunks) > self._limits.chunks_per_file:
            raise TooLargeError(f"A file may have {self._limits.chunks_per_file} chunks: cut it more coarsely.")
        sizes = [chunk.size for chunk in chunks]
        if any(not 0 < size <= MAX_CHUNK for size in sizes):
            raise ChunkListError(f"A chunk has 1 to {MAX_CHUNK} bytes.")
        if len(chunks.entries()) != len(set(chunks.ids())):
            raise ChunkListError("One chunk is listed with two sizes.")
        return sum(sizes)

    def _open(
        self, tx: Transaction, actor: Actor, files: Sequence[Declared], bundle: str | None, shown: Shown
    ) -> list[Upload | AppError]:
        opening = _Opening(tx, actor, bundle, shown)
        opened: list[Upload | AppError] = []
        for file in files:
            try:
                opened.append(self._open_one(opening, file))
            except AppError as error:
                opened.append(error)
        opening.ledger.apply()
        return opened

    def _open_one(self, opening: "_Opening", file: Declared) -> Upload:
        """Open one upload; all that can be refused is refused before the first row is written."""
        self.check(file)
        tx, actor = opening.tx, opening.actor
        target = find_target(tx, actor, file.wish, opening.folders)
        require_free(opening.guard, target)
        announced = file.announced
        if opening.uploads >= self._limits.open_uploads_per_user:
            raise RateLimitedError("Too many uploads are open: finish some, or give them up.", BUSY_RETRY_S)
        if opening.bytes + announced > self._limits.uncommitted_bytes_per_user:
            raise _too_much_waits()
        opening.ledger.require(target.folder.space.id, size=announced, reserved=0)
        reserved = announced if file.at_once else 0
        opening.ledger.reserve(target.folder.space.id, reserved)
        opening.uploads += 1
        opening.bytes += reserved
        return uploads.add(
            tx,
            user_id=actor.user_id,
            actor_id=actor.id,
            space_id=target.folder.space.id,
            bundle=opening.bundle,
            request=msgspec.json.encode(file.wish),
            size=file.size,
            reserved=reserved,
            chunks=file.chunks,
            expiry=self._expiry(tx),
        )

    def _append(self, tx: Transaction, actor: Actor, upload_id: str, first: int, chunks: Manifest) -> Upload:
        upload = own_upload(tx, actor, upload_id)
        if upload.state is State.COMMITTED:
            raise ConflictError("This upload is committed already.", upload.result_node)
        if first < upload.chunk_count and uploads.manifest_part(tx, upload.id, first, len(chunks)) == chunks:
            return upload  # the answer to the first try was lost
        if upload.size is not None and upload.chunk_size + chunks.size > upload.size:
            raise ChunkListError(f"The chunks add up to more than the {upload.size} bytes that were announced.")
        if upload.chunk_count + len(chunks) > self._limits.chunks_per_file:
            raise TooLargeError(f"A file may have {self._limits.chunks_per_file} chunks: cut it more coarsely.")
        _check_coarse(upload.chunk_count + len(chunks), upload.chunk_size + chunks.size)
        if upload.bundle is not None and uploads.chunks_of_bundle(tx, upload.bundle) + len(chunks) > BATCH_CHUNKS:
            raise TooLargeError(f"The uploads of a bundle may have {BATCH_CHUNKS} chunks together.")
        if not uploads.add_chunks(tx, upload.id, first, chunks):
            raise ConflictError(f"The chunk list has {upload.chunk_count} entries: continue from there.")
        uploads.extend(tx, upload.id, self._expiry(tx))
        return upload

    async def _receive(self, upload: Upload) -> None:
        """Look at what the client has put at the object server by now, so that it is not asked for again.

        The commit tells if that cannot be.
        """
        with suppress(StorageError):
            await self._store.arrivals.receive(claims_of(upload))

    async def _here(self, actor: Actor, entries: Collection[bytes], upload: Upload | None = None) -> set[bytes]:
        """Return the entries of a manifest whose bytes need not be sent.

        They are those that the actor can read in some file (security.md, X1), which the store has in the announced
        size, and those that came for `upload` or its bundle.
        """
        if not entries:  # a stream, whose chunks nobody knows yet
            return set()
        ids = {ChunkId(entry[:HASH]) for entry in entries}

        def work(tx: Snapshot) -> set[ChunkId]:
            return versions.possessed(tx, [space.id for space in access.spaces_of(tx, actor)], ids)

        possessed = await self._database.read(work)
        here = {pack(*chunk) for chunk in (await self._store.sizes(possessed)).items()} if possessed else set()
        here &= set(entries)
        if upload is not None:
            sent = await self._store.claimed(claims_of(upload), ids)
            here |= {entry for entry in entries if entry[:HASH] in sent}
        return here

    def _answer(
        self,
        actor: Actor,
        upload: Upload,
        chunks: Manifest,
        here: set[bytes],
        *,
        first: int = 0,
        end: int | None = None,
        bundle_url: str | None = None,
        direct: bool = True,
    ) -> UploadAnswer:
        """List up to 4,096 of `chunks`, whose indexes begin at `first`; the whole list ends at `end`."""
        claim = claims_of(upload)[-1]
        listed = [
            ChunkAnswer(
                index,
                chunk.id,
                chunk.size,
                needed=chunk.packed not in here,
                url=self._chunk_url(actor, upload, chunk, here),
                direct=self._direct.put(claim, chunk) if direct and chunk.packed not in here else None,
            )
            for index, chunk in enumerate(chunks.part(0, ANSWER_CHUNKS), first)
        ]
        at, end = first + len(listed), first + len(chunks) if end is None else end
        return UploadAnswer(wire_id(upload), upload.expires_ms, listed, at if at < end else None, bundle_url)

    def _chunk_url(self, actor: Actor, upload: Upload, chunk: Chunk, here: set[bytes]) -> str | None:
        if chunk.packed in here or upload.bundle is not None:
            return None
        return self._urls.put_chunk(actor, upload.space_id, wire_id(upload), chunk.id, chunk.size)

    def _bundle_url(self, actor: Actor, upload: Upload) -> str | None:
        return None if upload.bundle is None else self._urls.put_bundle(actor, upload.space_id, upload.bundle)

    def _expiry(self, tx: Transaction) -> Expiry:
        return self._uptime.expiry(tx.now_ms(), self._policy.upload_lifetime_days)


class _Opening:
    """What the files of one request share: their transaction, and what the user has open by now."""

    def __init__(self, tx: Transaction, actor: Actor, bundle: str | None, shown: Shown) -> None:
        self.tx = tx
        self.guard = Guard(tx, actor, shown)
        self.actor = actor
        self.bundle = bundle
        self.folders = Folders(tx, actor)
        self.ledger = Ledger(tx)
        self.uploads, self.bytes = uploads.usage_of_user(tx, actor.user_id)


def drop(tx: Transaction, upload: Upload) -> None:
    """Forget an upload and take its promise back."""
    spaces.adjust(tx, upload.space_id, reserved=-upload.reserved)
    uploads.remove(tx, upload.id)


def _look_up(tx: Snapshot, actor: Actor, upload_id: str, start: int) -> tuple[Upload, Manifest, View | None]:
    upload = own_upload(tx, actor, upload_id)
    if upload.state is State.COMMITTED and upload.result_node is not None:
        try:
            view = View.of(tx, access.look_number(tx, actor, upload.result_node))
        except NotFoundError:  # deleted since
            view = None
        return upload, Manifest(b""), view
    return upload, uploads.manifest_part(tx, upload.id, start, ANSWER_CHUNKS), None


def _check_coarse(chunks: int, size: int) -> None:
    """Refuse a list that is long for the bytes in it: a quota counts these, and the list lies in the database."""
    if chunks > FINE_CHUNKS and size < chunks * COARSE:
        raise ChunkListError(
            f"In a list of more than {FINE_CHUNKS} chunks they have {COARSE} bytes on average: cut it more coarsely."
        )


def _too_much_waits() -> QuotaExceededError:
    return QuotaExceededError("Too many bytes are waiting in open uploads: finish some, or give them up.")


def _matches(content_type: str, patterns: Sequence[str]) -> bool:
    family = content_type.partition("/")[0] + "/*"
    return any(pattern in (content_type, family) for pattern in patterns)
