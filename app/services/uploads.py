"""Uploads from request to commit: what is missing, what is taken, what becomes a version."""

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from app.auth.identity import Actor
from app.config import Limits, Uploads
from app.db.database import Database
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
from app.repositories import spaces, uploads, versions
from app.repositories.uploads import Expiry, State, Upload
from app.repositories.versions import Manifest
from app.services import access
from app.services.commits import Commit, Outcome, bundles_done
from app.services.open_uploads import OpenUploads, find_row, wire_id
from app.services.room import Room
from app.services.targets import Folders, Wish, find_target
from app.services.uptime import Uptime
from app.services.urls import Urls
from app.services.views import View
from storage.base import MAX_CHUNK, ChunkId
from storage.store import ChunkStore

ANSWER_CHUNKS = 4096
BATCH_CHUNKS = 262_144
BUSY_RETRY_S = 60


@dataclass(frozen=True, slots=True)
class Declared:
    """One file that somebody wants to upload.

    Attributes:
        size: bytes in all; None for a stream that tells at its end.
        chunks: the complete list, or a beginning of it if `append`.
        reserved: bytes to promise where `size` is None.
    """

    wish: Wish
    size: int | None
    chunks: Manifest
    append: bool = False
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ChunkAnswer:
    """One chunk of an upload's list: where its bytes go, or that none are needed."""

    index: int
    id: ChunkId
    size: int
    needed: bool
    url: str | None


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
    file: View | None


class UploadService:
    """Requests, resumes and commits uploads; the bytes themselves come in through `ReceiveService`."""

    def __init__(
        self,
        database: Database,
        store: ChunkStore,
        urls: Urls,
        table: OpenUploads,
        room: Room,
        uptime: Uptime,
        limits: Limits,
        policy: Uploads,
    ) -> None:
        """Take the parts it works with, and what the settings allow."""
        self._database = database
        self._store = store
        self._urls = urls
        self._table = table
        self._room = room
        self._uptime = uptime
        self._limits = limits
        self._policy = policy

    async def request(self, actor: Actor, declared: Declared, *, bundle: bool) -> UploadAnswer:
        """Open one upload; raises as `request_many` returns."""
        answer = (await self.request_many(actor, [declared], bundle=bundle))[0]
        if isinstance(answer, AppError):
            raise answer
        return answer

    async def request_many(
        self, actor: Actor, files: Sequence[Declared], *, bundle: bool
    ) -> list[UploadAnswer | AppError]:
        """Open an upload for each file, or say why not, in order.

        Their rows, which pin every chunk in them, are durable before an answer says that no bytes are needed.

        Raises:
            NoRoomError: the disk has no room for uploads now.
            TooLargeError: the files have too many chunks together.
        """
        self._room.require()
        if sum(len(file.chunks) for file in files) > BATCH_CHUNKS:
            raise TooLargeError(f"A batch may have {BATCH_CHUNKS} chunks.")
        name = secrets.token_urlsafe(18) if bundle else None
        opened = await self._database.write(lambda tx: self._open(tx, actor, files, name))
        made = [upload for upload in opened if isinstance(upload, Upload)]
        self._table.opened(made)
        wanted = {chunk_id for file in files for chunk_id in file.chunks.ids()}
        here = await self._readable(actor, wanted)
        return [
            upload if isinstance(upload, AppError) else self._answer(actor, upload, file.chunks, 0, here)
            for upload, file in zip(opened, files, strict=True)
        ]

    async def append(self, actor: Actor, upload_id: str, first: int, chunks: Manifest) -> UploadAnswer:
        """Add to the chunk list of an upload that hashes while it sends; repeating a part is harmless.

        Raises:
            NotFoundError: the actor has no such upload.
            ConflictError: the upload is committed, or the list does not end at `first`.
            ChunkListError: the chunks add up to more than the size.
        """
        size = self._check_chunks(chunks)
        upload = await self._database.write(lambda tx: self._append(tx, actor, upload_id, first, chunks, size))
        here = await self._readable(actor, set(chunks.ids())) | await self._store.claimed(
            _claims(upload), set(chunks.ids())
        )
        return self._answer(actor, upload, chunks, first, here)

    async def progress(self, actor: Actor, upload_id: str, start: int) -> Progress:
        """Return what is missing of an upload from chunk index `start` on, with fresh URLs; this is resume.

        Raises:
            NotFoundError: the actor has no such upload.
        """
        upload, part, view = await self._database.read(lambda tx: _look_up(tx, actor, upload_id, start))
        if upload.state is State.COMMITTED:
            return Progress(upload.state, upload.expires_ms, [], None, view)
        await self._table.require(upload_id)
        ids = set(part.ids())
        here = await self._readable(actor, ids) | await self._store.claimed(_claims(upload), ids)
        answer = self._answer(actor, upload, part, start, here, last=upload.chunk_count)
        missing = [chunk for chunk in answer.chunks if chunk.needed]
        return Progress(upload.state, upload.expires_ms, missing, answer.next_from, None)

    async def commit(self, actor: Actor, upload_id: str, claimed_sha256: str | None) -> View:
        """Make the upload's content the file's version and show the file; again gives the same version.

        Raises:
            NotFoundError: the actor has no such upload.
            MissingChunksError: chunks are missing; the upload stays open.
            ConflictError: the place, the name or the base is not as the uploader saw it.
        """
        result = (await self._commit(actor, [upload_id], claimed_sha256=claimed_sha256))[0]
        if isinstance(result, Exception):
            raise result
        return result

    async def commit_many(self, actor: Actor, upload_ids: Sequence[str]) -> list[View | AppError]:
        """Commit several uploads in one transaction; one that fails does not hold up the others."""
        return await self._commit(actor, upload_ids)

    async def commit_stream(self, actor: Actor, upload_id: str, chunks: Manifest, sha256: bytes) -> View:
        """Commit a stream that this server cut and hashed, whose chunk list is known only now."""
        size = self._check_chunks(chunks)

        def grow(tx: Transaction) -> None:
            self._append(tx, actor, upload_id, 0, chunks, size)

        result = (await self._commit(actor, [upload_id], sha256=sha256, before=grow))[0]
        if isinstance(result, Exception):
            raise result
        return result

    async def give_up(self, actor: Actor, upload_id: str) -> None:
        """End an open upload; one that is committed stays as it is.

        Raises:
            NotFoundError: the actor has no such upload.
            ConflictError: it is committed.
        """

        def work(tx: Transaction) -> Upload:
            upload = _own(tx, actor, upload_id)
            if upload.state is State.COMMITTED:
                raise ConflictError("This upload is committed; delete the file instead.", upload.result_node)
            drop(tx, upload)
            return upload

        upload = await self._database.write(work)
        self._table.closed([upload_id])
        self._store.drop_claims([upload_id] if upload.bundle is None else [upload_id, upload.bundle])

    def check(self, declared: Declared) -> None:
        """Refuse a declaration that cannot become a file, before anything is written.

        Raises:
            ChunkListError: the chunk list contradicts itself or the size.
            InvalidRequestError: the policy does not take this content type.
            TooLargeError: there are too many chunks.
        """
        size = self._check_chunks(declared.chunks)
        if declared.size is not None and (size > declared.size or (size != declared.size and not declared.append)):
            raise ChunkListError(f"The chunks add up to {size} bytes, and the size is {declared.size}.")
        content_type = declared.wish.content_type.partition(";")[0].strip().lower()
        allowed, refused = self._policy.allowed_types, self._policy.refused_types
        if (allowed and not _matches(content_type, allowed)) or _matches(content_type, refused):
            raise InvalidRequestError(f"This server takes no files of type {content_type}.")

    def _check_chunks(self, chunks: Manifest) -> int:
        if len(chunks) > self._limits.chunks_per_file:
            raise TooLargeError(f"A file may have {self._limits.chunks_per_file} chunks: cut it more coarsely.")
        sizes = [chunk.size for chunk in chunks]
        if any(not 0 < size <= MAX_CHUNK for size in sizes):
            raise ChunkListError(f"A chunk has 1 to {MAX_CHUNK} bytes.")
        return sum(sizes)

    def _open(
        self, tx: Transaction, actor: Actor, files: Sequence[Declared], bundle: str | None
    ) -> list[Upload | AppError]:
        folders = Folders(tx, actor)
        usage = list(uploads.usage_of_user(tx, actor.user_id))
        opened: list[Upload | AppError] = []
        for file in files:
            try:
                opened.append(self._open_one(tx, actor, file, bundle, folders, usage))
            except AppError as error:
                opened.append(error)
        return opened

    def _open_one(
        self, tx: Transaction, actor: Actor, file: Declared, bundle: str | None, folders: Folders, usage: list[int]
    ) -> Upload:
        """Open one upload; all that can be refused is refused before the first row is written."""
        self.check(file)
        target = find_target(tx, actor, file.wish, folders)
        reserved = file.reserved if file.size is None else file.size
        if usage[0] >= self._limits.open_uploads_per_user:
            raise RateLimitedError("Too many uploads are open: finish some, or give them up.", BUSY_RETRY_S)
        if usage[1] + reserved > self._limits.uncommitted_bytes_per_user:
            raise QuotaExceededError("Too many bytes are waiting in open uploads: finish some, or give them up.")
        spaces.reserve(tx, target.folder.space.id, reserved)
        usage[0] += 1
        usage[1] += reserved
        upload = uploads.add(
            tx,
            user_id=actor.user_id,
            actor_id=actor.id,
            space_id=target.folder.space.id,
            bundle=bundle,
            request=msgspec.json.encode(file.wish),
            size=file.size,
            reserved=reserved,
            expiry=self._expiry(tx),
        )
        uploads.add_chunks(tx, upload.id, 0, file.chunks, sum(chunk.size for chunk in file.chunks))
        return upload

    def _append(self, tx: Transaction, actor: Actor, upload_id: str, first: int, chunks: Manifest, size: int) -> Upload:
        upload = _own(tx, actor, upload_id)
        if upload.state is State.COMMITTED:
            raise ConflictError("This upload is committed already.", upload.result_node)
        if first < upload.chunk_count and uploads.manifest_part(tx, upload.id, first, len(chunks)) == chunks:
            return upload  # the answer to the first try was lost
        if upload.size is not None and upload.chunk_size + size > upload.size:
            raise ChunkListError(f"The chunks add up to more than the {upload.size} bytes that were announced.")
        if upload.chunk_count + len(chunks) > self._limits.chunks_per_file:
            raise TooLargeError(f"A file may have {self._limits.chunks_per_file} chunks: cut it more coarsely.")
        if not uploads.add_chunks(tx, upload.id, first, chunks, size):
            raise ConflictError(f"The chunk list has {upload.chunk_count} entries: continue from there.")
        uploads.extend(tx, upload.id, self._expiry(tx))
        return upload

    async def _commit(
        self,
        actor: Actor,
        upload_ids: Sequence[str],
        *,
        claimed_sha256: str | None = None,
        sha256: bytes | None = None,
        before: Callable[[Transaction], None] | None = None,
    ) -> list[View | AppError]:
        claims = set(upload_ids)
        for upload_id in upload_ids:
            known = await self._table.find(upload_id)
            if known is not None and known.bundle is not None:
                claims.add(known.bundle)
        await self._store.barrier(claims)
        claimed = None if claimed_sha256 is None else bytes.fromhex(claimed_sha256)

        def work(tx: Transaction) -> tuple[list[Outcome | AppError], list[str]]:
            if before is not None:
                before(tx)
            commit = Commit(tx, actor, self._expiry(tx))
            results: list[Outcome | AppError] = []
            for upload_id in upload_ids:
                try:
                    results.append(commit.run(_own(tx, actor, upload_id), claimed_sha256=claimed, sha256=sha256))
                except AppError as error:
                    results.append(error)
            commit.finish()
            return results, bundles_done(tx, [result for result in results if isinstance(result, Outcome)])

        results, done = await self._database.write(work)
        committed = [wire_id(result.upload) for result in results if isinstance(result, Outcome)]
        self._table.closed(committed)
        self._store.drop_claims([*committed, *done])
        return await self._database.read(lambda tx: [_shown(tx, actor, result) for result in results])

    async def _readable(self, actor: Actor, ids: Collection[ChunkId]) -> set[ChunkId]:
        """Return the chunks that the actor can read in some file and that the store has (security.md, X1)."""

        def work(tx: Snapshot) -> set[ChunkId]:
            return versions.possessed(tx, [space.id for space in access.spaces_of(tx, actor)], ids)

        possessed = await self._database.read(work)
        return await self._store.present(possessed) if possessed else possessed

    def _answer(
        self, actor: Actor, upload: Upload, chunks: Manifest, first: int, here: set[ChunkId], last: int | None = None
    ) -> UploadAnswer:
        """List up to 4,096 of `chunks`, whose indexes begin at `first`; `last` is the end of the whole list."""
        listed = [
            ChunkAnswer(index, chunk.id, chunk.size, chunk.id not in here, self._chunk_url(actor, upload, chunk, here))
            for index, chunk in enumerate(chunks.part(0, ANSWER_CHUNKS), first)
        ]
        end = first + len(chunks) if last is None else last
        at = first + len(listed)
        return UploadAnswer(
            wire_id(upload),
            upload.expires_ms,
            listed,
            at if at < end else None,
            None if upload.bundle is None else self._urls.put_bundle(actor, upload.space_id, upload.bundle),
        )

    def _chunk_url(self, actor: Actor, upload: Upload, chunk: versions.Chunk, here: set[ChunkId]) -> str | None:
        if chunk.id in here or upload.bundle is not None:
            return None
        return self._urls.put_chunk(actor, upload.space_id, wire_id(upload), chunk.id, chunk.size)

    def _expiry(self, tx: Transaction) -> Expiry:
        return self._uptime.expiry(tx.now_ms(), self._policy.upload_lifetime_days)


def drop(tx: Transaction, upload: Upload) -> None:
    """Forget an upload and take its promise back."""
    spaces.release(tx, upload.space_id, upload.reserved)
    uploads.remove(tx, upload.id)


def _own(tx: Snapshot, actor: Actor, upload_id: str) -> Upload:
    upload = find_row(tx, upload_id)
    if upload is None or upload.user_id != actor.user_id:
        raise NotFoundError("There is no upload with this id; it may have been finished long ago, or given up.")
    return upload


def _look_up(tx: Snapshot, actor: Actor, upload_id: str, start: int) -> tuple[Upload, Manifest, View | None]:
    upload = _own(tx, actor, upload_id)
    if upload.state is State.COMMITTED and upload.result_node is not None:
        try:
            view = View.of(tx, access.look_number(tx, actor, upload.result_node))
        except NotFoundError:  # deleted since
            view = None
        return upload, Manifest(b""), view
    return upload, uploads.manifest_part(tx, upload.id, start, ANSWER_CHUNKS), None


def _shown(tx: Snapshot, actor: Actor, result: Outcome | AppError) -> View | AppError:
    if isinstance(result, AppError):
        return result
    try:
        return View.of(tx, access.look_number(tx, actor, result.node_id)).at_version(tx, result.version_id)
    except NotFoundError as error:
        return error


def _claims(upload: Upload) -> list[str]:
    return [wire_id(upload)] if upload.bundle is None else [wire_id(upload), upload.bundle]


def _matches(content_type: str, patterns: Sequence[str]) -> bool:
    family = content_type.partition("/")[0] + "/*"
    return any(pattern in (content_type, family) for pattern in patterns)
