"""Downloads: a version's manifest with signed URLs, and its bytes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Snapshot
from app.errors import NotFoundError
from app.ids import decode_id, encode_id
from app.manifest import Chunk, Manifest
from app.repositories import versions
from app.repositories.nodes import Node
from app.repositories.versions import Version
from app.services import access
from app.services.access import Sight
from app.services.direct import DirectTransfer
from app.services.locating import locate
from app.services.media import Presentation, present_as, present_framed
from app.services.past_sight import look_ever
from app.services.urls import Urls
from app.services.views import View
from storage.base import ChunkId, StoredChunk
from storage.medium import Ticket
from storage.store import ChunkStore

ANSWER_CHUNKS = 4096


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """One chunk of a version: its place in the content, and where to get it. `direct` is another way to it."""

    index: int
    chunk: Chunk
    offset: int
    url: str
    direct: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A page of a version's manifest."""

    view: View
    content_url: str
    expires_ms: int
    chunks: list[ChunkSource]
    next_from: int | None


@dataclass(frozen=True, slots=True)
class Content:
    """A version's bytes, ready to be sent.

    Attributes:
        etag: strong validator, without quotes.
        modified_ms: for Last-Modified, Unix milliseconds.
        presentation: media type and disposition.
    """

    size: int
    etag: str
    modified_ms: int
    presentation: Presentation
    manifest: Manifest


class ChunkDownloads:
    """Finds chunks, and reads them."""

    def __init__(self, store: ChunkStore) -> None:
        """Take the store."""
        self._store = store

    async def chunk(self, chunk_id: ChunkId) -> StoredChunk:
        """Return where a chunk lies."""
        return (await self._store.locate([chunk_id]))[0]

    async def fetch(self, stored: StoredChunk) -> StoredChunk:
        """Return a chunk with its stored form at hand and checked, unless a file of this machine holds it."""
        return await self._store.fetch(stored)

    async def load(self, stored: StoredChunk) -> bytes:
        """Return the plain bytes of a chunk, checked if they had to be decoded."""
        return await self._store.load(stored)


class DownloadService(ChunkDownloads):
    """Finds what may be read and says where its bytes are."""

    def __init__(self, database: Database, store: ChunkStore, urls: Urls, epoch: str, direct: DirectTransfer) -> None:
        """Take the parts it works with, and the journal's epoch, which etags carry."""
        self._direct = direct
        super().__init__(store)
        self._database = database
        self._urls = urls
        self._epoch = epoch

    async def manifest(self, actor: Actor, file_id: str, version_id: str | None, start: int) -> Download:
        """Return up to 4,096 chunks of a version from chunk index `start` on.

        Raises:
            NotFoundError: there is no such file or version, or its content is gone.
        """
        view, version = await self._database.read(lambda tx: _find(tx, actor, file_id, version_id))
        manifest = manifest_of(version)
        wire_version = encode_id(version.id, version.tag)
        space_id = view.listed.node.space_id
        part = list(manifest.part(start, start + ANSWER_CHUNKS))
        offset = sum(chunk.size for chunk in manifest.part(0, start))
        chunks, direct = [], await self._direct.get(part)
        for index, chunk in enumerate(part, start):
            url = self._urls.get_chunk(actor, space_id, wire_version, chunk.id, chunk.size)
            chunks.append(ChunkSource(index, chunk, offset, url, direct.get(chunk.id)))
            offset += chunk.size
        shown = present_as(view.listed.node.name, version.content_type, download=False)
        content_url = self._urls.get_content(
            actor,
            space_id,
            view.file_id,
            wire_version,
            size=version.size,
            media_type=shown.media_type,
            disposition=shown.disposition,
        )
        end = start + len(part)
        return Download(view, content_url, self._urls.chunk_expiry_ms(), chunks, end if end < len(manifest) else None)

    async def content(
        self, actor: Actor, file_id: str, version_id: str | None, *, download: bool, framed: bool = False
    ) -> Content:
        """Return a version's bytes, the current one's if `version_id` is None.

        Args:
            framed: a page of ours shows it in a frame.

        Raises:
            NotFoundError: there is no such file or version, or its content is gone.
        """
        view, version = await self._database.read(lambda tx: _find(tx, actor, file_id, version_id))
        return self._content(view, version, download=download, framed=framed)

    def _content(self, view: View, version: Version, *, download: bool, framed: bool = False) -> Content:
        node = view.listed.node
        presented = (
            present_framed(node.name, version.content_type)
            if framed
            else present_as(node.name, version.content_type, download=download)
        )
        current = version.id == node.version_id
        return Content(
            version.size,
            view.etag(self._epoch) if current else encode_id(version.id, version.tag),
            node.mtime_ms if current and node.mtime_ms is not None else version.mtime_ms,
            presented,
            manifest_of(version),
        )

    async def content_at(self, actor: Actor, names: Sequence[str]) -> Content | None:
        """Return the current bytes of the file at a path of the actor's view; None for a folder.

        Raises:
            NotFoundError: there is nothing at this path, or its content is gone.
        """

        def work(tx: Snapshot) -> tuple[View, Version] | None:
            sight = access.look_path(tx, actor, names)
            sight.require(access.Right.READ)
            return (View.of(tx, sight), version_of(tx, sight.node, None)) if sight.node.is_file else None

        found = await self._database.read(work)
        return None if found is None else self._content(*found, download=False)

    async def granted_content(self, version_id: str, presentation: Presentation) -> Content:
        """Return the bytes that a signed URL allowed.

        Raises:
            NotFoundError: the version is gone.
        """
        number, tag = decode_id(version_id)
        version = await self._database.read(lambda tx: versions.find(tx, number))
        if version is None or version.tag != tag:
            raise NotFoundError("This content is gone.")
        return Content(version.size, version_id, version.mtime_ms, presentation, manifest_of(version))

    async def locate(self, content: Content, start: int, stop: int) -> AsyncIterator[tuple[StoredChunk, int, int]]:
        """Yield the stored chunks that hold bytes `start` to `stop`, each with the part of it that counts."""
        async for part in locate(self._store, content.manifest, start, stop):
            yield part


def find_version(tx: Snapshot, actor: Actor, file_id: str, version_id: str | None) -> tuple[Sight, Version]:
    """Return a file that the actor may read, and one of its versions: the current one if `version_id` is None.

    Raises:
        NotFoundError: there is no such file or version.
        ForbiddenError: the actor sees the file, and may not read it.
    """
    sight = find_file(tx, actor, file_id, ever=version_id is not None)
    return sight, version_of(tx, sight.node, version_id)


def find_file(tx: Snapshot, actor: Actor, file_id: str, *, ever: bool) -> Sight:
    """Return a file that the actor may read; raises as `find_version` does.

    Args:
        ever: also from the trash, where files are asked for by their versions, as a folder that they were in shows
            them (`folders/{id}/at`).
    """
    sight = look_ever(tx, actor, file_id) if ever else access.look(tx, actor, file_id)
    sight.require(access.Right.READ)
    if not sight.node.is_file:
        raise NotFoundError("A folder has no content.")
    return sight


def version_of(tx: Snapshot, file: Node, version_id: str | None) -> Version:
    """Return a version of a file, the current one if `version_id` is None; raises as `find_version` does."""
    number, tag = (file.version_id, file.version_tag) if version_id is None else decode_id(version_id)
    version = None if number is None or tag is None else versions.find_named(tx, number, tag, node_id=file.id)
    if version is None:
        raise NotFoundError("This file has no version with this id.")
    return version


def _find(tx: Snapshot, actor: Actor, file_id: str, version_id: str | None) -> tuple[View, Version]:
    sight, version = find_version(tx, actor, file_id, version_id)
    return View.of(tx, sight), version


def manifest_of(version: Version) -> Manifest:
    """Return the chunks of a version.

    Raises:
        NotFoundError: retention took them.
    """
    if version.manifest is None:
        raise NotFoundError("The content of this version is gone: retention took it.")
    return version.manifest
